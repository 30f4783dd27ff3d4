import * as z from "zod/mini";
import { KeptWebhookStats } from "./webhook-stats.ts";

/**
 * What rides on a socket through hibernation. The runtime keeps at most 16 KiB and gives it back
 * as it was; these are a few hundred bytes, and those of a core 8 KiB at most.
 */

const Receive = z.object({
  received: z.number(),
  consumed: z.number(),
  limit: z.number(),
  size: z.number(),
});

const Session = z.object({
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
});

/** Said in HELLO. */
const Greeting = z.object({
  version: z.string(),
  mode: z.enum(["leader", "standby", "shared"]),
  store: z.string(),
  /** Of a core that knows no epochs, absent. */
  epoch: z.optional(z.number()),
  /** It can take up the clients of a core before it. */
  reattaches: z.boolean(),
});
export type Greeting = z.output<typeof Greeting>;

/** What the relay knows of webhooks beside what is stored: any core's socket carries it. */
const KeptWebhooks = z.object({
  stats: KeptWebhookStats,
  /** Packed ids of what cores have committed lately: 4 KiB at most. */
  seen: z.instanceof(Uint8Array<ArrayBufferLike>),
});
export interface KeptWebhooks {
  readonly stats: KeptWebhookStats;
  readonly seen: Uint8Array;
}

const Core = z.object({
  role: z.literal("core"),
  /** Of this connection: clients name it to say whose they are. */
  link: z.string(),
  kid: z.string(),
  nonce: z.string(),
  instance: z.string(),
  host: z.string(),
  colo: z.optional(z.string()),
  relay: z.string(),
  relays: z.string(),
  acceptedAt: z.number(),
  greeting: z.optional(Greeting),
  /** Set with WELCOME. */
  session: z.optional(Session),
  /** How long this relay was awake, and why: any core's socket carries it. */
  diary: z.optional(z.record(z.string(), z.number())),
  webhooks: z.optional(KeptWebhooks),
});
export type CoreAttachment = z.output<typeof Core>;

const Client = z.object({
  role: z.literal("client"),
  /** Of the core that has it; empty while it waits for one. */
  link: z.string(),
  stream: z.object({
    id: z.number(),
    sent: z.number(),
    sendLimit: z.number(),
    receive: Receive,
    ahead: z._default(z.number(), 0),
    partial: z.boolean(),
  }),
  /** Messages sent on this stream. */
  count: z.number(),
  /** What a next core needs to know of it, as WS_OPEN says it; absent: it does not survive this one. */
  meta: z.optional(z.array(z.tuple([z.string(), z.string()]))),
  /** What its core has left for the next. */
  state: z.optional(z.string()),
  /** Of the credential that let it in; of a client of a version before, absent. */
  digest: z.optional(z.string()),
  /** Unix ms since when it has no core. */
  orphanedAt: z.optional(z.number()),
});
export type ClientAttachment = z.output<typeof Client>;

/** On a socket we have closed: its stream is over, whatever still crosses on the way. */
export const GONE = { role: "gone" } as const;

export const CORE_TAG = "core";
export const CLIENT_TAG = "client";

/** Finds the socket of a stream without rebuilding all others; one that was re-attached has moved. */
export function streamTag(link: string, id: number): string {
  return `stream:${link}:${id}`;
}

/** Undefined for an attachment of another version: its socket is closed then. */
export function readCore(socket: WebSocket): CoreAttachment | undefined {
  const read = Core.safeParse(socket.deserializeAttachment());
  return read.success ? read.data : undefined;
}

export function readClient(socket: WebSocket): ClientAttachment | undefined {
  const read = Client.safeParse(socket.deserializeAttachment());
  return read.success ? read.data : undefined;
}
