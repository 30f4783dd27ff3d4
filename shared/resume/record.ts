/**
 * What crosses a resuming WebSocket after the greeting: records, one a binary message.
 * Pure: bytes in, bytes out. See protocol.md beside this file.
 *
 *     0      1              5              9
 *     ┌──────┬──────────────┬──────────────┬───────────
 *     │ type │    number    │   received   │ payload …
 *     └──────┴──────────────┴──────────────┴───────────
 */
import { concat, fromUtf8, utf8 } from "../bytes.ts";
import { legalCloseCode, legalCloseReason } from "../close-code.ts";
import { err, ok, type Result } from "../result.ts";

/** What both sides must speak. */
export const RESUME_PROTOCOL = "resume.sallyport.v1";
/** Offered beside it by a client that wants its session back: the app is not asked again. */
export const RESUMING_PROTOCOL = "resume.sallyport.v1.again";

export const RecordType = { text: 1, binary: 2, ack: 3, close: 4, sync: 5 } as const;
export type RecordType = (typeof RecordType)[keyof typeof RecordType];

export const RECORD_HEAD_BYTES = 9;
/** RFC 6455 section 7.4.1: there was no code. */
const NO_CODE = 1005;
/** Of numbers in an ACK: as many messages may be under way out of order as make holes. */
const MAX_RANGES = 1_024;

export interface Record {
  readonly type: RecordType;
  /** Of a message or close, its own; of SYNC, what tells one from another. Modulo 2^32. */
  readonly number: number;
  /** The sender is done with all messages up to this one. Modulo 2^32. */
  readonly received: number;
  readonly payload: Uint8Array;
}

export interface RecordFault {
  readonly reason: "too_short" | "unknown_type" | "bad_payload";
}

/** Messages from one to another, both included. */
export interface Range {
  readonly from: number;
  readonly to: number;
}

const TYPES: ReadonlyMap<number, RecordType> = new Map(
  Object.values(RecordType).map((type) => [type, type]),
);

export function encodeRecord({ type, number, received, payload }: Record): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(RECORD_HEAD_BYTES + payload.byteLength);
  const view = new DataView(bytes.buffer);
  view.setUint8(0, type);
  view.setUint32(1, number >>> 0);
  view.setUint32(5, received >>> 0);
  bytes.set(payload, RECORD_HEAD_BYTES);
  return bytes;
}

/** The payload is a view of `bytes`. */
export function decodeRecord(bytes: Uint8Array): Result<Record, RecordFault> {
  if (bytes.byteLength < RECORD_HEAD_BYTES) return err({ reason: "too_short" });
  const view = viewOf(bytes);
  const type = TYPES.get(view.getUint8(0));
  if (type === undefined) return err({ reason: "unknown_type" });
  return ok({
    type,
    number: view.getUint32(1),
    received: view.getUint32(5),
    payload: bytes.subarray(RECORD_HEAD_BYTES),
  });
}

/**
 * The full number of which `wire` is the lower half: the nearest to one that is known. Sessions
 * may outlive 2^32 messages; no two that are told apart are ever that far apart.
 */
export function fullNumber(wire: number, known: number): number {
  return known + ((wire - known) | 0);
}

/** @param code - 1005: none is given. */
export function closePayload(code: number, reason: string): Uint8Array<ArrayBuffer> {
  if (code === NO_CODE) return new Uint8Array();
  const head = new Uint8Array(2);
  new DataView(head.buffer).setUint16(0, legalCloseCode(code));
  return concat([head, utf8(legalCloseReason(reason))]);
}

export function readClose(
  payload: Uint8Array,
): Result<{ readonly code: number; readonly reason: string }, RecordFault> {
  if (payload.byteLength === 0) return ok({ code: NO_CODE, reason: "" });
  if (payload.byteLength < 2) return err({ reason: "bad_payload" });
  const code = legalCloseCode(viewOf(payload).getUint16(0));
  return ok({ code, reason: legalCloseReason(fromUtf8(payload.subarray(2))) });
}

/** Of an ACK, what beyond `received` is dealt with; of SYNC, the one range still unacknowledged. */
export function rangesPayload(ranges: readonly Range[]): Uint8Array<ArrayBuffer> {
  const payload = new Uint8Array(8 * Math.min(ranges.length, MAX_RANGES));
  const view = new DataView(payload.buffer);
  for (const [index, { from, to }] of ranges.slice(0, MAX_RANGES).entries()) {
    view.setUint32(8 * index, from >>> 0);
    view.setUint32(8 * index + 4, to >>> 0);
  }
  return payload;
}

/** @param known - A number not far from those in the payload. */
export function readRanges(payload: Uint8Array, known: number): Result<Range[], RecordFault> {
  const { byteLength } = payload;
  if (byteLength % 8 !== 0 || byteLength > 8 * MAX_RANGES) return err({ reason: "bad_payload" });
  const view = viewOf(payload);
  const ranges: Range[] = [];
  for (let offset = 0; offset < byteLength; offset += 8) {
    const from = fullNumber(view.getUint32(offset), known);
    ranges.push({ from, to: fullNumber(view.getUint32(offset + 4), from) });
  }
  return ok(ranges);
}

function viewOf({ buffer, byteOffset, byteLength }: Uint8Array): DataView {
  return new DataView(buffer, byteOffset, byteLength);
}
