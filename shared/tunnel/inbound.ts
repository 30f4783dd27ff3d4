/** What a frame of the peer does to one stream. */
import { fromUtf8 } from "../bytes.ts";
import { decodeFields } from "./fields.ts";
import {
  creditOf,
  decodeOffset,
  Flag,
  type Frame,
  FrameType,
  ResetCode,
  type StreamKind,
} from "./frame.ts";
import type { Stream } from "./stream.ts";

/** The frames that each kind of stream has, beside its opener. */
const EXPECTED: Record<StreamKind, ReadonlySet<FrameType>> = {
  http: new Set([
    FrameType.headers,
    FrameType.data,
    FrameType.stop,
    FrameType.reset,
    FrameType.maxData,
  ]),
  websocket: new Set([
    FrameType.wsAccept,
    FrameType.wsMessage,
    FrameType.wsAck,
    FrameType.wsState,
    FrameType.wsClose,
    // A refusal is an answer like any other, with a body.
    FrameType.data,
    FrameType.stop,
    FrameType.reset,
    FrameType.maxData,
  ]),
  delivery: new Set([
    FrameType.data,
    FrameType.ack,
    FrameType.nack,
    FrameType.stop,
    FrameType.reset,
    FrameType.maxData,
  ]),
};

/**
 * Applies a frame that is not an opener.
 *
 * @returns Why the connection cannot go on, or undefined: faults of one stream cut only that.
 */
export function applyFrame(stream: Stream, received: Frame): string | undefined {
  const { type, payload, flags } = received;
  if (!EXPECTED[stream.kind].has(type)) {
    return stream.receiveStray(creditOf(received)) ? undefined : "window ignored";
  }
  if (type === FrameType.data) {
    return stream.receiveData(payload, (flags & Flag.end) !== 0) ? undefined : "window ignored";
  }
  if (type === FrameType.wsMessage || type === FrameType.wsState) {
    return stream.receiveFragment(received) ? undefined : "window ignored";
  }
  return applyControl(stream, received);
}

function applyControl(stream: Stream, received: Frame): string | undefined {
  const { type, ext, payload } = received;
  switch (type) {
    case FrameType.headers:
    case FrameType.wsAccept:
    case FrameType.ack:
    case FrameType.nack:
      applyHead(stream, received);
      return undefined;
    case FrameType.maxData: {
      const limit = decodeOffset(payload);
      if (limit === undefined) return "bad offset";
      stream.grant(limit);
      return undefined;
    }
    case FrameType.stop:
      stream.receiveStop();
      return undefined;
    case FrameType.reset:
      stream.receiveReset(ext, fromUtf8(payload));
      return undefined;
    case FrameType.wsAck:
      stream.receiveTaken(ext);
      return undefined;
    case FrameType.wsClose:
      stream.receiveClose(ext, fromUtf8(payload));
      return undefined;
    default:
      return undefined;
  }
}

function applyHead(stream: Stream, { type, ext, payload, flags }: Frame): void {
  const fields = decodeFields(payload);
  if (!fields.ok) {
    stream.abort(ResetCode.protocol, "bad head");
  } else if (type === FrameType.ack || type === FrameType.nack) {
    stream.receiveAnswer(type === FrameType.ack ? "ack" : "nack", ext, fields.value);
  } else {
    stream.receiveHead(fields.value, (flags & Flag.end) !== 0);
  }
}
