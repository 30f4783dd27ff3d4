import { expect, test } from "vitest";
import * as z from "zod";
import type { EventText } from "../events.ts";
import { type ResponseHead, responseOf } from "./object.ts";
import { ResponseRequest } from "./request.ts";
import { ResponseEvents } from "./stream.ts";

const KEY = "0123456789abcdef0123456789abcdef";
const HEAD: ResponseHead = {
  key: KEY,
  createdAt: 1_790_000_000,
  asked: ResponseRequest.parse({ model: "openclaw", input: "hi" }),
};
const END = {
  text: "",
  stop: "end",
  usage: { inputTokens: 3, outputTokens: 4 },
  calls: [],
  endedAt: 1_790_000_001,
} as const;

const Event = z.looseObject({ type: z.string(), sequence_number: z.int() });

function told(texts: readonly EventText[]): z.output<typeof Event>[] {
  return texts.map((text) => {
    if (typeof text === "string") throw new Error("an event without a name");
    const event = Event.parse(JSON.parse(text.data));
    expect(event.type).toBe(text.event);
    return event;
  });
}

test("text and calls stand in the output in their order, each with its place", () => {
  const events = new ResponseEvents(HEAD);
  const calls = [
    { id: "c1", name: "a", input: "{}" },
    { id: "c2", name: "b", input: '{"x":1}' },
  ];
  const all = told([
    ...events.opening(),
    ...events.text("Let me "),
    ...events.text("look."),
    ...events.ended({ ...END, text: "Let me look.", stop: "tool_calls", calls }),
  ]);
  expect(all.map((event) => event.sequence_number)).toEqual(all.map((_, index) => index));
  const places = all.filter(({ type }) => type === "response.output_item.done");
  expect(places).toMatchObject([
    { output_index: 0, item: { type: "message" } },
    { output_index: 1, item: { type: "function_call", call_id: "c1", status: "completed" } },
    { output_index: 2, item: { call_id: "c2", arguments: '{"x":1}' } },
  ]);
  const last = all.at(-1);
  expect(last).toMatchObject({
    type: "response.completed",
    response: { status: "completed", usage: { total_tokens: 7 } },
  });
  const output = z.object({ response: z.object({ output: z.array(z.unknown()) }) }).parse(last);
  expect(output.response.output).toEqual(places.map(({ item }) => item));
});

test("an answer of nothing is a message of nothing", () => {
  const events = new ResponseEvents(HEAD);
  events.opening();
  expect(told(events.ended(END)).map(({ type }) => type)).toEqual([
    "response.output_item.added",
    "response.content_part.added",
    "response.output_text.done",
    "response.content_part.done",
    "response.output_item.done",
    "response.completed",
  ]);
});

test("a failure is the last event, with what was said until then", () => {
  const events = new ResponseEvents(HEAD);
  events.opening();
  events.text("Once");
  const [last, ...more] = told(events.failed({ code: "rate_limited", message: "Slow down" }));
  expect(more).toEqual([]);
  expect(last).toMatchObject({
    type: "response.failed",
    response: {
      status: "failed",
      error: { code: "rate_limit_exceeded", message: "Slow down" },
      output: [{ status: "incomplete", content: [{ text: "Once" }] }],
    },
  });
});

test.each([
  [`resp_${KEY}`, `resp_${KEY}`],
  [`msg_${KEY}`, `resp_${KEY}`],
  [`fc_${KEY}_12`, `resp_${KEY}`],
  ["msg_1", undefined],
  [`rs_${KEY}`, undefined],
  ["", undefined],
])("the item %j belongs to the response %j", (id, response) => {
  expect(responseOf(id)).toBe(response);
});
