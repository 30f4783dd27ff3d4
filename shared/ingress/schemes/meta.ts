import { err, ok } from "../../result.ts";
import { echo, emptyAnswer } from "../answers.ts";
import { matchDigest } from "../crypto.ts";
import { itemsOf } from "../items.ts";
import { metaEvents } from "../meta-events.ts";
import type { Scheme } from "../scheme.ts";
import { senderJson } from "../sender-json.ts";
import { signedBy, type SigningRule } from "../signature.ts";

export const META_RULE: SigningRule = {
  algorithm: "sha256",
  encoding: "hex",
  secretEncoding: "text",
  headers: ["x-hub-signature-256"],
  prefix: "sha256=",
  signed: "{body}",
};
/** Theirs has ten digits; it is sent back, so it may not be just anything. */
const MAX_CHALLENGE_LENGTH = 256;

/**
 * WhatsApp Cloud API, Messenger and Instagram: signed with the secret of the app, hundreds of
 * events in one request.
 *
 * Source: https://developers.facebook.com/docs/graph-api/webhooks/getting-started
 */
export const meta: Scheme<"meta"> = {
  maxBodyBytes: 4 * 1024 * 1024,

  ...signedBy(() => META_RULE),

  async challenge({ verifyTokens }, { searchParams }) {
    const given = searchParams.get("hub.verify_token");
    const challenge = searchParams.get("hub.challenge");
    const isAsked = searchParams.get("hub.mode") === "subscribe";
    if (!isAsked || given === null || challenge === null) return forbidden();
    if (challenge.length > MAX_CHALLENGE_LENGTH) return forbidden();
    const isKnown = (await matchDigest(given, verifyTokens)) !== undefined;
    return isKnown ? echo(challenge) : forbidden();
  },

  async identify(_settings, { route, body }) {
    const events = await metaEvents(senderJson(body));
    return events === undefined ? err({ reason: "malformed" }) : ok(await itemsOf(route, events));
  },

  accepted: emptyAnswer,
};

function forbidden(): Response {
  return new Response(null, { status: 403 });
}
