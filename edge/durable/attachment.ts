import * as z from "zod";
import type { SessionState } from "../../shared/tunnel/session-handlers.ts";
import type { StreamState } from "../../shared/tunnel/stream.ts";

/**
 * What rides on a socket through hibernation. The runtime keeps at most 16 KiB and gives it back
 * as it was; these are a few hundred bytes.
 */
export interface CoreAttachment {
  readonly role: "core";
  readonly kid: string;
  readonly nonce: string;
  readonly instance: string;
  readonly host: string;
  readonly colo: string | undefined;
  readonly acceptedAt: number;
  /** Set with HELLO. */
  readonly version: string | undefined;
  /** Set with WELCOME. */
  readonly session: SessionState | undefined;
}

export interface ClientAttachment {
  readonly role: "client";
  readonly stream: StreamState;
}

/** On a socket we have closed: its stream is over, whatever still crosses on the way. */
export const GONE = { role: "gone" } as const;

export const CORE_TAG = "core";
export const CLIENT_TAG = "client";

/** Finds the socket of a stream without rebuilding all others. */
export function streamTag(id: number): string {
  return `stream:${id}`;
}

const Receive = z.object({
  received: z.number(),
  consumed: z.number(),
  limit: z.number(),
  size: z.number(),
});

const Core = z.object({
  role: z.literal("core"),
  kid: z.string(),
  nonce: z.string(),
  instance: z.string(),
  host: z.string(),
  colo: z.string().optional(),
  acceptedAt: z.number(),
  version: z.string().optional(),
  session: z
    .object({
      nextId: z.number(),
      highestPeerId: z.number(),
      sent: z.number(),
      sendLimit: z.number(),
      receive: Receive,
      peer: z.object({
        streamWindow: z.number(),
        connectionWindow: z.number(),
        maxStreams: z.number(),
      }),
      goingAway: z.boolean(),
      peerGoingAway: z.boolean(),
    })
    .optional(),
});

const Client = z.object({
  role: z.literal("client"),
  stream: z.object({
    id: z.number(),
    sent: z.number(),
    sendLimit: z.number(),
    receive: Receive,
    partial: z.boolean(),
  }),
});

/** Undefined for an attachment of another version: its socket is closed then. */
export function readCore(socket: WebSocket): CoreAttachment | undefined {
  const read = Core.safeParse(socket.deserializeAttachment());
  if (!read.success) return undefined;
  const { colo, version, session, ...rest } = read.data;
  return { ...rest, colo, version, session };
}

export function readClient(socket: WebSocket): ClientAttachment | undefined {
  const read = Client.safeParse(socket.deserializeAttachment());
  return read.success ? read.data : undefined;
}
