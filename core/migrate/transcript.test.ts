import { expect, test } from "vitest";
import { transcriptOf } from "./transcript.ts";

function event(id: string, message: object): object {
  return { type: "message", id, timestamp: "2026-01-01T00:00:00.000Z", message };
}

const user = (id: string, content: unknown): object => event(id, { role: "user", content });
const assistant = (id: string, content: unknown): object =>
  event(id, { role: "assistant", content });
const call = (id: string): object => ({ type: "toolCall", id, name: "t", arguments: { a: 1 } });
const result = (id: string, toolCallId: string): object =>
  event(id, { role: "toolResult", toolCallId, content: [{ type: "text", text: "done" }] });

// Each row is a transcript as somebody's disk may hold it.
test.each([
  ["nothing", [], []],
  ["no objects", [null, 7, "x", []], []],
  ["a user's text", [user("1", "hi")], [{ role: "user", text: "hi" }]],
  [
    "pieces",
    [
      user("1", [
        { type: "text", text: "a" },
        { type: "text", text: "b" },
      ]),
    ],
    [{ role: "user", text: "a\nb" }],
  ],
  [
    "a picture",
    [user("1", [{ type: "image", data: "…", mimeType: "image/png" }])],
    [{ role: "user", text: "[1 image]" }],
  ],
  ["thoughts alone", [assistant("1", [{ type: "thinking", thinking: "hm" }])], []],
  ["a role of another version", [event("1", { role: "bashExecution", content: "ls" })], []],
  [
    "a call that was never answered",
    [assistant("1", [call("c")]), user("2", "x")],
    [{ role: "user", text: "x" }],
  ],
  ["an answer to no call", [result("1", "c"), user("2", "x")], [{ role: "user", text: "x" }]],
  [
    "a call with text, one of two answered",
    [assistant("1", [{ type: "text", text: "look" }, call("c"), call("d")]), result("2", "c")],
    [
      { role: "assistant", text: "look", toolCalls: [{ id: "c", name: "t", input: '{"a":1}' }] },
      { role: "tool", callId: "c", text: "done" },
    ],
  ],
])("reads %s", (_name, events, messages) => {
  expect(transcriptOf(events).said.map(({ message }) => message)).toEqual(messages);
});

test("a message that cannot be read is counted", () => {
  const { said, unread } = transcriptOf([{ type: "message", id: "1", message: 7 }, user("2", "x")]);
  expect([said.length, unread]).toEqual([1, 1]);
});

test("the time is the message's own, or else that of its event", () => {
  const own = event("1", { role: "user", content: "a", timestamp: 5 });
  const times = transcriptOf([own, user("2", "b")]).said.map(({ at }) => at);
  expect(times).toEqual([5, Date.parse("2026-01-01T00:00:00.000Z")]);
});

const SAID = [user("1", "a"), assistant("2", [call("gone")]), user("3", "b"), user("4", "c")];
const compaction = (firstKeptEntryId?: string): object => ({
  type: "compaction",
  summary: "it was about a",
  firstKeptEntryId,
});

const USED = { input: 5, output: 2, cacheRead: 3, cacheWrite: 1 };
const used = (id: string, content: unknown, over: object = {}): object =>
  event(id, { role: "assistant", content, provider: "acme", model: "x", usage: USED, ...over });

test("what answers took comes along, on the day it happened", () => {
  const cost = { input: 1, output: 2, cacheRead: 0, cacheWrite: 0, total: 3 };
  const { said } = transcriptOf([
    user("1", "a"),
    used("2", "b", { usage: { ...USED, cost }, timestamp: 7 }),
    used("3", "c", { stopReason: "error" }),
  ]);
  const usage = { inputTokens: 9, outputTokens: 2, cacheReadTokens: 3, cacheWriteTokens: 1 };
  expect(said.map(({ calls }) => calls)).toMatchObject([
    undefined,
    [{ at: 7, model: "acme/x", ok: true, usage, cost: { input: 1, output: 2 } }],
    [{ at: Date.parse("2026-01-01T00:00:00.000Z"), ok: false, usage, cost: undefined }],
  ]);
});

test("what was spent on a message that is left out goes with the next, or the last", () => {
  const { said } = transcriptOf([
    used("1", [call("gone")]),
    user("2", "a"),
    used("3", "b"),
    used("4", [{ type: "thinking", thinking: "hm" }]),
  ]);
  expect(said.map(({ message, calls = [] }) => [message.text, calls.length])).toEqual([
    ["a", 1],
    ["b", 2],
  ]);
});

test.each([
  ["no usage", { usage: undefined }],
  ["no model", { model: 7 }],
  ["nothing used", { usage: { input: 0, output: 0 } }],
  ["numbers that are none", { usage: { input: "9", output: -1 } }],
  ["no time", { timestamp: -1 }],
])("an answer with %s is one all the same", (_name, over) => {
  const answer = used("1", "b", over);
  const timeless = "timestamp" in over ? { ...answer, timestamp: undefined } : answer;
  const { said } = transcriptOf([timeless]);
  expect(said.map(({ calls }) => calls)).toEqual([undefined]);
});

test.each([
  ["up to what was kept", [...SAID, compaction("3")], 1],
  ["up to where it stands, when nothing says what was kept", [...SAID, compaction()], 3],
  ["the last one", [...SAID, compaction("3"), compaction("4")], 2],
])("a summary stands for messages %s", (_name, events, upTo) => {
  expect(transcriptOf(events).summary).toEqual({ text: "it was about a", upTo });
});

test("a summary of nothing that is left is none", () => {
  expect(transcriptOf([...SAID, compaction("1")]).summary).toBeUndefined();
});
