import * as z from "zod/mini";
import { err, ok, type Result } from "../../result.ts";
import { emptyAnswer } from "../answers.ts";
import { timeFault } from "../crypto.ts";
import { identified, jsonBody, malformed } from "../items.ts";
import { orUndefined } from "../or-undefined.ts";
import type { VerificationOf } from "../route.ts";
import type { Refusal, Scheme } from "../scheme.ts";
import { signedBy, type SigningRule, timeMs, toleranceMs } from "../signature.ts";

export const LINEAR_RULE: SigningRule = {
  algorithm: "sha256",
  encoding: "hex",
  secretEncoding: "text",
  headers: ["linear-signature"],
  signed: "{body}",
};

const TIMESTAMP_HEADER = "linear-timestamp";
const TOLERANCE_SECONDS = 60;

const Timed = z.object({ webhookTimestamp: z.int() });
const Id = orUndefined(z.string().check(z.minLength(1)));
const Named = orUndefined(z.object({ id: Id }));
const Event = z.object({
  data: orUndefined(z.object({ id: Id, issueId: Id, issue: Named })),
  agentSession: Named,
  notification: orUndefined(z.object({ issueId: Id })),
});
type Event = z.output<typeof Event>;

const signature = signedBy<VerificationOf<"linear">>(() => LINEAR_RULE);

/**
 * Linear. The time stands in the body, where it is signed; the header only saves us work.
 * Source: https://linear.app/developers/webhooks#securing-webhooks
 */
export const linear: Scheme<"linear"> = {
  maxBodyBytes: 1024 * 1024,

  screen(settings, headers, now) {
    const signed = signature.screen(settings, headers, now);
    const text = headers.get(TIMESTAMP_HEADER);
    if (!signed.ok || text === null) return signed;
    const at = timeMs(text, "milliseconds");
    return inTime(at, now, toleranceMs(settings, TOLERANCE_SECONDS));
  },

  async verify(settings, webhook) {
    const proof = await signature.verify(settings, webhook);
    if (!proof.ok) return proof;
    const body = Timed.safeParse(jsonBody(webhook.body));
    const at = body.success ? body.data.webhookTimestamp : Number.NaN;
    const checked = inTime(at, webhook.now, toleranceMs(settings, TOLERANCE_SECONDS));
    return checked.ok ? proof : checked;
  },

  identify(_settings, { route, headers, body }) {
    const id = headers.get("Linear-Delivery");
    const event = Event.safeParse(jsonBody(body));
    if (id === null || id === "" || !event.success) return malformed();
    return identified(route, [{ id, conversation: conversationOf(event.data) }]);
  },

  accepted: emptyAnswer,
};

/** The issue that it is about, else the thing itself. */
function conversationOf({ data, agentSession, notification }: Event): string | undefined {
  const about = [data?.issueId, data?.issue?.id, notification?.issueId, agentSession?.id, data?.id];
  return about.find((id) => id !== undefined);
}

function inTime(at: number, now: number, tolerance: number): Result<void, Refusal> {
  const reason = timeFault(at, now, tolerance);
  return reason === undefined ? ok(undefined) : err({ reason, header: TIMESTAMP_HEADER });
}
