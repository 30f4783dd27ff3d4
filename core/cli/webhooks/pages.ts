/** Lists that come in pages. */
import type { GatewayLine } from "../client.ts";
import { type WebhookEntry, WebhookPage } from "../../webhooks/methods/answers.ts";

/** What one call is asked for: as much as it gives. */
const PAGE = 200;

export interface Listed {
  readonly webhooks: readonly WebhookEntry[];
  /** Relays that were asked and gave no answer. */
  readonly silent: readonly string[];
}

/**
 * As many as there are, up to `limit`.
 *
 * @param isWanted - Those it leaves out do not count.
 */
export async function listAll(
  line: Pick<GatewayLine, "call">,
  method: "webhooks.list" | "webhooks.deadLetters",
  params: object,
  limit: number,
  isWanted: (webhook: WebhookEntry) => boolean = () => true,
): Promise<Listed> {
  const webhooks: WebhookEntry[] = [];
  const silent = new Set<string>();
  let cursor: string | null = null;
  do {
    const more = cursor === null ? {} : { cursor };
    const asked = { ...params, ...more, limit: Math.min(PAGE, limit - webhooks.length) };
    const page: WebhookPage = WebhookPage.parse(await line.call(method, asked));
    webhooks.push(...page.webhooks.filter(isWanted));
    for (const relay of page.silent) silent.add(relay);
    cursor = page.next;
  } while (cursor !== null && webhooks.length < limit);
  return { webhooks: webhooks.slice(0, limit), silent: [...silent] };
}
