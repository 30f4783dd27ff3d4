import * as z from "zod";
import { Principal } from "../shared/principal.ts";

/**
 * What the Worker tells the relay about a request it has already checked. It rides as JSON in one
 * header of the `fetch` to the Durable Object, which no outside request can reach. `v` is there
 * because a Worker may talk to a relay of the version before while a deploy is under way.
 */
export const CALL_HEADER = "X-Gw-Internal-Call";

const Client = z.object({
  ip: z.string(),
  country: z.string().optional(),
  colo: z.string().optional(),
});

const Forwarded = {
  v: z.literal(1),
  requestId: z.string(),
  client: Client,
  /** Scheme and host the client used: what the core sees as the request's own. */
  origin: z.string(),
};

const HttpCall = z.object({
  ...Forwarded,
  kind: z.literal("http"),
  principal: Principal,
  /** Digest of the token that was used: the relay looks whether it is still valid. */
  digest: z.string(),
  /** Longest wait for the first byte of the answer. */
  deadlineMs: z.number(),
  /**
   * Version of the bundle the Worker decided by. A relay with the same one leaves the
   * `BUNDLE_VERSION_HEADER` out, and the Worker can hand the answer on as it is.
   */
  bundleVersion: z.number().optional(),
});

const WebSocketCall = HttpCall.extend({ kind: z.literal("websocket") });

/** A verified webhook; the body of the request is the webhook's body, its headers the headers. */
const DeliverCall = z.object({
  ...Forwarded,
  kind: z.literal("deliver"),
  route: z.string(),
  /** The sender's id of this event: the same for every retry of it. */
  deliveryId: z.string(),
  /** Deliveries of one lane keep their order. */
  lane: z.string(),
  receivedAt: z.number(),
});

/** A core dials in. The Worker has verified the signature; replays only the relay can know. */
const TunnelCall = z.object({
  v: z.literal(1),
  kind: z.literal("tunnel"),
  kid: z.string(),
  nonce: z.string(),
  /** Signed time, Unix ms. */
  at: z.number(),
  instance: z.string(),
  host: z.string(),
  colo: z.string().optional(),
});

/** A core introduces its public key. The Worker has checked the HMAC of the pairing secret. */
const PairCall = z.object({
  v: z.literal(1),
  kind: z.literal("pair"),
  kid: z.string(),
  /** Raw Ed25519 public key, URL-safe base64. */
  publicKey: z.string(),
  nonce: z.string(),
  at: z.number(),
  /** SHA-256 of the pairing secret: one secret lets in one key. */
  secretDigest: z.string(),
});

/** What an isolate keeps to decide on its own: bundle and core keys. */
const BundleCall = z.object({ v: z.literal(1), kind: z.literal("bundle") });

/** Is a core connected? */
const StateCall = z.object({ v: z.literal(1), kind: z.literal("state") });

export const RelayCall = z.discriminatedUnion("kind", [
  HttpCall,
  WebSocketCall,
  DeliverCall,
  TunnelCall,
  PairCall,
  BundleCall,
  StateCall,
]);
export type RelayCall = z.output<typeof RelayCall>;
export type CallOf<Kind extends RelayCall["kind"]> = Extract<RelayCall, { kind: Kind }>;

/**
 * The call as a header value. Names may hold any character, a header value only ASCII: JSON can
 * say the one with the other.
 */
export function encodeCall(call: RelayCall): string {
  const json = JSON.stringify(call);
  return NOT_ASCII.test(json) ? json.replaceAll(EVERY_NOT_ASCII, escaped) : json;
}

const NOT_ASCII = /[^\x20-\x7e]/;
const EVERY_NOT_ASCII = /[^\x20-\x7e]/g;

function escaped(unit: string): string {
  return `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`;
}

/** Answer to `deliver`, as JSON with status 200: only then is there a durable copy. */
export interface DeliverAnswer {
  readonly result: "committed" | "duplicate" | "spooled";
}

/** Answer to `bundle`. */
export interface BundleAnswer {
  /** Grows with every change; 0 when no core has ever published one. */
  readonly version: number;
  /** An `EdgeBundle`, null before the first. */
  readonly bundle: unknown;
  readonly keys: readonly { readonly kid: string; readonly publicKey: string }[];
}

/** Answer to `state`. */
export interface StateAnswer {
  readonly connected: boolean;
  /** Unix ms of the last sign of life; null when no core has been here since the relay was made. */
  readonly lastSeenAt: number | null;
  readonly coreVersion: string | null;
  /** Undelivered webhooks. */
  readonly spooled: number;
}

/** Answer to `pair`. */
export interface PairAnswer {
  /** The edge's own Ed25519 public key, raw, URL-safe base64: the core pins it. */
  readonly edgeKey: string;
}

/** On every relay answer: the bundle version, so that isolates learn of a change at once. */
export const BUNDLE_VERSION_HEADER = "X-Gw-Internal-Bundle";
