import { concat, toHex, utf8 } from "../../shared/bytes.ts";
import { err, ok } from "../../shared/result.ts";
import { matchesAny } from "./digests.ts";
import type { ReceivedWebhook, Verifier } from "./verifier.ts";

const BEARER = /^Bearer +(?<token>[\x21-\x7e]{1,512})$/i;
const TOKEN_HEADER = "X-OpenClaw-Token";

/** Printable ASCII, at most what Stripe and others allow for such keys. */
const IDEMPOTENCY_KEY = /^[\x21-\x7e]{1,255}$/;

/**
 * Two equal bodies within this time are one event: senders without an id repeat a lost one soon,
 * while a person who says the same an hour later means it.
 */
export const SAME_EVENT_MS = 5 * 60_000;

/** For senders of our own choosing: a shared token, in `Authorization` or in a header of its own. */
export const bearer: Verifier = {
  async authenticate(route, headers) {
    const token =
      BEARER.exec(headers.get("Authorization") ?? "")?.groups?.["token"] ??
      headers.get(TOKEN_HEADER);
    if (token === null) return err({ reason: "header_missing", header: "Authorization" });
    const genuine = await matchesAny(token, route.verification.digests);
    return genuine ? ok(undefined) : err({ reason: "mismatch" });
  },

  async identify(webhook) {
    const key = webhook.headers.get("Idempotency-Key");
    if (key !== null && !IDEMPOTENCY_KEY.test(key)) return err({ reason: "malformed" });
    const { name } = webhook.route;
    return ok({
      deliveryId: key === null ? await contentId(webhook) : `${name}:${key}`,
      lane: name,
    });
  },

  accepted: ({ deliveryId }) => Response.json({ ok: true, runId: deliveryId }),
};

async function contentId({ route, body, now }: ReceivedWebhook): Promise<string> {
  const bucket = Math.floor(now / SAME_EVENT_MS);
  const content = concat([utf8(`${route.name}\n${bucket}\n`), body]);
  return toHex(new Uint8Array(await crypto.subtle.digest("SHA-256", content)));
}
