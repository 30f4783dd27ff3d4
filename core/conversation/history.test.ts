import { expect, test } from "vitest";
import type { Message } from "../store/message.ts";
import { newest, systemOf, unanswered, withoutImages, withoutSystem } from "./history.ts";

const user = (text: string): Message => ({ role: "user", text });
const says = (text: string, input = ""): Message => ({
  role: "assistant",
  text,
  toolCalls: input === "" ? [] : [{ id: "1", name: "t", input }],
});
const system: Message = { role: "system", text: "be brief" };

test.each<[string, Message[], number, number]>([
  ["all fit", [user("aa"), says("bb")], 4, 2],
  ["the oldest do not", [user("aa"), says("bb"), user("cc")], 4, 2],
  ["tool calls count too", [user("aa"), says("bb", "cccc"), user("d")], 6, 1],
  ["none fits", [user("aaaaa")], 4, 0],
  ["there is none", [], 4, 0],
])("of a history the newest are kept when %s", (_name, messages, maxUnits, kept) => {
  expect(newest(messages, maxUnits)).toEqual(messages.slice(messages.length - kept));
});

test("news is what was said since the last answer", () => {
  expect(unanswered([system, user("a"), says("b"), user("c"), user("d")])).toEqual([
    user("c"),
    user("d"),
  ]);
  expect(unanswered([user("a")])).toEqual([user("a")]);
  expect(unanswered([user("a"), says("b")])).toEqual([]);
  expect(unanswered([])).toEqual([]);
});

test("instructions are told apart from what was said", () => {
  expect(systemOf([system, user("a")])).toEqual([system]);
  expect(withoutSystem([system, user("a")])).toEqual([user("a")]);
});

test("results of the caller's tools are news: they came after the assistant had asked", () => {
  const result: Message = { role: "tool", callId: "1", text: "sunny" };
  expect(unanswered([user("a"), says("", "{}"), result, user("b")])).toEqual([result, user("b")]);
});

test("of pictures only their number is kept", () => {
  const images = [{ mediaType: "image/png", data: "AAAA" }] as const;
  expect(withoutImages({ role: "user", text: "Look", images })).toEqual(user("[1 image]\nLook"));
  expect(withoutImages({ role: "user", text: "", images: [...images, ...images] })).toEqual(
    user("[2 images]"),
  );
  expect(withoutImages(user("a"))).toEqual(user("a"));
});
