import { LIMITS } from "../limits.ts";
import { type Fields, fieldOf } from "./fields.ts";

/** What the peer said of itself in HELLO or WELCOME. */
export interface PeerLimits {
  /** Bytes we may send on a fresh stream before it grants more. */
  readonly streamWindow: number;
  /** The same for all streams together. */
  readonly connectionWindow: number;
  /** Requests and deliveries we may have open with it at once. */
  readonly maxStreams: number;
}

/** The fields by which we tell the peer our own limits. */
export function limitFields(): Fields {
  return [
    [":stream-window", String(LIMITS.streamWindowBytes)],
    [":connection-window", String(LIMITS.connectionWindowBytes)],
    [":max-streams", String(LIMITS.maxStreams)],
  ];
}

/** @returns undefined when one is missing or no positive number. */
export function readLimits(fields: Fields): PeerLimits | undefined {
  const streamWindow = Number(fieldOf(fields, ":stream-window"));
  const connectionWindow = Number(fieldOf(fields, ":connection-window"));
  const maxStreams = Number(fieldOf(fields, ":max-streams"));
  const all = [streamWindow, connectionWindow, maxStreams];
  return all.every((limit) => Number.isSafeInteger(limit) && limit > 0)
    ? { streamWindow, connectionWindow, maxStreams }
    : undefined;
}
