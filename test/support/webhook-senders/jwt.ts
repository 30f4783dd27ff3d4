/** Senders that bring a web token: Bot Framework (Teams) and Google Chat. And Teams' other way, which does not. */
import type { KeyServer } from "./key-server.ts";
import { type Answer, conversationOf, type Draft, OK, type Sender, TEXT } from "./sender.ts";
import { base64Keys, flipped, hmacText, json, JSON_TYPE, keysOf, live } from "./signing.ts";

/** Longer than the clocks of two machines may differ, so that one that is over is over. */
const LIFETIME_SECONDS = 3_600;

export function tokenSenders(keys: KeyServer): Sender[] {
  return [
    teams(keys),
    teamsOutgoing(),
    googleChat("google-chat-project", keys, {
      kind: "project",
      keysUrl: keys.x509Url,
      audience: (number) => `12345678901${number}`,
      claims: { iss: "chat@system.gserviceaccount.com" },
    }),
    googleChat("google-chat-url", keys, {
      kind: "url",
      keysUrl: keys.jwksUrl,
      audience: (number) => `https://edge.example/hooks/google-chat-url?n=${number}`,
      claims: {
        iss: "https://accounts.google.com",
        email: "chat@system.gserviceaccount.com",
        email_verified: true,
      },
    }),
    googleChat("google-chat-addon", keys, {
      kind: "addon",
      keysUrl: keys.jwksUrl,
      projectNumber: "123456789012",
      audience: (number) => `https://edge.example/hooks/google-chat-addon?n=${number}`,
      claims: {
        iss: "https://accounts.google.com",
        email: "service-123456789012@gcp-sa-gsuiteaddons.iam.gserviceaccount.com",
        email_verified: true,
      },
    }),
  ];
}

function times(at: number): object {
  const now = Math.floor(at / 1_000);
  return { iat: now, nbf: now - 300, exp: now + LIFETIME_SECONDS };
}

/** Source: https://learn.microsoft.com/azure/bot-service/rest-api/bot-framework-rest-connector-authentication */
function teams(keys: KeyServer): Sender {
  const apps = keysOf(() => crypto.randomUUID());
  const serviceUrl = "https://smba.trafficmanager.net/emea/";
  return {
    name: "teams",
    scheme: "teams",
    verification: { scheme: "teams", appIds: live(apps), openIdUrl: keys.openIdUrl },
    signsTime: true,
    // The token vouches for one service, and the body may name no other.
    tamper: (sent) => ({
      ...sent,
      body: new Uint8Array(Buffer.from(String(Buffer.from(sent.body)).replace("emea", "amea"))),
    }),
    send: async (event, { at, key }) => {
      const claims = { iss: "https://api.botframework.com", serviceurl: serviceUrl, ...times(at) };
      const token = await keys.token({ ...claims, aud: apps[key] });
      const conversation = `a:${conversationOf(event)}`;
      return {
        method: "POST",
        query: "",
        headers: {
          "Content-Type": "application/json; charset=utf-8",
          Authorization: `Bearer ${token}`,
        },
        body: json({
          text: TEXT,
          type: "message",
          id: `14857${event}`,
          channelId: "msteams",
          serviceUrl,
          from: {
            id: "29:1XJKJMvc5GBtc2JwZq0oj8tHZmzrQgFmB39ATiQWA85gQtHieVkKilBZ9XHoq9j7Zaqt7CZ",
          },
          conversation: { conversationType: "personal", id: conversation },
          recipient: { id: "28:c9e8c047-2a74-40a2-b28a-b162d5f5327c", name: "Bot" },
        }),
        items: [{ id: `${conversation}:14857${event}`, lane: conversation }],
        answer: OK,
      };
    },
  };
}

/** Source: https://learn.microsoft.com/microsoftteams/platform/webhooks-and-connectors/how-to/add-outgoing-webhook */
function teamsOutgoing(): Sender {
  const keys = base64Keys();
  return {
    name: "teams-outgoing",
    scheme: "teams-outgoing",
    verification: { scheme: "teams-outgoing", secrets: live(keys) },
    signsTime: false,
    tamper: flipped,
    send: (event, { key }) => {
      const conversation = `19:${conversationOf(event)}@thread.tacv2`;
      const body = json({
        type: "message",
        id: `17900${event}`,
        channelId: "msteams",
        serviceUrl: "https://smba.trafficmanager.net/emea/",
        conversation: { isGroup: true, id: conversation },
        text: `<at>Bot</at> ${TEXT}`,
      });
      const signature = hmacText("sha256", Buffer.from(keys[key], "base64"), [body], "base64");
      return {
        method: "POST",
        query: "",
        headers: { ...JSON_TYPE, Authorization: `HMAC ${signature}` },
        body,
        items: [{ id: `${conversation}:17900${event}`, lane: conversation }],
        // What is answered is shown in the chat, and nothing at all as an error.
        answer: {
          status: 200,
          contentType: "application/json",
          body: '{"type":"message","text":"Received."}',
        },
      };
    },
  };
}

interface GoogleChat {
  readonly kind: "project" | "url" | "addon";
  readonly keysUrl: string;
  readonly projectNumber?: string;
  readonly audience: (number: number) => string;
  readonly claims: object;
}

const GOOGLE_ANSWER: Answer = { status: 200, contentType: "application/json", body: "{}" };

/** Source: https://developers.google.com/workspace/chat/verify-requests-from-chat */
function googleChat(
  name: string,
  keys: KeyServer,
  { audience, claims, ...rest }: GoogleChat,
): Sender {
  const audiences = { first: audience(0), second: audience(1), stranger: audience(2) };
  const authorization = async ({ at, key }: Draft): Promise<string> => {
    // A stranger of this kind knows everything but the key.
    const aud = audiences[key === "stranger" ? "first" : key];
    return `Bearer ${await keys.token({ ...claims, ...times(at), aud }, key === "stranger")}`;
  };
  return {
    name,
    scheme: "google-chat",
    verification: { scheme: "google-chat", audiences: live(audiences), ...rest },
    signsTime: true,
    send: async (event, draft) => {
      const space = { name: `spaces/${conversationOf(event)}`, type: "DM" };
      const message = { name: `${space.name}/messages/m.${event}`, text: TEXT };
      const eventTime = `2026-11-22T15:00:${String(event % 60).padStart(2, "0")}.260127Z`;
      const chat = { messagePayload: { space, message }, eventTime };
      const plain = { type: "MESSAGE", eventTime, space, message };
      return {
        method: "POST",
        query: "",
        headers: {
          "Content-Type": "application/json; charset=UTF-8",
          "User-Agent": "Google-Dynamite",
          Authorization: await authorization(draft),
        },
        body: json(rest.kind === "addon" ? { commonEventObject: {}, chat } : plain),
        items: [{ id: undefined, lane: space.name }],
        answer: GOOGLE_ANSWER,
      };
    },
  };
}
