/**
 * What the relay keeps of a client for the core after this one, as text. Never a credential: who
 * the caller is comes with the socket, from the edge that let it in.
 */
import * as z from "zod";
import { LIMITS } from "../../../shared/limits.ts";

/** The challenge of a client that has yet to say `connect`. */
export interface Challenge {
  readonly nonce: string;
  /** Unix ms. */
  readonly ts: number;
}

const Name = z.string().optional();
/** What it said of itself; a core of an earlier version kept nothing of it. */
const KeptClient = z
  .object({
    clientId: z.string().default("test"),
    mode: z.string().default("test"),
    version: z.string().default(""),
    platform: z.string().default(""),
    displayName: Name,
    instanceId: Name,
    deviceFamily: Name,
    deviceId: Name,
  })
  .prefault({});
export type KeptClient = z.output<typeof KeptClient>;

/** Open objects: a core of another version may have written them, or may read ours. */
const Kept = z.discriminatedUnion("state", [
  z.object({
    state: z.literal("handshake"),
    connection: z.string(),
    challenge: z.object({ nonce: z.string(), ts: z.number() }),
  }),
  z.object({
    state: z.literal("open"),
    connection: z.string(),
    /** Id of the `connect` request, which may come again. */
    requestId: z.string(),
    role: z.string(),
    scopes: z.array(z.string()),
    client: KeptClient,
    /** What it has subscribed to. */
    topics: z.array(z.string()).default([]),
    /** Number of the last event. */
    seq: z.int().min(0),
  }),
]);
export type Kept = z.output<typeof Kept>;

/** Undefined for more than a relay keeps: the client has to begin anew after us. */
export function encodeKept(kept: Kept): string | undefined {
  const text = JSON.stringify(kept);
  return Buffer.byteLength(text) > LIMITS.maxNoteBytes ? undefined : text;
}

/** Undefined for what no core of ours has written. */
export function readKept(text: string): Kept | undefined {
  try {
    const kept = Kept.safeParse(JSON.parse(text));
    return kept.success ? kept.data : undefined;
  } catch {
    return undefined; // not even JSON
  }
}
