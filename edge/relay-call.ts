import type { ErrorCode } from "../shared/errors.ts";
import type { DeliveryItem } from "../shared/tunnel/delivery.ts";
import type { Fields } from "../shared/tunnel/fields.ts";
import type { PrivateJwk } from "../shared/tunnel/handshake.ts";

/**
 * What the Worker tells the relay about a request it has already checked. It rides as JSON in one
 * header of the `fetch` to the Durable Object, which no outside request can reach. `v` is there
 * because a Worker may talk to a relay of the version before while a deploy is under way.
 */
export const CALL_HEADER = "X-Gw-Internal-Call";

const VERSION = 1;

interface Forwarded {
  readonly v: typeof VERSION;
  readonly requestId: string;
  /** Digest of the token that was used: the relay looks whether it is still valid. */
  readonly digest: string;
  /** Whose budget of requests this is. */
  readonly subject: string;
  /**
   * The head as the core will get it, cleaned and with all that the edge knows of the client. The
   * Worker makes it, so that the relay, of which there is one, need not look at a header.
   */
  readonly head: Fields;
  /**
   * Version of the bundle the Worker decided by. A relay with the same one leaves the
   * `BUNDLE_VERSION_HEADER` out, and the Worker can hand the answer on as it is.
   */
  readonly bundleVersion: number;
  /** When the request reached the Worker, Unix ms: for `Server-Timing`. */
  readonly startedAt?: number;
  /** Present when a ticket let the caller in: it is good for one call. */
  readonly ticket?: Ticket;
}

/** What makes a ticket one of a kind. */
export interface Ticket {
  readonly nonce: string;
  /** Unix ms after which nobody accepts it, so that its nonce may be forgotten. */
  readonly exp: number;
}

interface HttpCall extends Forwarded {
  readonly kind: "http";
}

interface WebSocketCall extends Forwarded {
  readonly kind: "websocket";
  /** `digest` lets it in and is gone after that: the core ends the connection when it must end. */
  readonly isPassing?: true;
}

/** A verified webhook; the body of the request is the webhook's body, its headers the headers. */
interface DeliverCall {
  readonly v: typeof VERSION;
  readonly kind: "deliver";
  readonly requestId: string;
  readonly route: string;
  /** Of the webhook as a whole: that of its one event, or made of those of all. */
  readonly deliveryId: string;
  /**
   * Of the route as the Worker knows it: a relay that knows another keeps nothing, and says so with
   * `DISPUTED_HEADER`. Absent from a Worker that cannot know, or has asked and knows better.
   */
  readonly mark?: string;
  /** Never empty; each with the sender's id of the event and its lane. */
  readonly items: readonly DeliveryItem[];
  /** Unix ms. */
  readonly receivedAt: number;
  /** Of the body. The request need not say it: a sender may write in chunks. Absent from a Worker of before. */
  readonly bytes?: number;
  readonly mode: "express" | "durable" | "sync";
  /** For `sync`: how long the sender may wait. */
  readonly syncMs: number;
  /** The scheme it was verified by; empty: the core must, and it counts against the small quota. */
  readonly verified: string;
  readonly secret: number;
  readonly method: string;
  readonly query: string;
  readonly ip: string;
  /** In lower case: a header that holds a secret as it is, beside those known to. */
  readonly secretHeader?: string;
  /** What the route takes; absent: as much as comes. */
  readonly rate?: { readonly perSecond: number; readonly burst: number };
  /** `OutageAlert.afterMs` of the bundle, when there is one. */
  readonly outageAfterMs?: number;
  /** Refusals this isolate has not reported yet. */
  readonly refused?: readonly RefusalCount[];
}

/** Webhooks that were turned away, since the last report of the same isolate. */
export interface RefusalCount {
  readonly route: string;
  readonly reason: string;
  readonly count: number;
}

/** Refusals alone, at most once a minute an isolate. */
interface RefusalsCall {
  readonly v: typeof VERSION;
  readonly kind: "refusals";
  readonly refused: readonly RefusalCount[];
}

/** A core dials in. The Worker has verified the signature; replays only the relay can know. */
interface TunnelCall {
  readonly v: typeof VERSION;
  readonly kind: "tunnel";
  readonly kid: string;
  readonly nonce: string;
  /** Signed time, Unix ms. */
  readonly at: number;
  readonly instance: string;
  readonly host: string;
  readonly colo?: string;
  /** The key that signed, raw Ed25519, URL-safe base64: a relay that did not know it learns it. */
  readonly publicKey: string;
  /** Which relay this is, as `<region>:<generation>`; a Worker of before there were several: absent. */
  readonly relay?: string;
  /** Every relay a core should dial, as WELCOME tells it; absent with `relay`. */
  readonly relays?: string;
  /** Of the primary, for a relay that has none of its own yet. */
  readonly identity?: IdentityAnswer;
}

/** A core introduces its public key. The Worker has checked the HMAC of the pairing secret. */
interface PairCall {
  readonly v: typeof VERSION;
  readonly kind: "pair";
  readonly kid: string;
  /** Raw Ed25519 public key, URL-safe base64. */
  readonly publicKey: string;
  readonly nonce: string;
  readonly at: number;
  /** SHA-256 of the pairing secret: one secret lets in one key. */
  readonly secretDigest: string;
}

/** What an isolate keeps to decide on its own: bundle and core keys. */
interface BundleCall {
  readonly v: typeof VERSION;
  readonly kind: "bundle";
}

/** What all relays of an edge share; only the primary makes it. Stays inside the edge. */
interface IdentityCall {
  readonly v: typeof VERSION;
  readonly kind: "identity";
}

/** Is a core connected? */
interface StateCall {
  readonly v: typeof VERSION;
  readonly kind: "state";
}

/** Is the relay there? Costs it next to nothing; the answer says whether it has a core. */
interface ProbeCall {
  readonly v: typeof VERSION;
  readonly kind: "probe";
}

export type RelayCall =
  | HttpCall
  | WebSocketCall
  | DeliverCall
  | RefusalsCall
  | TunnelCall
  | PairCall
  | BundleCall
  | IdentityCall
  | StateCall
  | ProbeCall;
export type CallOf<Kind extends RelayCall["kind"]> = Extract<RelayCall, { kind: Kind }>;

const KINDS: Readonly<Record<RelayCall["kind"], true>> = {
  http: true,
  websocket: true,
  deliver: true,
  refusals: true,
  tunnel: true,
  pair: true,
  bundle: true,
  identity: true,
  state: true,
  probe: true,
};

/**
 * The call as a header value. Names may hold any character, a header value only ASCII: JSON can
 * say the one with the other.
 */
export function encodeCall(call: RelayCall): string {
  const json = JSON.stringify(call.kind === "deliver" ? withLane(call) : call);
  return NOT_ASCII.test(json) ? json.replaceAll(EVERY_NOT_ASCII, escaped) : json;
}

/**
 * Reads what `encodeCall` wrote. Not checked field by field: only our own Worker can have written
 * it, and a schema would cost every request more than all else the relay does with the call.
 *
 * @throws RangeError for a call of another version.
 */
export function decodeCall(header: string | null): RelayCall {
  const call: unknown = JSON.parse(header ?? "null");
  if (!isCall(call)) throw new RangeError("not a call this relay understands");
  return call.kind === "deliver" ? withItems(call) : call;
}

/** A relay of the version before knows one event of a webhook, in one lane. */
function withLane(call: DeliverCall): DeliverCall & { readonly lane: string } {
  return { ...call, lane: call.items[0]?.lane ?? call.route };
}

/** And a Worker of that version names no more. */
function withItems(call: DeliverCall): DeliverCall {
  const items: unknown = call.items;
  if (items !== undefined) return call;
  const lane: unknown = Reflect.get(call, "lane");
  const { deliveryId: id, route } = call;
  return {
    ...call,
    items: [{ id, lane: typeof lane === "string" ? lane : route }],
    mode: "express",
    syncMs: 0,
    verified: "edge",
    secret: 0,
    method: "POST",
    query: "",
    ip: "",
  };
}

function isCall(call: unknown): call is RelayCall {
  if (typeof call !== "object" || call === null || !("v" in call) || !("kind" in call))
    return false;
  return call.v === VERSION && typeof call.kind === "string" && Object.hasOwn(KINDS, call.kind);
}

const NOT_ASCII = /[^\x20-\x7e]/;
const EVERY_NOT_ASCII = /[^\x20-\x7e]/g;

function escaped(unit: string): string {
  return `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`;
}

/** Answer to `deliver`, as JSON with status 200: only then is there a durable copy. */
export interface DeliverAnswer {
  readonly result: "committed" | "duplicate" | "spooled";
  /** What the core answers to a sender that waits; the body is URL-safe base64. */
  readonly sync?: {
    readonly status: number;
    readonly contentType: string;
    readonly body: string;
  };
  /** Ms since the core was last there: said once in an outage, to the isolate that shall tell. */
  readonly outageMs?: number;
}

/** Answer to `bundle`. */
export interface BundleAnswer {
  /** Grows with every change; 0 when no core has ever published one. */
  readonly version: number;
  /** An `EdgeBundle`, null before the first; without its routes when they are sealed. */
  readonly bundle: unknown;
  /** Routes and outage alert, as `Sealer.seal` made them. */
  readonly sealed?: string;
  /** For `DeliverCall.mark`, in the order of the routes; absent from a relay of the version before. */
  readonly marks?: readonly string[];
  /** What webhooks were posted below before: that is to be told from what never was theirs. */
  readonly formerHooks?: readonly string[];
  readonly keys: readonly { readonly kid: string; readonly publicKey: string }[];
  /** Signs cookies and tickets: 32 bytes, URL-safe base64. */
  readonly sessionKey: string;
}

/** Answer to `identity`: the edge's own key pair, and the key of its cookies and tickets. */
export interface IdentityAnswer {
  readonly edgeKey: PrivateJwk;
  readonly sessionKey: string;
}

/** Answer to `state`. */
export interface StateAnswer {
  readonly connected: boolean;
  /** Unix ms of the last sign of life; null when no core has been here since the relay was made. */
  readonly lastSeenAt: number | null;
  readonly coreVersion: string | null;
  /** Undelivered webhooks. */
  readonly spooled: number;
  /** Of Cloudflare's, where the core's tunnel comes in; null when that is not known. */
  readonly colo?: string | null;
}

/** Answer to `probe`. */
export interface ProbeAnswer {
  /** False: what is sent here now is refused, or waits for a core. */
  readonly connected: boolean;
}

/** Answer to `pair`. */
export interface PairAnswer {
  /** The edge's own Ed25519 public key, raw, URL-safe base64: the core pins it. */
  readonly edgeKey: string;
}

/** On a relay's answer when the Worker knows another one, so that isolates learn of a change at once. */
export const BUNDLE_VERSION_HEADER = "X-Gw-Internal-Bundle";

/** On a refusal of a request that provably never reached a core: it may be sent to another relay. */
export const UNSENT_HEADER = "X-Gw-Internal-Unsent";

/**
 * Refusals after which nothing of the request was executed, so that another core or relay may have
 * it. Not `overloaded` or `rate_limited`: what is too much for one would then be too much for all.
 */
export const MOVABLE: ReadonlySet<string> = new Set<ErrorCode>([
  "core_offline",
  "core_draining",
  "not_leader",
]);

/** On a refusal of a webhook that was judged by another route than the relay knows. Nothing was kept. */
export const DISPUTED_HEADER = "X-Gw-Internal-Disputed";
