import * as z from "zod/mini";
import { err, ok } from "../../result.ts";
import { jsonAnswer } from "../answers.ts";
import { audienceOf, bearerJwt } from "../bearer-token.ts";
import { sha256 } from "../crypto.ts";
import { itemOf, type SenderEvent } from "../items.ts";
import { orUndefined } from "../or-undefined.ts";
import type { VerificationOf } from "../route.ts";
import type { Claims, JwtDemand, Scheme } from "../scheme.ts";
import { senderJson } from "../sender-json.ts";

type Settings = VerificationOf<"google-chat">;

const CHAT = "chat@system.gserviceaccount.com";
const CHAT_KEYS_URL = `https://www.googleapis.com/service_accounts/v1/metadata/x509/${CHAT}`;
const GOOGLE_KEYS_URL = "https://www.googleapis.com/oauth2/v3/certs";
const GOOGLE_ISSUERS = ["https://accounts.google.com", "accounts.google.com"] as const;
const CLOCK_TOLERANCE_S = 60;

const Name = z.object({ name: z.string().check(z.minLength(1)) });
const MaybeName = orUndefined(Name);
const Message = z.extend(Name, {
  thread: MaybeName,
  space: MaybeName,
});
/** What both shapes have: a Chat app's event at its top, an add-on's within `chat`. */
const Payload = z.object({ message: orUndefined(Message), space: MaybeName });
const Time = orUndefined(z.string().check(z.minLength(1)));
const Event = z.extend(Payload, { type: z.string().check(z.minLength(1)), eventTime: Time });
const AddOn = z.object({ chat: z.looseObject({ eventTime: Time }) });

/**
 * Apps of Google Chat, in the three ways that Google signs for them.
 *
 * Source: https://developers.google.com/workspace/chat/verify-requests-from-chat
 */
export const googleChat: Scheme<"google-chat"> = {
  maxBodyBytes: 1024 * 1024,

  screen(_settings, headers) {
    const token = bearerJwt(headers);
    return token.ok ? ok(undefined) : token;
  },

  async verify(settings, { headers, now }, tools) {
    const token = bearerJwt(headers);
    if (!token.ok) return token;
    const claims = await tools.jwt({
      ...signerOf(settings),
      token: token.value,
      audiences: settings.audiences,
      clockTolerance: CLOCK_TOLERANCE_S,
      now,
    });
    if (!claims.ok) return claims;
    const secret = audienceOf(claims.value["aud"], settings.audiences);
    const isChat = isFromChat(settings, claims.value);
    return secret === undefined || !isChat ? err({ reason: "mismatch" }) : ok({ secret });
  },

  async identify(_settings, { route, body }) {
    const event = await eventOf(senderJson(body), body);
    return event === undefined ? err({ reason: "malformed" }) : ok([await itemOf(route, event)]);
  },

  /** No message: what there is to say is said through the API. */
  accepted: () => jsonAnswer({}),
};

function signerOf({ kind, keysUrl }: Settings): Pick<JwtDemand, "keys" | "issuers"> {
  if (kind === "project") {
    return { keys: { kind: "x509", url: keysUrl ?? CHAT_KEYS_URL }, issuers: [CHAT] };
  }
  return { keys: { kind: "jwks", url: keysUrl ?? GOOGLE_KEYS_URL }, issuers: GOOGLE_ISSUERS };
}

/** Anyone with a Google account can have a token for our address: it must be the service's own. */
function isFromChat({ kind, projectNumber }: Settings, claims: Claims): boolean {
  if (kind === "project") return true;
  if (claims["email_verified"] !== true) return false;
  if (kind === "url") return claims["email"] === CHAT;
  const addOn = `service-${projectNumber}@gcp-sa-gsuiteaddons.iam.gserviceaccount.com`;
  return projectNumber !== undefined && claims["email"] === addOn;
}

async function eventOf(
  json: unknown,
  body: Uint8Array<ArrayBuffer>,
): Promise<SenderEvent | undefined> {
  const event = Event.safeParse(json);
  if (event.success) return chatEvent(event.data.type, event.data, event.data.eventTime, body);
  const addOn = AddOn.safeParse(json);
  if (!addOn.success) return undefined;
  const { eventTime, ...parts } = addOn.data.chat;
  const part = Object.entries(parts).find(([name]) => name.endsWith("Payload"));
  const payload = Payload.safeParse(part?.[1]);
  if (part === undefined || !payload.success) return { id: await sha256(body) };
  return chatEvent(part[0], payload.data, eventTime, body);
}

/** A message is written once and clicked on often: the time tells those apart. */
async function chatEvent(
  type: string,
  { message, space }: z.output<typeof Payload>,
  time: string | undefined,
  body: Uint8Array<ArrayBuffer>,
): Promise<SenderEvent> {
  const subject = message?.name ?? space?.name;
  const isNamed = subject !== undefined && time !== undefined;
  return {
    id: isNamed ? `${type}:${subject}:${time}` : await sha256(body),
    conversation: placeOf(message) ?? space?.name,
  };
}

function placeOf(message: z.output<typeof Payload>["message"]): string | undefined {
  return message?.thread?.name ?? message?.space?.name;
}
