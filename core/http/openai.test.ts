import { expect, test } from "vitest";
import { parseChatOrder } from "./openai.ts";

const BOUNDARY = (): string => "boundary";
const PIXEL = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAAB";
const tool = (name: string): object => ({
  type: "function",
  function: { name, description: "d", parameters: { type: "object" } },
});
const choose = (name: string): object => ({ type: "function", function: { name } });
const HI = { role: "user", content: "hi" };

function order(changes: object = {}) {
  return parseChatOrder({ model: "openclaw", messages: [HI], ...changes }, BOUNDARY);
}

test("a plain request asks for one whole answer of the main agent", () => {
  expect(order()).toEqual({
    model: "openclaw",
    messages: [{ role: "user", text: "hi" }],
    stream: false,
    includeUsage: false,
    user: undefined,
    temperature: undefined,
    maxOutputTokens: undefined,
    clientTools: [],
    toolChoice: undefined,
    parallelToolCalls: undefined,
    format: undefined,
  });
});

test("every role becomes ours", () => {
  const { messages } = order({
    messages: [
      { role: "system", content: "be kind" },
      {
        role: "developer",
        content: [
          { type: "text", text: "be" },
          { type: "text", text: "brief" },
        ],
      },
      HI,
      {
        role: "assistant",
        content: null,
        tool_calls: [
          { id: "call_1", type: "function", function: { name: "clock", arguments: "{}" } },
        ],
      },
      { role: "tool", tool_call_id: "call_1", content: "noon" },
      { role: "assistant", content: "It is noon." },
      { role: "user", name: "ada", content: [{ type: "text", text: "thanks" }] },
    ],
  });
  expect(messages).toEqual([
    { role: "system", text: "be kind" },
    { role: "system", text: "be\nbrief" },
    { role: "user", text: "hi" },
    { role: "assistant", text: "", toolCalls: [{ id: "call_1", name: "clock", input: "{}" }] },
    { role: "tool", callId: "call_1", text: "noon" },
    { role: "assistant", text: "It is noon.", toolCalls: [] },
    { role: "user", text: "thanks" },
  ]);
});

test("settings are read, null is as good as absent, and hints nobody knows are ignored", () => {
  const settings = {
    stream: true,
    stream_options: { include_usage: true },
    user: "ada",
    temperature: 0,
    max_tokens: 5,
    n: null,
    tools: [],
    functions: null,
    response_format: { type: "text" },
    top_p: 0.3,
    seed: 7,
    not_yet_invented: {},
  };
  expect(order(settings)).toMatchObject({
    stream: true,
    includeUsage: true,
    user: "ada",
    temperature: 0,
    maxOutputTokens: 5,
  });
  expect(order({ max_tokens: 5, max_completion_tokens: 6 }).maxOutputTokens).toBe(6);
  expect(order({ user: "" }).user).toBeUndefined();
});

test.each<[string, unknown, string | undefined]>([
  ["no object", [], undefined],
  ["null", null, undefined],
  ["no model", { messages: [HI] }, "model"],
  ["an empty model", { model: "", messages: [HI] }, "model"],
  ["no messages", { model: "openclaw" }, "messages"],
  ["empty messages", { model: "openclaw", messages: [] }, "messages"],
  ["no user message", { model: "main", messages: [{ role: "system", content: "x" }] }, "messages"],
])("a body that is %s is refused", (_name, body, param) => {
  expect(() => parseChatOrder(body, BOUNDARY)).toThrow(
    expect.objectContaining({ code: "invalid_request", param }),
  );
});

test.each<[string, object, string]>([
  ["an unknown role", { messages: [{ role: "robot", content: "x" }] }, "messages[0].role"],
  ["a number as content", { messages: [HI, { role: "user", content: 5 }] }, "messages[1].content"],
  ["no content", { messages: [{ role: "user" }] }, "messages[0].content"],
  [
    "an image by URL",
    { messages: [{ role: "user", content: [{ type: "image_url", image_url: { url: "x" } }] }] },
    "messages[0].content[0]",
  ],
  [
    "an image of the assistant",
    { messages: [HI, { role: "assistant", content: [{ type: "image_url", image_url: PIXEL }] }] },
    "messages[1].content",
  ],
  [
    "sound",
    { messages: [{ role: "user", content: [{ type: "input_audio" }] }] },
    "messages[0].content[0]",
  ],
  [
    "a file that is kept elsewhere",
    { messages: [{ role: "user", content: [{ type: "file", file: { file_id: "file-1" } }] }] },
    "messages[0].content[0]",
  ],
  ["a temperature above 2", { temperature: 2.1 }, "temperature"],
  ["a negative temperature", { temperature: -1 }, "temperature"],
  ["no tokens at all", { max_tokens: 0 }, "max_tokens"],
  ["half a token", { max_completion_tokens: 1.5 }, "max_completion_tokens"],
  ["two answers", { n: 2 }, "n"],
  ["a tool without a function", { tools: [{ type: "function" }] }, "tools[0].function"],
  ["a tool of the provider", { tools: [{ type: "web_search" }] }, "tools[0].type"],
  ["a tool with a bad name", { tools: [tool("a b")] }, "tools[0].function.name"],
  ["two tools of one name", { tools: [tool("a"), tool("a")] }, "tools[1]"],
  ["a choice of no tool", { tools: [tool("a")], tool_choice: choose("b") }, "tool_choice"],
  ["a demand without tools", { tool_choice: "required" }, "tool_choice"],
  ["a choice that is none", { tool_choice: "perhaps" }, "tool_choice"],
  ["an unknown format", { response_format: { type: "xml" } }, "response_format.type"],
  ["functions of old", { functions: [{ name: "a" }] }, "functions"],
  ["a function call of old", { function_call: "auto" }, "function_call"],
  ["stream as text", { stream: "yes" }, "stream"],
  ["a user of two lines", { user: "a\nb" }, "user"],
  ["a user that is too long", { user: "a".repeat(257) }, "user"],
])("a request with %s is refused by name", (_name, changes, param) => {
  expect(() => order(changes)).toThrow(expect.objectContaining({ code: "invalid_request", param }));
});

test("a refusal tells nothing of what was sent", () => {
  const secret = "hunter2";
  const bodies = [
    { messages: [{ role: secret, content: "x" }] },
    { messages: [{ role: "user", content: [{ type: secret }] }] },
    { temperature: secret },
    { response_format: { type: secret } },
  ];
  for (const body of bodies) {
    expect(() => order(body)).toThrow(
      expect.objectContaining({ message: expect.not.stringContaining(secret) }),
    );
  }
});

test("tools of the client are offered as they came, and a choice among them", () => {
  const tools = [tool("weather"), tool("clock")];
  expect(order({ tools })).toMatchObject({
    clientTools: [{ name: "weather", description: "d", parameters: { type: "object" } }, {}],
    toolChoice: undefined,
  });
  expect(order({ tools, tool_choice: "required" }).toolChoice).toBe("required");
  expect(order({ tools, tool_choice: choose("clock") }).toolChoice).toEqual({ name: "clock" });
  expect(order({ tools, tool_choice: "none" })).toMatchObject({ clientTools: [] });
  expect(order({ tools, tool_choice: "auto" }).toolChoice).toBeUndefined();
});

test("a format is read, and text is none", () => {
  expect(order({ response_format: { type: "text" } }).format).toBeUndefined();
  expect(order({ response_format: { type: "json_object" } }).format).toEqual({
    type: "json_object",
  });
  const json_schema = { name: "out", schema: { type: "object" } };
  expect(order({ response_format: { type: "json_schema", json_schema } }).format).toEqual({
    type: "json_schema",
    ...json_schema,
    strict: false,
  });
});

test("an image of a user goes with what was said", () => {
  const content = [
    { type: "text", text: "Look" },
    { type: "image_url", image_url: { url: PIXEL } },
  ];
  expect(order({ messages: [{ role: "user", content }] }).messages).toEqual([
    {
      role: "user",
      text: "Look",
      images: [{ mediaType: "image/png", data: PIXEL.slice("data:image/png;base64,".length) }],
    },
  ]);
});

test.each<[object, string, string]>([
  [{ model: undefined }, "model", "Missing `model`."],
  [{ messages: undefined }, "messages", "Missing `messages`."],
  [{ messages: [{ role: "user" }] }, "messages[0].content", "Missing `messages[0].content`."],
  [{ max_tokens: 1.5 }, "max_tokens", "`max_tokens`: must be a whole number"],
  [{ temperature: 3 }, "temperature", "`temperature`: must be at most 2"],
  [{ max_tokens: "9" }, "max_tokens", "`max_tokens`: must be a number"],
  [
    { messages: [{ role: "bot", content: "x" }] },
    "messages[0].role",
    '`messages[0].role`: must be one of "system", "developer", "user", "assistant", "tool"',
  ],
])(
  "what is wrong with %j is said in words for people, with its place",
  (changes, param, message) => {
    expect(() => order(changes)).toThrow(expect.objectContaining({ param, message }));
  },
);
