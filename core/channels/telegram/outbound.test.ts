import { expect, test } from "vitest";
import { ManualClock } from "../../../test/support/clock.ts";
import {
  blockedByUser,
  startFakeTelegram,
  tooManyRequests,
} from "../../../test/support/fake-telegram.ts";
import type { Fault } from "../../../test/support/fake-telegram.ts";
import { Secret } from "../../../shared/secret.ts";
import { createClient } from "./client.ts";
import { parseConversation, sendPiece, showTyping, TYPING_EVERY_MS } from "./outbound.ts";

async function world() {
  const fake = await startFakeTelegram();
  fake.chats.add("42");
  const client = createClient({
    token: new Secret(fake.token),
    apiRoot: fake.apiRoot,
    allowedUpdates: [],
  });
  const send = (text: string, conversation = "42") =>
    sendPiece(client, { conversation, text }, new AbortController().signal);
  return { fake, client, send, [Symbol.asyncDispose]: () => fake[Symbol.asyncDispose]() };
}

const refuse = (status: number, description: string): Fault => ({
  kind: "refuse",
  status,
  description,
});

test("a piece is sent as HTML, without a preview of its links", async () => {
  await using bot = await world();
  expect(await bot.send("**Hi** & [x](https://a.b)")).toBe("1000");
  expect(bot.fake.sent).toMatchObject([
    {
      chat: "42",
      raw: '<b>Hi</b> &amp; <a href="https://a.b">x</a>',
      text: "Hi & x",
      parseMode: "HTML",
    },
  ]);
});

test("a topic of a forum is written to as such", async () => {
  await using bot = await world();
  await bot.send("hi", "42:7");
  expect(bot.fake.sent).toMatchObject([{ chat: "42", thread: 7 }]);
});

test("HTML that Telegram cannot read is sent as plain text", async () => {
  await using bot = await world();
  bot.fake.fail(
    "sendMessage",
    refuse(400, "Bad Request: can't parse entities: Unsupported start tag"),
  );
  await bot.send("**Hi**");
  expect(bot.fake.sent).toMatchObject([{ text: "Hi", raw: "Hi", parseMode: undefined }]);
});

test("a group that became a supergroup is followed", async () => {
  await using bot = await world();
  bot.fake.chats.add("-1009");
  bot.fake.fail("sendMessage", {
    kind: "refuse",
    status: 400,
    description: "Bad Request: group chat was upgraded to a supergroup chat",
    parameters: { migrate_to_chat_id: -1009 },
  });
  await bot.send("hi");
  expect(bot.fake.sent).toMatchObject([{ chat: "-1009", text: "hi" }]);
});

test.each<[string, Fault, string | undefined]>([
  ["a revoked token", refuse(401, "Unauthorized"), "overloaded"],
  ["a user who blocked us", blockedByUser, "forbidden"],
  [
    "missing rights",
    refuse(400, "Bad Request: not enough rights to send text messages to the chat"),
    "forbidden",
  ],
  ["a deleted topic", refuse(400, "Bad Request: message thread not found"), "not_found"],
  ["a bad peer", refuse(400, "Bad Request: PEER_ID_INVALID"), "not_found"],
  ["a message it never takes", refuse(400, "Bad Request: message is too long"), "invalid_request"],
  ["a server error", refuse(500, "Internal Server Error"), undefined],
  ["an answer that is lost", { kind: "accept_then_hang_up" }, undefined],
])("%s is told apart", async (_name, fault, code) => {
  await using bot = await world();
  bot.fake.fail("sendMessage", fault);
  const failure: unknown = await bot.send("hi").catch((error: unknown) => error);
  expect(failure).toBeInstanceOf(Error);
  if (code === undefined) expect(failure).not.toHaveProperty("code");
  else expect(failure).toMatchObject({ code });
});

test("a server that is not there was certainly not reached", async () => {
  const gone = await startFakeTelegram();
  const { apiRoot, token } = gone;
  await gone[Symbol.asyncDispose]();
  const client = createClient({ token: new Secret(token), apiRoot, allowedUpdates: [] });
  const sent = sendPiece(client, { conversation: "42", text: "hi" }, new AbortController().signal);
  await expect(sent).rejects.toMatchObject({ code: "overloaded" });
});

test("the typing notice is renewed before it fades, and waits as long as Telegram asks", async () => {
  await using bot = await world();
  const clock = new ManualClock();
  const stop = new AbortController();
  const shown = showTyping(bot.client, "42", { clock, signal: stop.signal });
  await clock.waiting(TYPING_EVERY_MS);
  bot.fake.fail("sendChatAction", tooManyRequests(9));
  clock.advance(TYPING_EVERY_MS);
  await clock.waiting(9_000);
  clock.advance(9_000);
  await clock.waiting(TYPING_EVERY_MS);
  expect(bot.fake.typing).toEqual(["42", "42"]);
  stop.abort();
  await shown;
});

test("typing ends by itself where we may not type", async () => {
  await using bot = await world();
  bot.fake.fail("sendChatAction", blockedByUser);
  const options = { clock: new ManualClock(), signal: new AbortController().signal };
  await showTyping(bot.client, "42", options);
  expect(bot.fake.typing).toEqual([]);
});

test.each([
  ["42", { chat: "42", thread: undefined }],
  ["-1001234567890:15", { chat: "-1001234567890", thread: 15 }],
  ["@some_channel", { chat: "@some_channel", thread: undefined }],
  ["", undefined],
  ["42:", undefined],
  ["42:x", undefined],
  ["4 2", undefined],
  ["../getMe", undefined],
])("the conversation %j is read", (conversation, address) => {
  expect(parseConversation(conversation)).toEqual(address);
});
