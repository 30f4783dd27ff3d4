import { expect, test } from "vitest";
import { agentOf, parseChatOrder } from "./openai.ts";

const SERVED = "anthropic/claude";
const HI = { role: "user", content: "hi" };

function order(changes: object = {}) {
  return parseChatOrder({ model: "openclaw", messages: [HI], ...changes }, SERVED);
}

test("a plain request asks for one whole answer of the main agent", () => {
  expect(order()).toEqual({
    model: "openclaw",
    agent: "main",
    messages: [{ role: "user", text: "hi" }],
    stream: false,
    includeUsage: false,
    user: undefined,
    temperature: undefined,
    maxOutputTokens: undefined,
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
  expect(() => parseChatOrder(body, SERVED)).toThrow(
    expect.objectContaining({ code: "invalid_request", param }),
  );
});

test.each<[string, object, string]>([
  ["an unknown role", { messages: [{ role: "robot", content: "x" }] }, "messages[0].role"],
  ["a number as content", { messages: [HI, { role: "user", content: 5 }] }, "messages[1].content"],
  ["no content", { messages: [{ role: "user" }] }, "messages[0].content"],
  [
    "an image",
    { messages: [{ role: "user", content: [{ type: "image_url", image_url: { url: "x" } }] }] },
    "messages[0].content[0]",
  ],
  ["a temperature above 2", { temperature: 2.1 }, "temperature"],
  ["a negative temperature", { temperature: -1 }, "temperature"],
  ["no tokens at all", { max_tokens: 0 }, "max_tokens"],
  ["half a token", { max_completion_tokens: 1.5 }, "max_completion_tokens"],
  ["two answers", { n: 2 }, "n"],
  ["tools of its own", { tools: [{ type: "function" }] }, "tools"],
  ["JSON as format", { response_format: { type: "json_object" } }, "response_format.type"],
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

test.each([
  SERVED,
  "openclaw",
  "openclaw/default",
  "openclaw/main",
  "openclaw:main",
  "agent:main",
  "main",
])("%s is the main agent", (name) => expect(agentOf(name, SERVED)).toBe("main"));

test.each([
  ["openclaw/nope", "Unknown agent 'nope'."],
  ["agent:nope", "Unknown agent 'nope'."],
  ["anthropic/claude-2", "Invalid `model`. Use `openclaw` or `openclaw/<agentId>`."],
  ["gpt-4o", "Invalid `model`. Use `openclaw` or `openclaw/<agentId>`."],
  ["openclaw/../main", "Invalid `model`. Use `openclaw` or `openclaw/<agentId>`."],
  ["__proto__", "Invalid `model`. Use `openclaw` or `openclaw/<agentId>`."],
])("%s is no model", (name, message) => {
  expect(() => agentOf(name, SERVED)).toThrow(
    expect.objectContaining({ code: "model_not_found", param: "model", message }),
  );
});
