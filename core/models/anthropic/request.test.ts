import { expect, test } from "vitest";
import type { Message } from "../../store/message.ts";
import type { ModelRequest } from "../model.ts";
import { toParams } from "./request.ts";

function request(messages: readonly Message[], rest: Partial<ModelRequest> = {}): ModelRequest {
  return { messages, tools: [], temperature: undefined, maxOutputTokens: undefined, ...rest };
}

test("system messages are hoisted out, wherever they stand", () => {
  const params = toParams(
    "claude",
    request([
      { role: "system", text: "Be kind." },
      { role: "user", text: "hi" },
      { role: "system", text: "Be brief." },
    ]),
  );
  expect(params.system).toBe("Be kind.\n\nBe brief.");
  expect(params.messages).toEqual([{ role: "user", content: [{ type: "text", text: "hi" }] }]);
});

test("what was not asked for is left to the provider, but for the limit it demands", () => {
  expect(toParams("claude", request([{ role: "user", text: "hi" }]))).toEqual({
    model: "claude",
    stream: true,
    max_tokens: 8_192,
    messages: [{ role: "user", content: [{ type: "text", text: "hi" }] }],
  });
});

test("a temperature of OpenAI's scale is capped to this one's", () => {
  const hot = request([{ role: "user", text: "hi" }], { temperature: 1.7, maxOutputTokens: 5 });
  expect(toParams("claude", hot)).toMatchObject({ temperature: 1, max_tokens: 5 });
});

test("results of one round and what the user says next are one message", () => {
  const calls = [
    { id: "functions.time:0", name: "time", input: '{"zone":"UTC"}' },
    { id: "b", name: "time", input: "{oops" },
  ];
  const params = toParams(
    "claude",
    request([
      { role: "user", text: "hi" },
      { role: "assistant", text: " ", toolCalls: calls },
      { role: "tool", callId: "functions.time:0", text: "noon" },
      { role: "tool", callId: "b", text: "" },
      { role: "user", text: "well?" },
    ]),
  );
  expect(params.messages.slice(1)).toEqual([
    {
      role: "assistant",
      content: [
        { type: "tool_use", id: "functions_time_0", name: "time", input: { zone: "UTC" } },
        { type: "tool_use", id: "b", name: "time", input: {} },
      ],
    },
    {
      role: "user",
      content: [
        {
          type: "tool_result",
          tool_use_id: "functions_time_0",
          content: [{ type: "text", text: "noon" }],
        },
        { type: "tool_result", tool_use_id: "b", content: [] },
        { type: "text", text: "well?" },
      ],
    },
  ]);
});

test("messages of nothing but white space are left out, and their neighbours joined", () => {
  const params = toParams(
    "claude",
    request([
      { role: "user", text: "one" },
      { role: "assistant", text: "\n", toolCalls: [] },
      { role: "user", text: "two" },
    ]),
  );
  expect(params.messages).toEqual([
    {
      role: "user",
      content: [
        { type: "text", text: "one" },
        { type: "text", text: "two" },
      ],
    },
  ]);
});

test("a tool is described by its schema, an object's", () => {
  const spec = { name: "t", description: "d", parameters: { properties: { a: {} } } };
  const params = toParams("claude", request([{ role: "user", text: "hi" }], { tools: [spec] }));
  expect(params.tools).toEqual([
    { name: "t", description: "d", input_schema: { type: "object", properties: { a: {} } } },
  ]);
});

test("images stand before the text they came with", () => {
  const images = [{ mediaType: "image/png", data: "AAAA" }] as const;
  expect(toParams("claude", request([{ role: "user", text: "Look", images }])).messages).toEqual([
    {
      role: "user",
      content: [
        { type: "image", source: { type: "base64", media_type: "image/png", data: "AAAA" } },
        { type: "text", text: "Look" },
      ],
    },
  ]);
});

test.each<[Partial<ModelRequest>, object | undefined]>([
  [{}, undefined],
  [{ parallelToolCalls: true }, undefined],
  [{ parallelToolCalls: false }, { type: "auto", disable_parallel_tool_use: true }],
  [{ toolChoice: "required" }, { type: "any" }],
  [{ toolChoice: { name: "a" } }, { type: "tool", name: "a" }],
])("of %j the choice of tools is %j", (rest, choice) => {
  const tools = [{ name: "a", description: "", parameters: {} }];
  const params = toParams("claude", request([{ role: "user", text: "hi" }], { tools, ...rest }));
  expect(params.tool_choice).toEqual(choice);
});

test("a schema for the answer is passed on", () => {
  const schema = { type: "object" };
  const format = { type: "json_schema", name: "out", schema, strict: true } as const;
  expect(toParams("claude", request([{ role: "user", text: "hi" }], { format }))).toMatchObject({
    output_config: { format: { type: "json_schema", schema } },
  });
});
