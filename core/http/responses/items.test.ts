import { expect, test } from "vitest";
import { toMessages } from "./items.ts";
import { parseResponseOrder } from "./request.ts";

function messages(input: unknown) {
  return toMessages(parseResponseOrder({ model: "openclaw", input }).items, () => "B0UND");
}

test("every item becomes what it means", () => {
  expect(
    messages([
      { role: "developer", content: "be kind" },
      { type: "message", role: "user", content: [{ type: "input_text", text: "hi" }] },
      { type: "reasoning", id: "rs_1", summary: [] },
      { role: "assistant", content: [{ type: "output_text", text: "wait", annotations: [] }] },
      { type: "function_call", id: "fc_1", call_id: "c1", name: "a", arguments: "{}" },
      { type: "function_call", call_id: "c2", name: "b", arguments: "{}" },
      { type: "function_call_output", call_id: "c1", output: "one" },
      {
        type: "function_call_output",
        call_id: "c2",
        output: [{ type: "input_text", text: "two" }],
      },
      { role: "user", content: "and?" },
    ]),
  ).toEqual([
    { role: "system", text: "be kind" },
    { role: "user", text: "hi" },
    {
      role: "assistant",
      text: "wait",
      toolCalls: [
        { id: "c1", name: "a", input: "{}" },
        { id: "c2", name: "b", input: "{}" },
      ],
    },
    { role: "tool", callId: "c1", text: "one" },
    { role: "tool", callId: "c2", text: "two" },
    { role: "user", text: "and?" },
  ]);
});

test("a call that nothing was said with is the assistant's all the same", () => {
  expect(
    messages([
      { role: "user", content: "hi" },
      { type: "function_call", call_id: "c1", name: "a", arguments: "{}" },
      { type: "function_call_output", call_id: "c1", output: "one" },
    ])[1],
  ).toEqual({ role: "assistant", text: "", toolCalls: [{ id: "c1", name: "a", input: "{}" }] });
});

test("a refusal tells the place and nothing of what was sent", () => {
  const secret = "hunter2";
  for (const input of [
    [{ role: secret, content: "x" }],
    [{ type: secret }],
    [{ role: "user", content: [{ type: secret }] }],
    [{ type: "item_reference" }],
  ]) {
    expect(() => messages(input)).toThrow(
      expect.objectContaining({
        code: "invalid_request",
        param: expect.stringMatching(/^input\[0\]/),
        message: expect.not.stringContaining(secret),
      }),
    );
  }
});

test.each<[string, unknown]>([
  ["a list", []],
  ["null", null],
  ["no model", { input: "x" }],
  ["seventeen entries of metadata", { model: "m", input: "x", metadata: entries(17) }],
  ["two thousand and one items", { model: "m", input: reasoning(2_001) }],
  ["only reasoning", { model: "m", input: [{ type: "reasoning" }] }],
])("a body that is %s is refused", (_name, body) => {
  expect(() => parseResponseOrder(body)).toThrow(
    expect.objectContaining({ code: "invalid_request" }),
  );
});

function entries(count: number): object {
  return Object.fromEntries(Array.from({ length: count }, (_, index) => [`k${index}`, "v"]));
}

function reasoning(count: number): object[] {
  return Array.from({ length: count }, () => ({ type: "reasoning" }));
}
