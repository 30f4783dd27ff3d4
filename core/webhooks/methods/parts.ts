import type { IngressSettings } from "../../config/ingress/ingress.ts";
import type { Store } from "../../store/store.ts";
import type { Tunnel } from "../../tunnel/handlers.ts";
import type { WebhookDesk } from "../desk.ts";

/** Where senders post to, and how to do as they do. */
export interface Door {
  /** Of all routes, with a slash at its end: `https://edge.example/hooks/`. */
  readonly url: URL;
  readonly fetch: (request: Request) => Promise<Response>;
}

/** What the `webhooks.*` methods work with. */
export interface WebhookMethodParts {
  readonly store: Pick<
    Store,
    "webhooks" | "webhook" | "webhookBody" | "webhookStats" | "dismissWebhook" | "history"
  >;
  readonly desk: Pick<WebhookDesk, "replay" | "changed" | "refusals">;
  /** Undefined: no edge is configured. */
  readonly tunnel: () => Tunnel | undefined;
  /** As it is now: a changed config counts from the next call on. */
  readonly ingress: () => IngressSettings;
  readonly door: () => Door;
  /** Aborts when the gateway takes in nothing more: whoever waits here is sent away. */
  readonly stop: AbortSignal;
  readonly now: () => number;
}

/** One method of the protocol, as the gateway serves them. */
export interface WebhookMethod {
  readonly scope: "operator.read" | "operator.admin";
  /** @param params - Unchecked. @throws GatewayError, ZodError for params that do not fit. */
  call(params: unknown): unknown;
}

export type NamedMethod = readonly [string, WebhookMethod];
