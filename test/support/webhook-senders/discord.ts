/** Discord, which signs by Ed25519: what users do in it, and what it tells an app. */
import { generateKeyPairSync, sign } from "node:crypto";
import { type Answer, conversationOf, type Draft, type Sender, TEXT } from "./sender.ts";
import { flipped, json, JSON_TYPE, keysOf, live, seconds } from "./signing.ts";

const NO_CONTENT: Answer = { status: 204, body: "" };

export function discordSenders(): Sender[] {
  return [
    interactions("discord", 2, { type: 5 }),
    interactions("discord-button", 3, { type: 6 }),
    events(),
  ];
}

/** Source: https://docs.discord.com/developers/interactions/overview */
function ed25519() {
  const pairs = keysOf(() => {
    const { publicKey, privateKey } = generateKeyPairSync("ed25519");
    const raw = publicKey.export({ type: "spki", format: "der" }).subarray(-32);
    return { privateKey, hex: raw.toString("hex") };
  });
  return {
    publicKeys: live(pairs).map(({ hex }) => hex),
    signed: (body: Uint8Array<ArrayBuffer>, { at, key }: Draft) => {
      const time = seconds(at);
      const message = Buffer.concat([Buffer.from(time), body]);
      return {
        method: "POST" as const,
        query: "",
        headers: {
          ...JSON_TYPE,
          "User-Agent": "Discord-Interactions/1.0 (+https://discord.com)",
          "X-Signature-Timestamp": time,
          "X-Signature-Ed25519": sign(null, message, pairs[key].privateKey).toString("hex"),
        },
        body,
      };
    },
  };
}

function interactions(name: string, type: number, deferred: object): Sender {
  const { publicKeys, signed } = ed25519();
  return {
    name,
    scheme: "discord",
    verification: { scheme: "discord", publicKeys },
    signsTime: true,
    tamper: flipped,
    send: (event, draft) => {
      const id = `84605502641577${event}`;
      const channel = `6451${conversationOf(event)}`;
      const body = json({
        application_id: "785609923542777878",
        channel_id: channel,
        data: { id: "771825006014889984", name: "ask", options: [{ name: "q", value: TEXT }] },
        id,
        token: `aW50ZXJhY3Rpb246${event}`,
        type,
        version: 1,
      });
      return {
        ...signed(body, draft),
        items: [{ id, lane: channel }],
        answer: {
          status: 200,
          contentType: "application/json",
          body: JSON.stringify(deferred),
        },
      };
    },
    handshakes: (draft) => [
      {
        what: "a PING",
        ...signed(json({ id: "1", application_id: "785609923542777878", type: 1 }), draft),
        answer: { status: 200, contentType: "application/json", body: '{"type":1}' },
      },
    ],
  };
}

/** Source: https://docs.discord.com/developers/events/webhook-events */
function events(): Sender {
  const { publicKeys, signed } = ed25519();
  const app = { version: 1, application_id: "1234560123453231555" };
  return {
    name: "discord-events",
    scheme: "discord-events",
    verification: { scheme: "discord-events", publicKeys },
    signsTime: true,
    tamper: flipped,
    send: (event, draft) => {
      const user = { id: `1916${conversationOf(event)}`, username: TEXT };
      const timestamp = `2026-11-22T14:42:53.${String(event).padStart(6, "0")}`;
      const type = "APPLICATION_AUTHORIZED";
      const body = json({ ...app, type: 1, event: { type, timestamp, data: { user } } });
      return {
        ...signed(body, draft),
        items: [{ id: undefined, lane: user.id }],
        answer: NO_CONTENT,
      };
    },
    handshakes: (draft) => [
      { what: "a PING", ...signed(json({ ...app, type: 0 }), draft), answer: NO_CONTENT },
    ],
  };
}
