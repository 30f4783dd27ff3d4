import { expect, test } from "vitest";
import { callTools, reply } from "../../test/support/fake-model.ts";
import { startFakeOpenAi } from "../../test/support/fake-openai.ts";
import { createModel } from "../models/registry.ts";
import { type AgentRun, runAgent } from "./loop.ts";
import { createTools } from "./tools/registry.ts";

const WEATHER = { name: "weather", description: "", parameters: { type: "object" } };
const weather = { id: "w1", name: "weather", input: '{"place":"Oslo"}' };
const time = { id: "t1", name: "current_time", input: "{}" };

async function world() {
  const gpt = await startFakeOpenAi();
  const model = await createModel("gpt/five", {
    gpt: { api: "openai-completions", baseUrl: gpt.baseUrl },
  });
  return {
    gpt,
    sent: () => gpt.requests.at(-1)?.body,
    run: (rest: Partial<AgentRun> = {}) =>
      Array.fromAsync(
        runAgent({
          models: [model],
          system: "",
          messages: [{ role: "user", text: "How is Oslo?" }],
          tools: createTools(() => 0),
          clientTools: [WEATHER],
          signal: new AbortController().signal,
          random: () => 0.5,
          sleep: async () => undefined,
          ...rest,
        }),
      ),
    [Symbol.asyncDispose]: () => gpt[Symbol.asyncDispose](),
  };
}

test("a call of the caller's tool ends the run, and is told", async () => {
  await using w = await world();
  w.gpt.next(callTools([weather], "Let me look."));
  expect((await w.run()).at(-1)).toMatchObject({
    type: "done",
    stop: "tool_calls",
    calls: [weather],
    messages: [{ role: "assistant", text: "Let me look.", toolCalls: [weather] }],
  });
  expect(w.gpt.requestCount).toBe(1);
});

test("tools of the agent that were called along are run, and their results kept", async () => {
  await using w = await world();
  w.gpt.next(callTools([time, weather]));
  const events = await w.run();
  expect(events.map(({ type }) => type)).toEqual(["tool_start", "tool_end", "done"]);
  expect(events.at(-1)).toMatchObject({
    calls: [weather],
    messages: [
      { role: "assistant", toolCalls: [time, weather] },
      { role: "tool", callId: "t1" },
    ],
  });
});

test("the agent goes on by itself as long as it calls none of the caller's tools", async () => {
  await using w = await world();
  w.gpt.next(callTools([time]), reply("It is noon."));
  expect((await w.run()).at(-1)).toMatchObject({ type: "done", stop: "end" });
  expect(w.gpt.requestCount).toBe(2);
});

test("a tool of the caller hides one of the agent with its name", async () => {
  await using w = await world();
  w.gpt.next(callTools([time]));
  const events = await w.run({ clientTools: [{ ...WEATHER, name: "current_time" }] });
  expect(events.map(({ type }) => type)).toEqual(["done"]);
  expect(w.sent()).toMatchObject({ tools: [{ function: { name: "current_time" } }] });
});

test.each<[string, Partial<AgentRun>, readonly string[]]>([
  ["nothing is demanded", {}, ["current_time", "weather"]],
  ["a call is demanded", { toolChoice: "required" }, ["weather"]],
  ["one tool is demanded", { toolChoice: { name: "weather" } }, ["weather"]],
  ["the answer has a format", { format: { type: "json_object" } }, ["weather"]],
])("when %s, the model is offered the tools that can be meant", async (_name, rest, names) => {
  await using w = await world();
  await w.run(rest);
  expect(w.sent()).toMatchObject({ tools: names.map((name) => ({ function: { name } })) });
});
