import { expect, test } from "vitest";
import { createReader } from "./events.ts";

const ESTIMATE = { inputTokens: 1, outputTokens: 2 };

function read(chunks: readonly unknown[], finished = true): unknown[] {
  const reader = createReader(
    () => finished,
    () => ESTIMATE,
  );
  return [...chunks.flatMap((chunk) => reader.push(chunk)), ...reader.end()];
}

const say = (content: string, finish: string | null = null) => ({
  choices: [{ index: 0, delta: { content }, finish_reason: finish }],
});
const call = (...tool_calls: readonly object[]) => ({ choices: [{ delta: { tool_calls } }] });
const piece = (json: string) => ({ index: 0, id: "a", function: { name: "one", arguments: json } });
const end = (finish: string) => ({ choices: [{ delta: {}, finish_reason: finish }] });

test.each([
  ["stop", "end"],
  ["length", "max_tokens"],
  ["content_filter", "refusal"],
  ["tool_calls", "tool_calls"],
  ["something_newer", "end"],
])("%s means %s", (finish, stop) => {
  expect(read([say("hi", finish)])).toEqual([
    { type: "text", delta: "hi" },
    { type: "done", stop, usage: ESTIMATE },
  ]);
});

test("the newest count is the usage, and its chunk may have no choices", () => {
  const usage = { prompt_tokens: 5, completion_tokens: 7 };
  const chunks = [
    { ...say("hi", "stop"), usage: { prompt_tokens: 1 } },
    { choices: [], usage },
  ];
  expect(read(chunks).at(-1)).toMatchObject({ usage: { inputTokens: 5, outputTokens: 7 } });
});

test("calls are put together by index, whatever order the pieces come in", () => {
  const events = read([
    call({ index: 0, id: "a", function: { name: "one", arguments: "" } }),
    call({ index: 1, id: "b", function: { name: "two", arguments: '{"y"' } }),
    call(
      { index: 0, function: { arguments: '{"x":1}' } },
      { index: 1, function: { arguments: ":2}" } },
    ),
    end("tool_calls"),
  ]);
  expect(events).toEqual([
    { type: "tool_call", call: { id: "a", name: "one", input: '{"x":1}' } },
    { type: "tool_call", call: { id: "b", name: "two", input: '{"y":2}' } },
    { type: "done", stop: "tool_calls", usage: ESTIMATE },
  ]);
});

test("calls without an index are told apart by their ids", () => {
  const events = read([
    call({ id: "a", function: { name: "one", arguments: "{" } }),
    call({ function: { arguments: "}" } }),
    call({ id: "b", function: { name: "two", arguments: "{}" } }),
    end("stop"),
  ]);
  expect(events).toMatchObject([
    { call: { id: "a", name: "one", input: "{}" } },
    { call: { id: "b", name: "two", input: "{}" } },
    // Ollama says "stop" after tool calls.
    { type: "done", stop: "tool_calls" },
  ]);
});

test("a server that repeats id and name with every piece says them once", () => {
  expect(read([call(piece("{")), call(piece("}")), end("tool_calls")])[0]).toEqual({
    type: "tool_call",
    call: { id: "a", name: "one", input: "{}" },
  });
});

test("a call without an id gets one", () => {
  const events = read([call({ index: 4, function: { name: "one" } }), end("tool_calls")]);
  expect(events[0]).toMatchObject({ call: { id: "call_4", input: "" } });
});

test("a refusal is text, and says that it is one", () => {
  const chunk = { choices: [{ delta: { refusal: "I cannot." }, finish_reason: "stop" }] };
  expect(read([chunk])).toEqual([
    { type: "text", delta: "I cannot." },
    { type: "done", stop: "refusal", usage: ESTIMATE },
  ]);
});

test.each([
  ["no finish reason but an end mark is complete", [say("hi")], true, 2],
  ["neither is cut", [say("hi")], false, 1],
  ["a finish reason without an end mark is complete", [say("hi", "stop")], false, 2],
  ["an end mark after nothing is cut", [], true, 0],
  ["a finish reason of error is cut", [say("hi", "error")], true, 1],
])("an answer with %s", (_name, chunks, finished, count) => {
  expect(read(chunks, finished)).toHaveLength(count);
});

test.each([
  ["a number", 5],
  ["null", null],
  ["choices that are no list", { choices: {} }],
  ["content that is no text", { choices: [{ delta: { content: 5 } }] }],
  ["arguments that are no text", call({ index: 0, function: { arguments: {} } })],
  ["a negative index", call({ index: -1 })],
  ["usage in words", { usage: { prompt_tokens: "many" } }],
])("a chunk that is %s breaks the format", (_name, chunk) => {
  expect(() => read([chunk])).toThrow(expect.objectContaining({ code: "bad_response" }));
});

test("an answer that calls tools without end is broken off", () => {
  const many = Array.from({ length: 129 }, (_, index) => ({ index, id: `c${index}` }));
  expect(() => read([call(...many)])).toThrow(expect.objectContaining({ code: "bad_response" }));
});
