import * as z from "zod/mini";
import { emptyAnswer } from "../answers.ts";
import { sha256 } from "../crypto.ts";
import { identified, smallJsonBody } from "../items.ts";
import { orUndefined } from "../or-undefined.ts";
import type { VerificationOf } from "../route.ts";
import type { ReceivedWebhook, Scheme } from "../scheme.ts";
import { signedBy, type SigningRule } from "../signature.ts";

export const SHOPIFY_RULE: SigningRule = {
  algorithm: "sha256",
  encoding: "base64",
  secretEncoding: "text",
  // The second is that of the newer Events.
  headers: ["x-shopify-hmac-sha256", "shopify-hmac-sha256"],
  signed: "{body}",
};

/** Their newer ids are text, because the older ones do not all fit a number of JavaScript's. */
const Resource = z.object({
  admin_graphql_api_id: orUndefined(z.string().check(z.minLength(1))),
  id: orUndefined(z.int()),
});

/** Shopify. Source: https://shopify.dev/docs/apps/build/webhooks/verify-deliveries */
export const shopify: Scheme<"shopify"> = {
  /** Orders and products with hundreds of lines are megabytes. */
  maxBodyBytes: 5 * 1024 * 1024,
  ...signedBy<VerificationOf<"shopify">>(() => SHOPIFY_RULE),

  async identify(_settings, webhook) {
    const topic = headerOf(webhook, "topic") ?? "";
    const resource = resourceOf(webhook.body);
    const id = await idOf(webhook, topic, resource);
    const conversation = resource === undefined ? topic : `${topic}:${resource}`;
    return identified(webhook.route, [{ id, conversation }]);
  },

  accepted: emptyAnswer,
};

/**
 * One event of the shop is told under several topics and for several things: each is its own.
 * Source: https://shopify.dev/docs/apps/build/webhooks/ignore-duplicates
 */
async function idOf(
  webhook: ReceivedWebhook,
  topic: string,
  resource: string | undefined,
): Promise<string> {
  const event = headerOf(webhook, "event-id");
  if (event === undefined) return headerOf(webhook, "webhook-id") ?? sha256(webhook.body);
  return [event, topic, resource ?? (await sha256(webhook.body))].join(".");
}

function headerOf({ headers }: ReceivedWebhook, name: string): string | undefined {
  const value = headers.get(`x-shopify-${name}`) ?? headers.get(`shopify-${name}`);
  return value === null || value === "" ? undefined : value;
}

function resourceOf(body: Uint8Array): string | undefined {
  const resource = Resource.safeParse(smallJsonBody(body));
  if (!resource.success) return undefined;
  const { admin_graphql_api_id: gid, id } = resource.data;
  return gid ?? id?.toString();
}
