import type { IngressRoute } from "../../shared/edge-bundle.ts";
import type { Result } from "../../shared/result.ts";

export type SignatureError =
  | { readonly reason: "header_missing"; readonly header: string }
  | { readonly reason: "mismatch" };

export type BodyError = { readonly reason: "malformed" };

/** Which event a webhook is about. */
export interface Identity {
  /** The same for every try of the sender, and no other event of the deployment has it. */
  readonly deliveryId: string;
  /** Events of one lane are handled in the order they came. */
  readonly lane: string;
}

export interface ReceivedWebhook {
  readonly route: IngressRoute;
  readonly headers: Headers;
  readonly body: Uint8Array<ArrayBuffer>;
  /** Unix ms. */
  readonly now: number;
}

/** One way for a webhook to prove where it comes from. Pure but for Web Crypto. */
export interface Verifier {
  /**
   * What the headers alone can prove. Called before a byte of the body is read, so that a
   * stranger cannot make us hold bodies.
   */
  authenticate(route: IngressRoute, headers: Headers): Promise<Result<void, SignatureError>>;

  /** Names the event of a webhook that `authenticate` has let through. */
  identify(webhook: ReceivedWebhook): Promise<Result<Identity, BodyError>>;

  /** The 2xx this sender expects once there is a durable copy. */
  accepted(identity: Identity): Response;
}
