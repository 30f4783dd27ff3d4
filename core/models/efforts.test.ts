import { expect, test } from "vitest";
import type { Message } from "../store/message.ts";
import type { ModelRequest, Thinking } from "./model.ts";
import { effortFor, effortProfile } from "./efforts.ts";
import { createReader } from "./openai/events.ts";
import { toParams } from "./openai/request.ts";

const OPENAI = "https://api.openai.com/v1";

function request(rest: Partial<ModelRequest> = {}): ModelRequest {
  return {
    messages: [{ role: "user", text: "hi" }],
    tools: [],
    temperature: undefined,
    maxOutputTokens: undefined,
    ...rest,
  };
}

test.each<[string, Thinking | undefined, string | undefined]>([
  ["gpt-5", "off", "minimal"],
  ["gpt-5-mini", "xhigh", "high"],
  ["gpt-5.1", "off", "none"],
  ["gpt-5.4", "max", "xhigh"],
  ["gpt-5.6", "max", "max"],
  ["gpt-5.5", undefined, undefined],
  ["gpt-4o", "high", undefined],
  ["gpt-5-chat-latest", "high", undefined],
  ["o3", "minimal", "low"],
  ["o4-mini", "high", "high"],
  ["openai/gpt-oss-120b", "xhigh", "high"],
  ["gemini-3-pro", "adaptive", undefined],
  ["gemini-2.5-flash", "off", "none"],
  ["grok-3-mini", "medium", "low"],
  ["anthropic/claude-opus-4.7", "xhigh", "xhigh"],
  ["qwen3", "high", "high"],
  ["qwen3", "xhigh", "high"],
])("%s asked for %s is told %s", (model, wanted, effort) => {
  expect(effortFor(wanted, model)).toBe(effort);
});

test("what the config says of a model counts for more than its name", () => {
  expect(effortFor("high", "gpt-5", { reasoning: false })).toBeUndefined();
  expect(effortFor("high", "local", { efforts: ["none", "low"] })).toBe("low");
  expect(effortProfile("local", { reasoning: true })?.levels).toContain("high");
  expect(effortProfile("local")).toBeUndefined();
});

test("a model of OpenAI that thinks gets no temperature; another server's does", () => {
  const asked = request({ thinking: "high", temperature: 0.5 });
  expect(toParams("gpt-5", OPENAI, asked)).not.toHaveProperty("temperature");
  const none = { ...asked, thinking: "off" } as const;
  expect(toParams("gpt-5.1", OPENAI, none)).toHaveProperty("temperature", 0.5);
  expect(toParams("qwen3", "http://127.0.0.1:1/v1", asked)).toMatchObject({
    temperature: 0.5,
    reasoning_effort: "high",
  });
});

test("the faster service is asked of OpenAI alone", () => {
  const fast = request({ fast: true });
  expect(toParams("gpt-5", OPENAI, fast)).toHaveProperty("service_tier", "priority");
  expect(toParams("qwen3", "http://127.0.0.1:1/v1", fast)).not.toHaveProperty("service_tier");
});

test.each(["reasoning_content", "reasoning"])("%s is thought, not said", (field) => {
  const reader = createReader(
    () => true,
    () => ({ inputTokens: 0, outputTokens: 0 }),
    "p/m",
  );
  const events = [
    ...reader.push({ choices: [{ delta: { [field]: "hm" } }] }),
    ...reader.push({ choices: [{ delta: { content: "Hi" }, finish_reason: "stop" }] }),
    ...reader.push({
      choices: [],
      usage: {
        prompt_tokens: 3,
        completion_tokens: 9,
        completion_tokens_details: { reasoning_tokens: 5 },
      },
    }),
    ...reader.end(),
  ];
  expect(events[0]).toEqual({ type: "thinking", delta: "hm" });
  expect(events.filter(({ type }) => type === "text")).toEqual([{ type: "text", delta: "Hi" }]);
  expect(events.at(-1)).toMatchObject({ usage: { outputTokens: 9, reasoningTokens: 5 } });
});

test("what a server wrote down of its thinking goes back with the results of the calls", () => {
  const call = { id: "c", name: "t", input: "{}" };
  const thoughts = [{ model: "p/m", kind: "plain", text: "hm", seal: "" } as const];
  const messages: Message[] = [
    { role: "user", text: "hi" },
    { role: "assistant", text: "", toolCalls: [call], thoughts },
    { role: "tool", callId: "c", text: "ok" },
  ];
  const sent = (id: string) =>
    toParams("m", "http://127.0.0.1:1/v1", request({ messages }), { id }).messages[1];
  expect(sent("p/m")).toHaveProperty("reasoning_content", "hm");
  expect(sent("p/other")).not.toHaveProperty("reasoning_content");
});
