import type { NamedMethod, WebhookMethod, WebhookMethodParts } from "./parts.ts";

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
  let loaded: Promise<ReadonlyMap<string, WebhookMethod>> | undefined;
  return Object.entries(SCOPES).map(([name, scope]): NamedMethod => {
    const call = async (params: unknown): Promise<unknown> => {
      loaded ??= load(parts);
      return (await loaded).get(name)?.call(params);
    };
    return [name, { scope, call }];
  });
}

async function load(parts: WebhookMethodParts): Promise<ReadonlyMap<string, WebhookMethod>> {
  const { webhookMethods } = await import("./methods.ts");
  return new Map(webhookMethods(parts));
}
