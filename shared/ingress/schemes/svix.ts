import { ok } from "../../result.ts";
import { emptyAnswer } from "../answers.ts";
import { identified, malformed } from "../items.ts";
import type { Scheme } from "../scheme.ts";
import { readStandard, type StandardPrefix, verifyStandard } from "../standard-webhooks.ts";

/**
 * Svix and all who send through it (Resend, Clerk …): Standard Webhooks under names of its own, or,
 * where somebody runs it themselves, under the common ones.
 * Source: https://docs.svix.com/receiving/verifying-payloads/how-manual
 */
export const svix: Scheme<"svix"> = {
  maxBodyBytes: 1024 * 1024,

  screen(settings, headers, now) {
    const evidence = readStandard(prefixOf(headers), settings, headers, now);
    return evidence.ok ? ok(undefined) : evidence;
  },

  verify: (settings, webhook) => verifyStandard(prefixOf(webhook.headers), settings, webhook),

  identify(_settings, { route, headers }) {
    const id = headers.get(`${prefixOf(headers)}-id`);
    return id === null || id === "" ? malformed() : identified(route, [{ id }]);
  },

  accepted: emptyAnswer,
};

/** One set of names or the other, never some of each. */
function prefixOf(headers: Headers): StandardPrefix {
  const isCommon = headers.has("webhook-signature") && !headers.has("svix-signature");
  return isCommon ? "webhook" : "svix";
}
