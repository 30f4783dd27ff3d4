/** The port of webhook schemes: one sender's way to prove itself, name its events and be answered. */
import type { Result } from "../result.ts";
import type { SchemeName, VerificationOf } from "./route.ts";

/** Why a webhook is refused: for metrics and the log. The sender sees one and the same answer. */
export type RefusalReason =
  | "missing_header"
  | "bad_format"
  | "stale"
  | "future"
  | "mismatch"
  | "unknown_key";

export interface Refusal {
  readonly reason: RefusalReason;
  /** The header at fault, if one is. */
  readonly header?: string;
}

/** One request as it came. Bytes, not text: each scheme signs bytes. */
export interface ReceivedWebhook {
  /** Name of the route. */
  readonly route: string;
  readonly method: string;
  /** The public address as the sender has called it. */
  readonly url: URL;
  readonly headers: Headers;
  readonly body: Uint8Array<ArrayBuffer>;
  /** Unix ms. */
  readonly now: number;
}

/** One event of a webhook. Most carry one, some senders put hundreds in one request. */
export interface WebhookItem {
  /** The same for every try of the sender, and no other event of the deployment has it: `<route>:<id>`. */
  readonly id: string;
  /** Events of one lane are handled in the order they came: `<route>` or `<route>:<conversation>`. */
  readonly lane: string;
  /**
   * What of the body this event is, when the body holds several: the envelope with nothing but this
   * event in it. Undefined: the whole body.
   */
  readonly value?: unknown;
}

/** Claims of a JSON Web Token whose signature, issuer, audience and times are right. */
export type Claims = Readonly<Record<string, unknown>>;

export interface JwtDemand {
  readonly token: string;
  /** A JWK set, an OpenID configuration that names one, or Google's X.509 map. */
  readonly keys: { readonly kind: "jwks" | "openid" | "x509"; readonly url: string };
  readonly issuers: readonly string[];
  readonly audiences: readonly string[];
  /** Seconds. */
  readonly clockTolerance: number;
  readonly now: number;
  /** Looks at the key that signed, when more than its signature counts (Bot Framework endorsements). */
  readonly acceptsKey?: (jwk: Readonly<Record<string, unknown>>) => boolean;
}

/** What a scheme cannot do by Web Crypto alone. */
export interface SchemeTools {
  /** RS256 only. Keys are fetched and remembered; a key id nobody knows is asked for rarely. */
  jwt(demand: JwtDemand): Promise<Result<Claims, Refusal>>;
}

/** Which of the live secrets or keys was used: 0 is the first. So people see when an old one may go. */
export interface Proof {
  readonly secret: number;
}

/** One sender's rules. Pure but for Web Crypto and its tools; never throws on what a stranger can send. */
export interface Scheme<Name extends SchemeName = SchemeName> {
  /** What its sender may need: the default of a route's `maxBodyBytes`. */
  readonly maxBodyBytes: number;

  /**
   * What the headers alone can tell: whole proof where nothing else counts (equality), form and time
   * where the body is signed. Called before a byte of the body is read, so that strangers cannot
   * make us hold bodies. Must not be slower than a few microseconds without an equality check.
   */
  screen(
    settings: VerificationOf<Name>,
    headers: Headers,
    now: number,
  ): Result<void, Refusal> | Promise<Result<void, Refusal>>;

  /** Whether the webhook is genuine. Tries every live secret, in constant time each. */
  verify(
    settings: VerificationOf<Name>,
    webhook: ReceivedWebhook,
    tools: SchemeTools,
  ): Promise<Result<Proof, Refusal>>;

  /** Answers a verified request that is no event but a test of the address; undefined: it is an event. */
  handshake?(webhook: ReceivedWebhook): Response | undefined;

  /** Answers GET, where the sender tests the address by it (Meta's `hub.challenge`). */
  challenge?(settings: VerificationOf<Name>, url: URL): Promise<Response>;

  /**
   * The events of a verified webhook; none: there is nothing to deliver, and it is answered 2xx.
   *
   * @returns `malformed` for a body this sender does not send.
   */
  identify(
    settings: VerificationOf<Name>,
    webhook: ReceivedWebhook,
  ): Promise<Result<readonly WebhookItem[], { readonly reason: "malformed" }>>;

  /** The answer this sender expects once there is a durable copy. */
  accepted(webhook: ReceivedWebhook, items: readonly WebhookItem[]): Response;
}
