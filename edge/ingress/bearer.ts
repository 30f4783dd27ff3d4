import { err, ok } from "../../shared/result.ts";
import { matchesAny } from "./digests.ts";
import type { Verifier } from "./verifier.ts";

const BEARER = /^Bearer +(?<token>[\x21-\x7e]{1,512})$/i;
const TOKEN_HEADER = "X-OpenClaw-Token";

/** Printable ASCII, at most what Stripe and others allow for such keys. */
const IDEMPOTENCY_KEY = /^[\x21-\x7e]{1,255}$/;

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

  /**
   * Without a key every request is an event of its own: two equal ones may be meant, and one too
   * many is seen, while one too few is lost.
   */
  async identify({ route: { name }, headers }) {
    const key = headers.get("Idempotency-Key");
    if (key !== null && !IDEMPOTENCY_KEY.test(key)) return err({ reason: "malformed" });
    return ok({ deliveryId: `${name}:${key ?? crypto.randomUUID()}`, lane: name });
  },

  accepted: ({ deliveryId }) => Response.json({ ok: true, runId: deliveryId }),
};
