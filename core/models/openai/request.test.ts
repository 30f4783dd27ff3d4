import { expect, test } from "vitest";
import type { Message } from "../../store/message.ts";
import type { ModelRequest } from "../model.ts";
import { toParams } from "./request.ts";

const BASE_URL = "http://127.0.0.1:11434/v1";

function request(messages: readonly Message[], rest: Partial<ModelRequest> = {}): ModelRequest {
  return { messages, tools: [], temperature: undefined, maxOutputTokens: undefined, ...rest };
}

function callOf(id: string, json: string): object {
  return { id, type: "function", function: { name: "time", arguments: json } };
}

test("what was not asked for is left to the provider", () => {
  expect(toParams("gpt", BASE_URL, request([{ role: "user", text: "hi" }]))).toEqual({
    model: "gpt",
    stream: true,
    stream_options: { include_usage: true },
    messages: [{ role: "user", content: "hi" }],
  });
});

test.each([
  ["https://api.openai.com/v1", "max_completion_tokens"],
  ["https://eu.api.openai.com/v1", "max_completion_tokens"],
  ["https://acme.openai.azure.com/openai/v1", "max_completion_tokens"],
  ["https://notapi.openai.com.evil.test/v1", "max_tokens"],
  [BASE_URL, "max_tokens"],
])("the output limit for %s is called %s", (baseUrl, name) => {
  const params = toParams(
    "gpt",
    baseUrl,
    request([{ role: "user", text: "hi" }], { maxOutputTokens: 7, temperature: 0 }),
  );
  expect(params).toMatchObject({ [name]: 7, temperature: 0 });
});

test("a round of tools is sent back, malformed input as an empty object", () => {
  const params = toParams(
    "gpt",
    BASE_URL,
    request([
      { role: "system", text: "Be kind." },
      { role: "user", text: "hi" },
      {
        role: "assistant",
        text: "",
        toolCalls: [
          { id: "a", name: "time", input: ' {"zone": "UTC"}' },
          { id: "b", name: "time", input: '{"zone' },
        ],
      },
      { role: "tool", callId: "a", text: "noon" },
      { role: "assistant", text: "Noon.", toolCalls: [] },
    ]),
  );
  expect(params.messages).toEqual([
    { role: "system", content: "Be kind." },
    { role: "user", content: "hi" },
    {
      role: "assistant",
      content: null,
      tool_calls: [callOf("a", '{"zone":"UTC"}'), callOf("b", "{}")],
    },
    { role: "tool", tool_call_id: "a", content: "noon" },
    { role: "assistant", content: "Noon." },
  ]);
});

test("a tool is described as a function", () => {
  const spec = { name: "t", description: "d", parameters: { type: "object" } };
  const params = toParams(
    "gpt",
    BASE_URL,
    request([{ role: "user", text: "hi" }], { tools: [spec] }),
  );
  expect(params.tools).toEqual([{ type: "function", function: spec }]);
});

test("images stand before the text they came with, and alone where there is none", () => {
  const images = [{ mediaType: "image/png", data: "AAAA" }] as const;
  const image = { type: "image_url", image_url: { url: "data:image/png;base64,AAAA" } };
  const messages = [
    { role: "user", text: "Look", images },
    { role: "user", text: "", images },
  ] as const;
  expect(toParams("gpt", BASE_URL, request(messages)).messages).toEqual([
    { role: "user", content: [image, { type: "text", text: "Look" }] },
    { role: "user", content: [image] },
  ]);
});

test.each<[Partial<ModelRequest>, object]>([
  [{ toolChoice: "required" }, { tool_choice: "required" }],
  [{ toolChoice: { name: "a" } }, { tool_choice: { type: "function", function: { name: "a" } } }],
  [{ parallelToolCalls: false }, { parallel_tool_calls: false }],
])("with tools, %j is %j", (rest, sent) => {
  const tools = [{ name: "a", description: "", parameters: {} }];
  const said = [{ role: "user", text: "hi" }] as const;
  expect(toParams("gpt", BASE_URL, request(said, { tools, ...rest }))).toMatchObject(sent);
  // The API refuses a request that says how to use tools and has none.
  const without = toParams("gpt", BASE_URL, request(said, rest));
  expect(Object.keys(without).filter((key) => key.includes("tool"))).toEqual([]);
});

test("a format of the answer is passed on", () => {
  const said = [{ role: "user", text: "hi" }] as const;
  const json = request(said, { format: { type: "json_object" } });
  expect(toParams("gpt", BASE_URL, json).response_format).toEqual({ type: "json_object" });
  const format = { type: "json_schema", name: "out", schema: { a: 1 }, strict: false } as const;
  expect(toParams("gpt", BASE_URL, request(said, { format })).response_format).toEqual({
    type: "json_schema",
    json_schema: { name: "out", schema: { a: 1 }, strict: false },
  });
});
