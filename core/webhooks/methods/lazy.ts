import { lazyMethods } from "../../methods/lazy.ts";
import type { NamedMethod } from "../../methods/method.ts";
import type { WebhookMethod, WebhookMethodParts } from "./parts.ts";

/** All there are: a gateway that nobody asks has not loaded them. */
const SCOPES = {
  "webhooks.list": "operator.read",
  "webhooks.deadLetters": "operator.read",
  "webhooks.tail": "operator.read",
  "webhooks.show": "operator.read",
  "webhooks.body": "operator.read",
  "webhooks.raw": "operator.admin",
  "webhooks.replay": "operator.admin",
  "webhooks.deadLetters.replay": "operator.admin",
  "webhooks.deadLetters.drop": "operator.admin",
  "webhooks.routes": "operator.read",
  "webhooks.stats": "operator.read",
  "webhooks.test": "operator.admin",
} as const satisfies Record<string, WebhookMethod["scope"]>;

/** The `webhooks.*` methods, loaded when the first of them is called. */
export function lazyWebhookMethods(parts: WebhookMethodParts): readonly NamedMethod[] {
  return lazyMethods(SCOPES, async () => {
    const { webhookMethods } = await import("./methods.ts");
    return webhookMethods(parts);
  });
}
