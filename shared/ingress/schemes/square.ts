import * as z from "zod/mini";
import { emptyAnswer } from "../answers.ts";
import { identified, jsonBody, malformed } from "../items.ts";
import { orUndefined } from "../or-undefined.ts";
import type { VerificationOf } from "../route.ts";
import type { Scheme } from "../scheme.ts";
import { signedBy, type SigningRule } from "../signature.ts";

/** The address stands before the body, exactly as the subscription has it. */
export function squareRule(settings: { url?: string | undefined }): SigningRule {
  return {
    algorithm: "sha256",
    encoding: "base64",
    secretEncoding: "text",
    headers: ["x-square-hmacsha256-signature"],
    signed: "{url}{body}",
    url: settings.url,
  };
}

const Id = orUndefined(z.string().check(z.minLength(1)));
const Event = z.object({
  event_id: z.string().check(z.minLength(1)),
  merchant_id: Id,
  data: orUndefined(z.object({ id: Id })),
});

/** Square. Source: https://developer.squareup.com/docs/webhooks/step3validate */
export const square: Scheme<"square"> = {
  maxBodyBytes: 1024 * 1024,
  ...signedBy<VerificationOf<"square">>(squareRule),

  identify(_settings, { route, body }) {
    const event = Event.safeParse(jsonBody(body));
    if (!event.success) return malformed();
    const { event_id: id, merchant_id: merchant, data } = event.data;
    return identified(route, [{ id, conversation: data?.id ?? merchant }]);
  },

  accepted: emptyAnswer,
};
