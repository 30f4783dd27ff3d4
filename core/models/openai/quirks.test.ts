import { expect, test } from "vitest";
import { ask, collect, textOf } from "../../../test/contract/model.ts";
import { callTools } from "../../../test/support/fake-model.ts";
import { type OpenAiQuirks, startFakeOpenAi } from "../../../test/support/fake-openai.ts";
import { MODEL_TIMEOUTS } from "../settings.ts";
import { createOpenAi } from "./model.ts";

async function world(quirks: OpenAiQuirks) {
  const server = await startFakeOpenAi({ quirks });
  const model = createOpenAi({
    provider: "local",
    model: "brain",
    apiKey: undefined,
    baseUrl: server.baseUrl,
    timeouts: MODEL_TIMEOUTS,
    now: Date.now,
  });
  return { server, model, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() };
}

test.each([
  ["usage", { omitUsage: true }],
  ["finish_reason", { omitFinishReason: true }],
  ["[DONE]", { omitDone: true }],
  ["usage and finish_reason", { omitUsage: true, omitFinishReason: true }],
])("a server that omits %s is understood", async (_name, quirks) => {
  await using made = await world(quirks);
  const events = await collect(made.model, ask("hello there"));
  expect(textOf(events)).toBe("hello there");
  expect(events.at(-1)).toMatchObject({ type: "done", stop: "end" });
});

test("tokens that nobody counted are estimated: one for every four bytes", async () => {
  await using made = await world({ omitUsage: true });
  const events = await collect(made.model, ask("123456789"));
  expect(events.at(-1)).toMatchObject({ usage: { inputTokens: 3, outputTokens: 3 } });
});

test("tool calls without a finish_reason are still tool calls", async () => {
  await using made = await world({ omitFinishReason: true });
  made.server.always(callTools([{ id: "a", name: "time", input: "{}" }]));
  expect(await collect(made.model, ask("hi"))).toMatchObject([
    { type: "tool_call", call: { id: "a", name: "time", input: "{}" } },
    { type: "done", stop: "tool_calls" },
  ]);
});

test("without finish_reason and [DONE] an answer is taken for a cut one", async () => {
  await using made = await world({ omitFinishReason: true, omitDone: true });
  const events = await collect(made.model, ask("hello"));
  expect(events.at(-1)).toMatchObject({ type: "failed", code: "model_failed" });
});
