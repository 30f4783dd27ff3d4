/** Senders that show a secret and sign nothing. */
import { randomToken } from "../../../shared/bytes.ts";
import { type Answer, conversationOf, OK, type Sender, TEXT } from "./sender.ts";
import { hexKeys, json, JSON_TYPE, keysOf, type Keys, liveDigests, uuid } from "./signing.ts";

export async function plainSenders(): Promise<Sender[]> {
  const bearer = keysOf(() => randomToken());
  const openClaw = keysOf(() => randomToken());
  return [
    await tokenSender("bearer", bearer, (key) => ({ Authorization: `Bearer ${key}` })),
    await tokenSender("openclaw-token", openClaw, (key) => ({ "X-OpenClaw-Token": key })),
    await basic(),
    await apiKey(),
    await telegram(),
  ];
}

/** A program of our own: gives each call a key and is told which run it has started. */
async function tokenSender(
  name: string,
  keys: Keys,
  proof: (key: string) => Readonly<Record<string, string>>,
): Promise<Sender> {
  return {
    name,
    scheme: "bearer",
    verification: { scheme: "bearer", digests: await liveDigests(keys) },
    signsTime: false,
    secretHeaders: Object.keys(proof("")),
    send: (event, { key }) => ({
      method: "POST",
      query: "",
      headers: { ...JSON_TYPE, ...proof(keys[key]), "Idempotency-Key": `order-${event}` },
      body: json({ message: `${TEXT} ${event}`, name: "ci" }),
      items: [{ id: `order-${event}`, lane: "" }],
      answer: accepted(`${name}:order-${event}`),
    }),
  };
}

function accepted(runId: string): Answer {
  const body = JSON.stringify({ ok: true, runId });
  return { status: 200, contentType: "application/json", body };
}

/** Source: RFC 7617, with a name and a password outside ASCII */
async function basic(): Promise<Sender> {
  const keys = keysOf(() => `jürgen:pa:ss ${randomToken(8)} ß`);
  return {
    name: "basic",
    scheme: "basic",
    verification: { scheme: "basic", digests: await liveDigests(keys) },
    signsTime: false,
    secretHeaders: ["Authorization"],
    send: (event, { key }) => ({
      method: "POST",
      query: "?from=jenkins%20ci",
      headers: {
        ...JSON_TYPE,
        Authorization: `Basic ${Buffer.from(keys[key]).toString("base64")}`,
        "Idempotency-Key": `build-${event}`,
      },
      body: json({ build: event, text: TEXT }),
      items: [{ id: `build-${event}`, lane: "" }],
      answer: accepted(`basic:build-${event}`),
    }),
  };
}

async function apiKey(): Promise<Sender> {
  const keys = hexKeys();
  return {
    name: "api-key",
    scheme: "header",
    verification: { scheme: "header", header: "x-api-key", digests: await liveDigests(keys) },
    signsTime: false,
    secretHeaders: ["X-Api-Key"],
    send: (event, { key }) => ({
      method: "POST",
      query: "",
      headers: { ...JSON_TYPE, "X-Api-Key": keys[key], "Idempotency-Key": `alert-${event}` },
      body: json({ alert: TEXT, event }),
      items: [{ id: `alert-${event}`, lane: "" }],
      answer: accepted(`api-key:alert-${event}`),
    }),
  };
}

/** Source: https://core.telegram.org/bots/api#update */
async function telegram(): Promise<Sender> {
  const keys = keysOf(() => randomToken());
  return {
    name: "telegram",
    scheme: "telegram",
    verification: { scheme: "telegram", digests: await liveDigests(keys) },
    signsTime: false,
    secretHeaders: ["X-Telegram-Bot-Api-Secret-Token"],
    send: (event, { at, key }) => ({
      method: "POST",
      query: "",
      headers: { ...JSON_TYPE, "X-Telegram-Bot-Api-Secret-Token": keys[key] },
      body: json({
        update_id: 880_000 + event,
        message: {
          message_id: event,
          from: { id: 11, is_bot: false, first_name: "Zoë 🦊" },
          chat: { id: conversationOf(event), type: "private", first_name: "Zoë 🦊" },
          date: Math.floor(at / 1_000),
          text: TEXT,
        },
      }),
      items: [{ id: String(880_000 + event), lane: String(conversationOf(event)) }],
      answer: OK,
    }),
  };
}

/** The old way of GitLab, which it still has beside the new one. */
export async function gitlabToken(): Promise<Sender> {
  const keys = keysOf(() => randomToken());
  return {
    name: "gitlab-token",
    scheme: "gitlab",
    verification: { scheme: "gitlab", digests: await liveDigests(keys) },
    signsTime: false,
    secretHeaders: ["X-Gitlab-Token"],
    send: (event, { key }) => ({
      method: "POST",
      query: "",
      headers: {
        ...JSON_TYPE,
        "User-Agent": "GitLab/18.6.0",
        "X-Gitlab-Token": keys[key],
        "X-Gitlab-Event": "Note Hook",
        "X-Gitlab-Event-UUID": uuid(event),
        "X-Gitlab-Webhook-UUID": uuid(event + 5_000),
        "Idempotency-Key": uuid(event + 9_000),
      },
      body: json({ object_kind: "note", object_attributes: { note: TEXT, id: event } }),
      items: [{ id: uuid(event + 9_000), lane: "" }],
      answer: OK,
    }),
  };
}
