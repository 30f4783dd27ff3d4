import * as z from "zod/mini";
import { emptyAnswer } from "../answers.ts";
import { identified, jsonBody, malformed } from "../items.ts";
import { orUndefined } from "../or-undefined.ts";
import type { VerificationOf } from "../route.ts";
import type { Scheme } from "../scheme.ts";
import { signedBy, type SigningRule, toleranceMs } from "../signature.ts";

/**
 * `ts=…;h1=…`. Paddle's own libraries allow five seconds, which a clock a little off does not keep;
 * what is repeated within ours is known by its id.
 */
export function paddleRule(settings: { toleranceSeconds?: number | undefined }): SigningRule {
  return {
    algorithm: "sha256",
    encoding: "hex",
    secretEncoding: "text",
    headers: ["paddle-signature"],
    list: { separator: ";", key: "h1", assign: "=" },
    signed: "{timestamp}:{body}",
    timestamp: { key: "ts", unit: "seconds", toleranceMs: toleranceMs(settings) },
  };
}

const Id = orUndefined(z.string().check(z.minLength(1)));
const Event = z.object({
  event_id: z.string().check(z.minLength(1)),
  data: orUndefined(z.object({ id: Id, customer_id: Id, subscription_id: Id })),
});

/** Paddle Billing. Source: https://developer.paddle.com/webhooks/signature-verification */
export const paddle: Scheme<"paddle"> = {
  maxBodyBytes: 1024 * 1024,
  ...signedBy<VerificationOf<"paddle">>(paddleRule),

  identify(_settings, { route, body }) {
    const event = Event.safeParse(jsonBody(body));
    if (!event.success) return malformed();
    const { event_id: id, data } = event.data;
    const conversation = data?.customer_id ?? data?.subscription_id ?? data?.id;
    return identified(route, [{ id, conversation }]);
  },

  accepted: emptyAnswer,
};
