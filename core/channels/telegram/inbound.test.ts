import { expect, test } from "vitest";
import {
  BOT,
  groupText,
  mentionOf,
  message,
  privateText,
} from "../../../test/support/telegram-updates.ts";
import { toInbound, toRawEvent } from "./inbound.ts";

const bot = { id: BOT.id, username: BOT.username };
const PRIVATE = { id: 42, type: "private", first_name: "Ada" };

test("a private message becomes ours", () => {
  expect(toInbound(privateText(9, "hello", { from: 42, name: "Ada" }), bot)).toEqual({
    id: "telegram:7000001:9",
    channel: "telegram",
    conversation: "42",
    sender: "42",
    senderName: "Ada",
    direct: true,
    text: "hello",
    command: "hello",
    sentAt: 1_790_000_009_000,
  });
});

const named = mentionOf(`@${BOT.username}`);

test.each([
  ["what is typed to us", privateText(1, "/status"), "/status"],
  ["a command with our name", privateText(1, `/status@${BOT.username}`), "/status"],
  ["… in other letters", privateText(1, `/model@${BOT.username.toUpperCase()} x`), "/model x"],
  ["a command for another bot", privateText(1, "/status@other_bot"), undefined],
  [
    "what another bot has made",
    message(1, PRIVATE, { text: "/stop", via_bot: { id: 5 } }),
    undefined,
  ],
  ["what was forwarded", message(1, PRIVATE, { text: "/stop", forward_origin: {} }), undefined],
  ["a caption", message(1, PRIVATE, { photo: [{}], caption: "/stop" }), undefined],
  ["a mention before a command", groupText(1, `@${BOT.username} /stop`, named), "/stop"],
  ["a mention before a word", groupText(1, `@${BOT.username}  stop`, named), "stop"],
  [
    "a mention after it",
    groupText(1, `stop @${BOT.username}`, mentionOf(`stop @${BOT.username}`)),
    `stop @${BOT.username}`,
  ],
])("%s is looked at for commands as it was typed to us", (_name, update, command) => {
  expect(toInbound(update, bot)).toHaveProperty("command", command);
});

test("a command for another bot is not ours, not even as an answer to us", () => {
  const answer = { reply_to_message: { from: { id: BOT.id } } };
  const entities = [{ type: "bot_command", offset: 0, length: 17 }];
  expect(toInbound(groupText(1, "/status@other_bot", { entities, ...answer }), bot)).toBe(
    undefined,
  );
});

test("the talk of a group is heard where all of it is asked for, but holds no commands", () => {
  expect(toInbound(groupText(1, "hello all"), bot)).toBeUndefined();
  expect(toInbound(groupText(1, "hello all"), bot, "all")).toMatchObject({ text: "hello all" });
  expect(toInbound(groupText(1, "/stop"), bot, "all")).toHaveProperty("command", undefined);
  expect(toInbound(groupText(1, "/stop@other_bot"), bot, "all")).toBeUndefined();
});

test.each([
  ["a photo with a caption", { photo: [{}], caption: "look" }, "[photo] look"],
  ["a voice message", { voice: {} }, "[voice message]"],
  ["a sticker", { sticker: { emoji: "👍" } }, "[sticker 👍]"],
  ["a sticker without an emoji", { sticker: {} }, "[sticker]"],
  ["a file", { document: { file_name: "a\nb.pdf" }, caption: "read" }, "[file a b.pdf] read"],
  ["an animation, which is also a file", { animation: {}, document: {} }, "[animation]"],
  ["a place", { location: { latitude: 1.5, longitude: 2 } }, "[location 1.5, 2]"],
])("%s is described", (_name, fields, text) => {
  expect(toInbound(message(1, PRIVATE, fields), bot)?.text).toBe(text);
});

test.each([
  ["an edit", { update_id: 1, edited_message: privateText(1, "x")["message"] }],
  ["an update of a kind that came after us", { update_id: 1, something_new: { a: 1 } }],
  ["a service message", message(1, PRIVATE, { pinned_message: {} })],
  ["an empty text", message(1, PRIVATE, { text: "" })],
  [
    "another bot",
    {
      update_id: 1,
      message: { message_id: 1, date: 1, chat: PRIVATE, from: { id: 5, is_bot: true }, text: "x" },
    },
  ],
])("%s has nothing to answer", (_name, update) => {
  expect(toInbound(update, bot)).toBeUndefined();
});

test.each([
  ["nothing", undefined],
  ["a list", []],
  ["an id that is no number", { update_id: "1" }],
  ["a chat of an unknown type", message(1, { id: 1, type: "lair" }, { text: "x" })],
  ["a text that is no text", message(1, PRIVATE, { text: 17 })],
])("%s is no update", (_name, update) => {
  expect(() => toInbound(update, bot)).toThrow(
    expect.objectContaining({ code: "invalid_request" }),
  );
});

const asked = `hey @${BOT.username} you`;
test.each([
  ["a mention", groupText(1, asked, mentionOf(asked)), true],
  [
    "a mention in other letters",
    groupText(1, asked.toUpperCase(), mentionOf(asked.toUpperCase(), BOT.username.toUpperCase())),
    true,
  ],
  [
    "a mention of somebody else",
    groupText(1, "@ada_bot hi", mentionOf("@ada_bot hi", "ada_bot")),
    false,
  ],
  ["our name without a mention", groupText(1, asked), false],
  [
    "a command for us",
    groupText(1, `/help@${BOT.username}`, {
      entities: [{ type: "bot_command", offset: 0, length: 24 }],
    }),
    true,
  ],
  [
    "a command for nobody",
    groupText(1, "/help", { entities: [{ type: "bot_command", offset: 0, length: 5 }] }),
    false,
  ],
  ["an answer to us", groupText(1, "and?", { reply_to_message: { from: { id: BOT.id } } }), true],
  [
    "an answer to somebody else",
    groupText(1, "and?", { reply_to_message: { from: { id: 8 } } }),
    false,
  ],
  [
    "a mention by id",
    groupText(1, "bot?", {
      entities: [{ type: "text_mention", offset: 0, length: 3, user: { id: BOT.id } }],
    }),
    true,
  ],
  [
    "an entity outside of the text",
    groupText(1, "x", { entities: [{ type: "mention", offset: 90, length: 9 }] }),
    false,
  ],
])("in a group, %s decides whether we are asked", (_name, update, isForUs) => {
  expect(toInbound(update, bot) !== undefined).toBe(isForUs);
});

test("a mention cannot be judged before we know our name, anything else can", () => {
  const nameless = { id: BOT.id, username: undefined };
  expect(() => toInbound(groupText(1, asked, mentionOf(asked)), nameless)).toThrow(
    expect.objectContaining({ code: "overloaded" }),
  );
  expect(toInbound(groupText(1, "just talk"), nameless)).toBeUndefined();
  expect(toInbound(privateText(1, "hi"), nameless)?.text).toBe("hi");
});

test("a topic of a forum is a conversation of its own, a thread of replies is not", () => {
  const reply = { reply_to_message: { from: { id: BOT.id } }, message_thread_id: 5 };
  const topic = groupText(1, "x", { ...reply, is_topic_message: true });
  expect(toInbound(topic, bot)?.conversation).toBe("-100500:5");
  expect(toRawEvent(topic, BOT.id).lane).toBe("telegram:-100500:5");
  expect(toInbound(groupText(1, "x", reply), bot)?.conversation).toBe("-100500");
});

test("who speaks as a chat is that chat", () => {
  const post = message(
    3,
    { id: -7, type: "channel", title: "News" },
    { text: "x", sender_chat: { id: -7, title: "News" } },
  );
  const { message: inner, ...rest } = post;
  const asChannel = {
    ...rest,
    channel_post: { ...Object(inner), reply_to_message: { from: { id: BOT.id } } },
  };
  expect(toInbound(asChannel, bot)).toMatchObject({
    sender: "-7",
    senderName: "News",
    direct: false,
  });
});

test("a name is one bounded line", () => {
  const name = `${"x".repeat(70)}\n\u202Eevil`;
  expect(toInbound(privateText(1, "hi", { name }), bot)?.senderName).toBe("x".repeat(64));
  expect(toInbound(privateText(1, "hi", { name: "\u0000\n" }), bot)?.senderName).toBe("somebody");
});

test("an update whose message cannot be read is still kept", () => {
  const update = { update_id: 5, message: { chat: "?" } };
  expect(toRawEvent(update, 1)).toEqual({
    id: "telegram:1:5",
    lane: "telegram:none",
    payload: update,
  });
});
