import { err, ok } from "../../result.ts";
import { echo, emptyAnswer, jsonAnswer } from "../answers.ts";
import { itemOf } from "../items.ts";
import type { VerificationOf } from "../route.ts";
import type { Scheme } from "../scheme.ts";
import { signedBy, type SigningRule, toleranceMs } from "../signature.ts";
import { readSlack, slackEvent } from "../slack-request.ts";

const TIME_HEADER = "x-slack-request-timestamp";

export function slackRule(settings: VerificationOf<"slack">): SigningRule {
  return {
    algorithm: "sha256",
    encoding: "hex",
    secretEncoding: "text",
    headers: ["x-slack-signature"],
    prefix: "v0=",
    signed: "v0:{timestamp}:{body}",
    timestamp: { header: TIME_HEADER, unit: "seconds", toleranceMs: toleranceMs(settings) },
  };
}

/**
 * Events, slash commands, buttons, modals and menus of Slack: one signature for all of them.
 *
 * Source: https://docs.slack.dev/authentication/verifying-requests-from-slack/
 */
export const slack: Scheme<"slack"> = {
  maxBodyBytes: 1024 * 1024,

  ...signedBy(slackRule),

  handshake({ body }) {
    const request = readSlack(body);
    if (request?.kind === "challenge") return echo(request.challenge);
    return request?.kind === "certificate-check" ? emptyAnswer() : undefined;
  },

  async identify(_settings, { route, headers, body }) {
    const request = readSlack(body);
    if (request === undefined) return err({ reason: "malformed" });
    const event = await slackEvent(request, body, headers.get(TIME_HEADER) ?? "");
    return event === undefined ? err({ reason: "malformed" }) : ok([await itemOf(route, event)]);
  },

  /** Empty closes a modal and says nothing after a command; a menu without options says so itself. */
  accepted({ body }) {
    const request = readSlack(body);
    return request?.kind === "options" ? jsonAnswer({ options: [] }) : emptyAnswer();
  },
};
