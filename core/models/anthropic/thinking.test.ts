import { expect, test } from "vitest";
import type { Message, ThoughtBlock } from "../../store/message.ts";
import type { ModelRequest } from "../model.ts";
import { serviceOf, toParams } from "./request.ts";

const TOOLS = [{ name: "t", description: "", parameters: {} }];
const HI = { role: "user", text: "hi" } as const;

function request(rest: Partial<ModelRequest> = {}): ModelRequest {
  return {
    messages: [HI],
    tools: [],
    temperature: undefined,
    maxOutputTokens: undefined,
    ...rest,
  };
}

/** What of a request says how much is thought. */
function told(model: string, rest: Partial<ModelRequest>): object {
  const params = toParams(model, request(rest));
  const { thinking, max_tokens, output_config: config, tool_choice: choice } = params;
  return { thinking, max_tokens, effort: config?.effort, choice: choice?.type };
}

test.each<[string, Partial<ModelRequest>, object]>([
  ["claude-3-5-haiku-latest", { thinking: "high" }, { max_tokens: 8_192 }],
  ["claude-haiku-4-5", {}, { max_tokens: 8_192 }],
  ["claude-haiku-4-5", { thinking: "off" }, { max_tokens: 8_192 }],
  [
    "claude-haiku-4-5",
    { thinking: "low" },
    { thinking: { type: "enabled", budget_tokens: 2_048 }, max_tokens: 10_240 },
  ],
  [
    "claude-haiku-4-5",
    { thinking: "max" },
    { thinking: { type: "enabled", budget_tokens: 16_384 }, max_tokens: 24_576 },
  ],
  [
    "claude-haiku-4-5",
    { thinking: "high", maxOutputTokens: 2_000 },
    { thinking: { type: "enabled", budget_tokens: 1_999 }, max_tokens: 2_000 },
  ],
  ["claude-haiku-4-5", { thinking: "high", maxOutputTokens: 1_024 }, { max_tokens: 1_024 }],
  [
    "claude-opus-4-6",
    { thinking: "xhigh" },
    { thinking: { type: "adaptive" }, effort: "high", max_tokens: 32_000 },
  ],
  ["claude-opus-4-7", { thinking: "adaptive" }, { thinking: { type: "adaptive" } }],
  ["claude-opus-4-7", { thinking: "minimal" }, { thinking: { type: "adaptive" }, effort: "low" }],
  ["claude-opus-4-7", {}, { max_tokens: 8_192 }],
  ["claude-opus-5", {}, { max_tokens: 32_000 }],
  ["claude-opus-5", { thinking: "off" }, { thinking: { type: "disabled" }, max_tokens: 8_192 }],
  ["claude-sonnet-5-5", { thinking: "off" }, { thinking: { type: "between_tools" } }],
  [
    "claude-opus-5-5",
    { thinking: "off" },
    { thinking: { type: "adaptive" }, effort: "low", max_tokens: 32_000 },
  ],
  ["claude-opus-5-5", { maxOutputTokens: 100 }, { max_tokens: 100 }],
  [
    "claude-opus-5-5",
    { showThinking: true },
    { thinking: { type: "adaptive", display: "summarized" } },
  ],
  [
    "some-other-model",
    { thinking: "medium" },
    { thinking: { type: "enabled", budget_tokens: 8_192 } },
  ],
])("%s asked for %j is told so in its own way", (model, rest, expected) => {
  expect(told(model, rest)).toEqual(expect.objectContaining(expected));
});

test.each<[string, object]>([
  ["claude-haiku-4-5", { thinking: undefined, choice: "any" }],
  ["claude-opus-5", { thinking: { type: "disabled" }, choice: "any" }],
  ["claude-fable-5-1", { thinking: { type: "adaptive" }, choice: "auto" }],
])("of a call that is demanded and thinking, %s gets what goes together", (model, expected) => {
  const rest = { thinking: "high", tools: TOOLS, toolChoice: "required" } as const;
  expect(told(model, rest)).toMatchObject(expected);
});

test.each<[string, ModelRequest["thinking"], number | undefined]>([
  ["claude-haiku-4-5", undefined, 0.5],
  ["claude-haiku-4-5", "low", undefined],
  ["claude-opus-4-6", "off", 0.5],
  ["claude-opus-4-7", "off", undefined],
  ["claude-opus-5", undefined, undefined],
])("%s that thinks %s takes the temperature %s", (model, level, temperature) => {
  const params = toParams(model, request({ thinking: level, temperature: 0.5 }));
  expect(params).toEqual(
    temperature === undefined
      ? expect.not.objectContaining({ temperature: expect.anything() })
      : expect.objectContaining({ temperature }),
  );
});

/** A round of calls, begun with these thoughts. */
function round(...thoughts: ThoughtBlock[]): Message[] {
  const call = { id: "c", name: "t", input: "{}" };
  return [
    HI,
    { role: "assistant", text: "", toolCalls: [call], thoughts },
    { role: "tool", callId: "c", text: "ok" },
  ];
}

test("thoughts are handed back as they came, to the model that had them alone", () => {
  const model = "anthropic/claude-haiku-4-5";
  const messages = round(
    { model, kind: "signed", text: "hm", seal: "s1" },
    { model, kind: "redacted", text: "", seal: "data" },
    { model: "anthropic/another", kind: "signed", text: "no", seal: "s2" },
    { model, kind: "plain", text: "no", seal: "" },
  );
  const asked = request({ messages, tools: TOOLS, thinking: "high" });
  const params = toParams("claude-haiku-4-5", asked, model);
  expect(params.messages[1]?.content).toEqual([
    { type: "thinking", thinking: "hm", signature: "s1" },
    { type: "redacted_thinking", data: "data" },
    { type: "tool_use", id: "c", name: "t", input: {} },
  ]);
  expect(params.thinking).toMatchObject({ type: "enabled" });
});

test("a round that was begun without a thought is ended without one", () => {
  const asked = request({ messages: round(), tools: TOOLS, thinking: "high" });
  expect(toParams("claude-haiku-4-5", asked).thinking).toBeUndefined();
  // Models that decide for themselves do not insist.
  expect(toParams("claude-opus-4-7", asked).thinking).toEqual({ type: "adaptive" });
});

test.each<[string, Message[]]>([
  ["another model", round({ model: "anthropic/another", kind: "signed", text: "no", seal: "s2" })],
  ["a model that seals nothing", round({ model: "m", kind: "plain", text: "no", seal: "" })],
  ["nobody, with a word of the user in it", [...round(), { role: "user", text: "hurry" }]],
])("a round that was begun with the thoughts of %s is ended without one", (_name, messages) => {
  const asked = request({ messages, tools: TOOLS, thinking: "high" });
  expect(toParams("claude-haiku-4-5", asked, "m").thinking).toBeUndefined();
});

test("when a round is over, the next thing said is thought about again", () => {
  const over: Message = { role: "assistant", text: "done", toolCalls: [] };
  const asked = request({ messages: [...round(), over, HI], tools: TOOLS, thinking: "high" });
  expect(toParams("claude-haiku-4-5", asked, "m").thinking).toMatchObject({ type: "enabled" });
});

test("an effort and a format of the answer are one field", () => {
  const format = { type: "json_schema", name: "x", schema: {}, strict: true } as const;
  expect(toParams("claude-opus-5", request({ thinking: "max", format })).output_config).toEqual({
    effort: "max",
    format: { type: "json_schema", schema: {} },
  });
});

test.each([
  ["claude-opus-5", "https://api.anthropic.com", { speed: "fast" }],
  ["claude-haiku-4-5", "https://api.anthropic.com", { service_tier: "auto" }],
  ["claude-sonnet-5", "https://api.anthropic.com", {}],
  ["claude-opus-5", "https://proxy.example", {}],
])("fast with %s at %s is %j", (model, baseUrl, fields) => {
  expect(serviceOf({ model, baseUrl }, { fast: true })).toEqual(fields);
  expect(serviceOf({ model, baseUrl }, { fast: false })).toEqual({});
});
