import { expect, test } from "vitest";
import { createReader } from "./events.ts";

function read(...events: readonly unknown[]): unknown[] {
  const reader = createReader();
  return [...events.flatMap((event) => reader.push(event)), ...reader.end()];
}

const start = (usage: object) => ({ type: "message_start", message: { usage } });
const stop = (reason: string | null, usage: object = {}) => ({
  type: "message_delta",
  delta: { stop_reason: reason },
  usage,
});

// https://platform.claude.com/docs/en/build-with-claude/streaming, "Basic streaming request"
test("the published example is read", () => {
  const events = read(
    start({ input_tokens: 25, output_tokens: 1 }),
    { type: "content_block_start", index: 0, content_block: { type: "text", text: "" } },
    { type: "ping" },
    { type: "content_block_delta", index: 0, delta: { type: "text_delta", text: "Hello" } },
    { type: "content_block_delta", index: 0, delta: { type: "text_delta", text: "!" } },
    { type: "content_block_stop", index: 0 },
    stop("end_turn", { output_tokens: 15 }),
    { type: "message_stop" },
  );
  expect(events).toEqual([
    { type: "text", delta: "Hello" },
    { type: "text", delta: "!" },
    { type: "done", stop: "end", usage: { inputTokens: 25, outputTokens: 15 } },
  ]);
});

test.each([
  ["end_turn", "end"],
  ["stop_sequence", "end"],
  ["tool_use", "tool_calls"],
  ["max_tokens", "max_tokens"],
  ["model_context_window_exceeded", "max_tokens"],
  ["pause_turn", "max_tokens"],
  ["refusal", "refusal"],
  ["something_newer", "end"],
])("%s means %s", (reason, expected) => {
  expect(read(start({}), stop(reason))).toEqual([
    { type: "done", stop: expected, usage: { inputTokens: 0, outputTokens: 0 } },
  ]);
});

test("cached input is counted as input, and a later count replaces an earlier one", () => {
  const cached = { cache_read_input_tokens: 100, cache_creation_input_tokens: 10 };
  const events = read(
    start({ input_tokens: 1, ...cached }),
    stop("end_turn", { output_tokens: 9 }),
  );
  expect(events).toMatchObject([{ usage: { inputTokens: 111, outputTokens: 9 } }]);
});

test("input given at the start of a call is taken when no pieces follow", () => {
  const call = { type: "tool_use", id: "a", name: "t", input: { x: 1 } };
  const events = read(
    { type: "content_block_start", index: 3, content_block: call },
    { type: "content_block_stop", index: 3 },
    stop("tool_use"),
  );
  expect(events[0]).toEqual({ type: "tool_call", call: { id: "a", name: "t", input: '{"x":1}' } });
});

const opened = (index: number, content_block: object) => ({
  type: "content_block_start",
  index,
  content_block,
});
const piece = (index: number, delta: object) => ({ type: "content_block_delta", index, delta });

test("what it thinks is no part of the answer, and comes out sealed to be handed back", () => {
  const reader = createReader("anthropic/claude");
  const events = [
    opened(0, { type: "thinking", thinking: "", signature: "" }),
    piece(0, { type: "thinking_delta", thinking: "h" }),
    piece(0, { type: "thinking_delta", thinking: "m" }),
    piece(0, { type: "signature_delta", signature: "seal" }),
    { type: "content_block_stop", index: 0 },
    opened(1, { type: "redacted_thinking", data: "opaque" }),
    { type: "content_block_stop", index: 1 },
    opened(2, { type: "text", text: "Hi" }),
  ].flatMap((event) => reader.push(event));
  const model = "anthropic/claude";
  expect(events).toEqual([
    { type: "thinking", delta: "h" },
    { type: "thinking", delta: "m" },
    { type: "thought", block: { model, kind: "signed", text: "hm", seal: "seal" } },
    { type: "thought", block: { model, kind: "redacted", text: "", seal: "opaque" } },
    { type: "text", delta: "Hi" },
  ]);
});

test("a thought that the provider keeps to itself is handed back all the same", () => {
  const events = read(
    opened(0, { type: "thinking", thinking: "", signature: "" }),
    piece(0, { type: "signature_delta", signature: "seal" }),
    { type: "content_block_stop", index: 0 },
  );
  expect(events).toMatchObject([{ type: "thought", block: { text: "", seal: "seal" } }]);
});

test("citations, thoughts without a seal and kinds from later versions are let pass", () => {
  const events = read(
    opened(0, { type: "thinking", thinking: "" }),
    { type: "content_block_stop", index: 0 },
    piece(9, { type: "input_json_delta" }),
    piece(9, { type: "citations_delta", citation: {} }),
    { type: "hologram", depth: 3 },
  );
  expect(events).toEqual([]);
});

test("what was thought is counted, as a part of what was written", () => {
  const usage = { output_tokens: 9, output_tokens_details: { thinking_tokens: 4 } };
  expect(read(start({ input_tokens: 1 }), stop("end_turn", usage))).toMatchObject([
    { usage: { inputTokens: 1, outputTokens: 9, reasoningTokens: 4 } },
  ]);
});

test("a stream without a stop reason is not an answer", () => {
  expect(read(start({}), stop(null), { type: "message_stop" })).toEqual([]);
});

test.each([
  ["a number", 5],
  ["null", null],
  ["an object without a type", {}],
  [
    "text that is not text",
    { type: "content_block_delta", index: 0, delta: { type: "text_delta", text: 5 } },
  ],
  ["a block without an index", { type: "content_block_stop" }],
  ["negative usage", start({ input_tokens: -1 })],
  [
    "a call without a name",
    { type: "content_block_start", index: 0, content_block: { type: "tool_use", id: "a" } },
  ],
])("an event that is %s breaks the format", (_name, event) => {
  expect(() => read(event)).toThrow(expect.objectContaining({ code: "bad_response" }));
});

test("an answer that calls tools without end is broken off", () => {
  const block = { type: "tool_use", id: "a", name: "t" };
  const reader = createReader();
  const call = (index: number) =>
    reader.push({ type: "content_block_start", index, content_block: block });
  for (let index = 0; index < 128; index += 1) call(index);
  expect(() => call(128)).toThrow(expect.objectContaining({ code: "bad_response" }));
});
