import { err, ok } from "../../result.ts";
import { activityEvent, readActivity } from "../activity.ts";
import { jsonAnswer } from "../answers.ts";
import { itemOf } from "../items.ts";
import type { Scheme } from "../scheme.ts";
import { signedBy, type SigningRule } from "../signature.ts";

export const TEAMS_OUTGOING_RULE: SigningRule = {
  algorithm: "sha256",
  encoding: "base64",
  secretEncoding: "base64",
  headers: ["authorization"],
  prefix: "HMAC ",
  signed: "{body}",
};

/**
 * Teams shows an error unless it gets a message, and takes none without text.
 * Source: https://github.com/MicrosoftDocs/msteams-docs/issues/666
 */
const RECEIVED = { type: "message", text: "Received." } as const;

/**
 * Outgoing webhooks of a team: the token that Teams shows once is the key, in base64.
 *
 * Source: https://learn.microsoft.com/microsoftteams/platform/webhooks-and-connectors/how-to/add-outgoing-webhook
 */
export const teamsOutgoing: Scheme<"teams-outgoing"> = {
  maxBodyBytes: 1024 * 1024,

  ...signedBy(() => TEAMS_OUTGOING_RULE),

  async identify(_settings, { route, body }) {
    const activity = readActivity(body);
    if (activity === undefined) return err({ reason: "malformed" });
    return ok([await itemOf(route, await activityEvent(activity, body))]);
  },

  accepted: () => jsonAnswer(RECEIVED),
};
