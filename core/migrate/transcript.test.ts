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
