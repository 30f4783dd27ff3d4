import { ok } from "../../result.ts";
import { emptyAnswer } from "../answers.ts";
import { identified, malformed } from "../items.ts";
import type { Scheme } from "../scheme.ts";
import { readStandard, verifyStandard } from "../standard-webhooks.ts";

/** Every sender that follows Standard Webhooks: OpenAI, Replicate, Supabase and many more. */
export const standard: Scheme<"standard"> = {
  maxBodyBytes: 1024 * 1024,

  screen(settings, headers, now) {
    const evidence = readStandard("webhook", settings, headers, now);
    return evidence.ok ? ok(undefined) : evidence;
  },

  verify: (settings, webhook) => verifyStandard("webhook", settings, webhook),

  identify(_settings, { route, headers }) {
    const id = headers.get("webhook-id");
    return id === null || id === "" ? malformed() : identified(route, [{ id }]);
  },

  accepted: emptyAnswer,
};
