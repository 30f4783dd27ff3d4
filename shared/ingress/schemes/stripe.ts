import * as z from "zod/mini";
import { emptyAnswer } from "../answers.ts";
import { identified, jsonBody, malformed } from "../items.ts";
import { orUndefined } from "../or-undefined.ts";
import type { VerificationOf } from "../route.ts";
import type { Scheme } from "../scheme.ts";
import { signedBy, type SigningRule, toleranceMs } from "../signature.ts";

/** `t=…,v1=…`; the `v0` of test events is of another kind and is not looked at. */
export function stripeRule(settings: { toleranceSeconds?: number | undefined }): SigningRule {
  return {
    algorithm: "sha256",
    encoding: "hex",
    // With its `whsec_`: Stripe does not decode it.
    secretEncoding: "text",
    headers: ["stripe-signature"],
    list: { separator: ",", key: "v1", assign: "=" },
    signed: "{timestamp}.{body}",
    timestamp: { key: "t", unit: "seconds", toleranceMs: toleranceMs(settings) },
  };
}

const Customer = z.union([
  z.string(),
  z.pipe(
    z.object({ id: z.string() }),
    z.transform(({ id }) => id),
  ),
]);
const Event = z.object({
  id: z.string().check(z.minLength(1)),
  data: orUndefined(
    z.object({
      object: z.object({
        customer: orUndefined(Customer),
        id: orUndefined(z.string()),
      }),
    }),
  ),
  /** Of thin events, which name the object they are about and no more. */
  related_object: orUndefined(z.object({ id: z.string() })),
});

/** Stripe. Source: https://docs.stripe.com/webhooks#verify-manually */
export const stripe: Scheme<"stripe"> = {
  maxBodyBytes: 1024 * 1024,
  ...signedBy<VerificationOf<"stripe">>(stripeRule),

  identify(_settings, { route, body }) {
    const event = Event.safeParse(jsonBody(body));
    if (!event.success) return malformed();
    const { id, data, related_object: related } = event.data;
    const conversation = data?.object.customer ?? data?.object.id ?? related?.id;
    return identified(route, [{ id, conversation }]);
  },

  accepted: emptyAnswer,
};
