/**
 * One frame <-> bytes. Pure and synchronous: the relay's runtime overlaps async message handlers,
 * so everything up to a decoded frame happens within one call. Layout: protocol.md, section 3.
 */
import { LIMITS } from "../limits.ts";
import { err, ok, type Result } from "../result.ts";

/** Bit 7 set: a receiver that does not know the type must refuse it; clear: it may skip it. */
export const FrameType = {
  ping: 0x01,
  pong: 0x02,
  stats: 0x03,
  wsAck: 0x0e,
  wsState: 0x0f,
  hello: 0x81,
  welcome: 0x82,
  open: 0x83,
  headers: 0x84,
  data: 0x85,
  stop: 0x86,
  reset: 0x87,
  maxData: 0x88,
  maxStreams: 0x89,
  wsOpen: 0x8a,
  wsAccept: 0x8b,
  wsMessage: 0x8c,
  wsClose: 0x8d,
  deliver: 0x90,
  ack: 0x91,
  nack: 0x92,
  goAway: 0x93,
  drained: 0x94,
} as const;
export type FrameType = (typeof FrameType)[keyof typeof FrameType];

const CRITICAL = 0x80;

export const Flag = {
  /** Nothing follows in this direction of the stream. */
  end: 1,
  /** Last fragment of a WebSocket message. */
  fin: 2,
  /** The WebSocket message is text. */
  text: 4,
} as const;

/** Why a stream was cut: `ext` of RESET. */
export const ResetCode = {
  noError: 0,
  /** The client is gone; stop working for it. */
  cancel: 1,
  /** Provably not executed: the same request may be sent again. */
  refused: 2,
  deadline: 3,
  tooLarge: 4,
  flow: 5,
  protocol: 6,
  coreError: 7,
  notLeader: 8,
  draining: 9,
  /** Never on the wire: the connection under the stream is gone. */
  lost: 0xffff,
} as const;
export type ResetCode = (typeof ResetCode)[keyof typeof ResetCode];

/** Why a connection ends: `ext` of GOAWAY. */
export const GoAwayCode = {
  shutdown: 0,
  protocol: 1,
  superseded: 2,
  revoked: 3,
} as const;
export type GoAwayCode = (typeof GoAwayCode)[keyof typeof GoAwayCode];

/** `ext` of NACK. */
export const NackCode = {
  /** Not now: try again after `:retry-after-ms`. */
  later: 1,
  /** Never: a dead letter. */
  poison: 2,
} as const;

export interface Frame {
  readonly type: FrameType;
  readonly flags: number;
  readonly ext: number;
  /** 0 is the connection; the relay opens odd ids, the core even ones. */
  readonly stream: number;
  readonly payload: Uint8Array;
}

export type FrameError =
  | { readonly reason: "too_long"; readonly bytes: number }
  | { readonly reason: "cut_short"; readonly at: number }
  | { readonly reason: "length"; readonly at: number; readonly length: number }
  | { readonly reason: "unknown_type"; readonly type: number; readonly stream: number };

export const HEADER_BYTES = 12;
const NOTHING = new Uint8Array(0);
const KNOWN: ReadonlySet<number> = new Set(Object.values(FrameType));
const WITH_HEAD: ReadonlySet<number> = new Set([
  FrameType.hello,
  FrameType.welcome,
  FrameType.open,
  FrameType.headers,
  FrameType.wsOpen,
  FrameType.wsAccept,
  FrameType.deliver,
  FrameType.ack,
  FrameType.nack,
]);
const WITH_CONTENT: ReadonlySet<number> = new Set([
  FrameType.data,
  FrameType.wsMessage,
  FrameType.wsState,
]);

/** What a stream carries: a request with its answer, a client's WebSocket, a webhook. */
export type StreamKind = "http" | "websocket" | "delivery";

/** The frame that opens a stream of each kind. */
export const OPENERS = {
  http: FrameType.open,
  websocket: FrameType.wsOpen,
  delivery: FrameType.deliver,
} as const satisfies Record<StreamKind, FrameType>;

export const KIND_OF_OPENER: ReadonlyMap<number, StreamKind> = new Map([
  [FrameType.open, "http"],
  [FrameType.wsOpen, "websocket"],
  [FrameType.deliver, "delivery"],
]);

/** These are about the connection whatever their stream id says. */
export const CONNECTION_TYPES: ReadonlySet<number> = new Set([
  FrameType.hello,
  FrameType.welcome,
  FrameType.maxStreams,
  FrameType.goAway,
  FrameType.drained,
  FrameType.ping,
  FrameType.pong,
  FrameType.stats,
]);

/** What a frame takes from the credit of its stream and of the connection: its bytes of content. */
export function creditOf({ type, payload }: Frame): number {
  return WITH_CONTENT.has(type) ? payload.byteLength : 0;
}

/** A frame without the parts that are zero. */
export function frame(
  type: FrameType,
  stream: number,
  payload: Uint8Array = NOTHING,
  { flags = 0, ext = 0 } = {},
): Frame {
  return { type, flags, ext, stream, payload };
}

/** Frames behind one another, as one message. The caller keeps it below `maxMessageBytes`. */
export function encodeFrames(frames: readonly Frame[]): Uint8Array<ArrayBuffer> {
  let size = 0;
  for (const { payload } of frames) size += HEADER_BYTES + payload.byteLength;
  const message = new Uint8Array(size);
  const view = new DataView(message.buffer);
  let at = 0;
  for (const { type, flags, ext, stream, payload } of frames) {
    view.setUint8(at, type);
    view.setUint8(at + 1, flags);
    view.setUint16(at + 2, ext);
    view.setUint32(at + 4, stream);
    view.setUint32(at + 8, payload.byteLength);
    message.set(payload, at + HEADER_BYTES);
    at += HEADER_BYTES + payload.byteLength;
  }
  return message;
}

/**
 * The frames of one message; payloads are views of it, not copies. Frames of unknown types that
 * may be skipped are left out. An error means nothing of the message may be acted on.
 */
export function decodeFrames(message: Uint8Array): Result<Frame[], FrameError> {
  const size = message.byteLength;
  if (size > LIMITS.maxMessageBytes) return err({ reason: "too_long", bytes: size });
  const view = new DataView(message.buffer, message.byteOffset, size);
  const frames: Frame[] = [];
  let at = 0;
  while (at < size) {
    if (size - at < HEADER_BYTES) return err({ reason: "cut_short", at });
    const type = view.getUint8(at);
    const stream = view.getUint32(at + 4);
    const length = view.getUint32(at + 8);
    const start = at + HEADER_BYTES;
    if (length > size - start) return err({ reason: "length", at, length });
    if (isFrameType(type)) {
      if (length > maxPayloadBytes(type)) return err({ reason: "length", at, length });
      frames.push({
        type,
        flags: view.getUint8(at + 1),
        ext: view.getUint16(at + 2),
        stream,
        payload: message.subarray(start, start + length),
      });
    } else if ((type & CRITICAL) !== 0) {
      return err({ reason: "unknown_type", type, stream });
    }
    at = start + length;
  }
  return ok(frames);
}

function isFrameType(type: number): type is FrameType {
  return KNOWN.has(type);
}

/** What has no credit is short: a peer may make us keep thousands of answers to it. */
function maxPayloadBytes(type: FrameType): number {
  if (WITH_HEAD.has(type)) return LIMITS.maxHeadBytes;
  if (type === FrameType.stats) return LIMITS.maxNoteBytes;
  return WITH_CONTENT.has(type) ? LIMITS.maxFrameBytes : LIMITS.maxReasonBytes;
}

/** An absolute byte offset, as MAX_DATA carries it: u64, of which 53 bits are used. */
export function encodeOffset(offset: number): Uint8Array {
  const payload = new Uint8Array(8);
  new DataView(payload.buffer).setBigUint64(0, BigInt(offset));
  return payload;
}

/** @returns undefined when the payload is not an offset we can count to. */
export function decodeOffset(payload: Uint8Array): number | undefined {
  if (payload.byteLength !== 8) return undefined;
  const view = new DataView(payload.buffer, payload.byteOffset, 8);
  const offset = Number(view.getBigUint64(0));
  return Number.isSafeInteger(offset) ? offset : undefined;
}

/** A u32: stream counts, milliseconds, last stream ids. */
export function encodeU32(value: number): Uint8Array {
  const payload = new Uint8Array(4);
  new DataView(payload.buffer).setUint32(0, value);
  return payload;
}

/** @returns undefined when the payload is shorter. */
export function decodeU32(payload: Uint8Array): number | undefined {
  if (payload.byteLength < 4) return undefined;
  return new DataView(payload.buffer, payload.byteOffset, 4).getUint32(0);
}
