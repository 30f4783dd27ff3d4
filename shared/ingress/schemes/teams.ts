import { err, ok } from "../../result.ts";
import { activityEvent, readActivity } from "../activity.ts";
import { emptyAnswer, jsonAnswer } from "../answers.ts";
import { audienceOf, bearerJwt } from "../bearer-token.ts";
import { itemOf } from "../items.ts";
import type { Scheme } from "../scheme.ts";

const OPENID_URL = "https://login.botframework.com/v1/.well-known/openidconfiguration";
const ISSUER = "https://api.botframework.com";
/** What Microsoft allows between clocks. */
const CLOCK_TOLERANCE_S = 300;

/**
 * Bots of Teams and of every other channel of Bot Framework: a token that names our bot, signed by
 * the service with a key that may speak for the channel, made for the address it tells us to answer to.
 *
 * Source: https://learn.microsoft.com/azure/bot-service/rest-api/bot-framework-rest-connector-authentication
 */
export const teams: Scheme<"teams"> = {
  maxBodyBytes: 1024 * 1024,

  screen(_settings, headers) {
    const token = bearerJwt(headers);
    return token.ok ? ok(undefined) : token;
  },

  async verify(settings, { headers, body, now }, tools) {
    const token = bearerJwt(headers);
    if (!token.ok) return token;
    const activity = readActivity(body);
    const claims = await tools.jwt({
      token: token.value,
      keys: { kind: "openid", url: settings.openIdUrl ?? OPENID_URL },
      issuers: [settings.issuer ?? ISSUER],
      audiences: settings.appIds,
      clockTolerance: CLOCK_TOLERANCE_S,
      now,
      acceptsKey: (jwk) => endorses(jwk, activity?.channelId),
    });
    if (!claims.ok) return claims;
    const { aud, serviceurl } = claims.value;
    const secret = audienceOf(aud, settings.appIds);
    // The token says where answers go: with another address in the body, somebody else would get them.
    const isOurs = serviceurl !== undefined && serviceurl === activity?.serviceUrl;
    return secret === undefined || !isOurs ? err({ reason: "mismatch" }) : ok({ secret });
  },

  async identify(_settings, { route, body }) {
    const activity = readActivity(body);
    if (activity === undefined) return err({ reason: "malformed" });
    return ok([await itemOf(route, await activityEvent(activity, body))]);
  },

  accepted({ body }) {
    const activity = readActivity(body);
    // The caller of these reads the body: an invoke takes an object, the other a list of replies.
    if (activity?.type === "invoke") return jsonAnswer({});
    if (activity?.deliveryMode === "expectReplies") return jsonAnswer({ activities: [] });
    return emptyAnswer();
  },
};

function endorses(jwk: Readonly<Record<string, unknown>>, channel: string | undefined): boolean {
  const { endorsements } = jwk;
  return channel !== undefined && Array.isArray(endorsements) && endorsements.includes(channel);
}
