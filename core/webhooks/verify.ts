import type { ReceivedWebhook, Refusal, SchemeTools } from "../../shared/ingress/scheme.ts";
import { err, type Result } from "../../shared/result.ts";
import type { Proof } from "../../shared/ingress/scheme.ts";
import { GatewayError } from "../../shared/errors.ts";
import type { DeskRoute } from "./route-table.ts";

/** Senders whose proof is a token that somebody else has signed. */
const SIGNED_BY_OTHERS: ReadonlySet<string> = new Set(["teams", "google-chat"]);

/** The core fetches no keys: it may have no way out but to its edge. */
const TOOLS: SchemeTools = {
  jwt: () => Promise.resolve(err({ reason: "unknown_key" })),
};

/**
 * Whether a webhook that the edge has not verified is genuine.
 *
 * @throws GatewayError invalid_request for a scheme that only the edge can check.
 */
export async function verifyHere(
  { scheme }: DeskRoute,
  webhook: ReceivedWebhook,
): Promise<Result<Proof, Refusal>> {
  if (SIGNED_BY_OTHERS.has(scheme.name)) {
    throw new GatewayError(
      "invalid_request",
      `Webhooks of ${scheme.name} are checked at the edge alone: take "verifyAt" out of the route`,
    );
  }
  const screened = await scheme.screen(webhook.headers, webhook.now);
  return screened.ok ? scheme.verify(webhook, TOOLS) : screened;
}
