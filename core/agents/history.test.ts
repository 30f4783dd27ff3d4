import { expect, test } from "vitest";
import type { Message } from "../store/message.ts";
import { soundHistory } from "./history.ts";

const user = (text: string): Message => ({ role: "user", text });
const tool = (callId: string, text = "result"): Message => ({ role: "tool", callId, text });
const says = (text: string, ...ids: readonly string[]): Message => ({
  role: "assistant",
  text,
  toolCalls: ids.map((id) => ({ id, name: "time", input: "{}" })),
});
const lost = (callId: string) => tool(callId, expect.stringContaining("lost"));

test.each<[string, Message[], Message[]]>([
  [
    "sound",
    [user("a"), says("", "1"), tool("1"), says("b")],
    [user("a"), says("", "1"), tool("1"), says("b")],
  ],
  ["cut before a result", [tool("1"), says("b"), user("c")], [user("c")]],
  ["without a question", [says("b"), tool("1")], []],
  ["killed before the result", [user("a"), says("", "1")], [user("a"), says("", "1"), lost("1")]],
  [
    "killed between two results",
    [user("a"), says("", "1", "2"), tool("2"), user("c")],
    [user("a"), says("", "1", "2"), tool("2"), lost("1"), user("c")],
  ],
  [
    "answered twice",
    [user("a"), says("", "1"), tool("1"), tool("1")],
    [user("a"), says("", "1"), tool("1")],
  ],
  ["answering what nobody asked", [user("a"), tool("9"), says("b")], [user("a"), says("b")]],
  [
    "answering too late",
    [user("a"), says("", "1"), user("b"), tool("1")],
    [user("a"), says("", "1"), lost("1"), user("b")],
  ],
  ["empty", [], []],
])("a history that is %s is made sound", (_name, messages, expected) => {
  expect(soundHistory(messages)).toEqual(expected);
});

test("system messages stay, wherever the history begins", () => {
  const system: Message = { role: "system", text: "Be kind." };
  expect(soundHistory([system, says("old"), user("a")])).toEqual([system, user("a")]);
});
