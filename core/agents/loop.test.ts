import { setTimeout as sleepFor } from "node:timers/promises";
import { expect, test } from "vitest";
import { startFakeAnthropic } from "../../test/support/fake-anthropic.ts";
import { callTools, fail, type FakeModel, reply } from "../../test/support/fake-model.ts";
import { startFakeOpenAi } from "../../test/support/fake-openai.ts";
import type { Model } from "../models/model.ts";
import { createModel } from "../models/registry.ts";
import type { AgentEvent } from "./event.ts";
import { AGENT_LIMITS, type AgentRun, runAgent } from "./loop.ts";
import type { Tool } from "./tool.ts";
import { createTools } from "./tools/registry.ts";

const NOON = Date.parse("2026-11-22T12:00:00Z");

/** Two providers, one of each API, and the waits that were asked for instead of made. */
async function world() {
  await using stack = new AsyncDisposableStack();
  const claude = stack.use(await startFakeAnthropic());
  const gpt = stack.use(await startFakeOpenAi());
  const providers = {
    claude: { api: "anthropic-messages", baseUrl: claude.baseUrl },
    gpt: { api: "openai-completions", baseUrl: gpt.baseUrl },
  } as const;
  const models = [
    await createModel("claude/opus", providers),
    await createModel("gpt/five", providers),
  ];
  const waits: number[] = [];
  const owned = stack.move();
  return {
    claude,
    gpt,
    waits,
    run: (rest: Partial<AgentRun> = {}) =>
      Array.fromAsync(
        runAgent({
          models,
          system: "Be kind.",
          messages: [{ role: "user", text: "What time is it?" }],
          tools: createTools(() => NOON),
          signal: new AbortController().signal,
          random: () => 0.5,
          sleep: async (ms) => void waits.push(ms),
          ...rest,
        }),
      ),
    [Symbol.asyncDispose]: () => owned[Symbol.asyncDispose](),
  };
}

const timeCall = { id: "t1", name: "current_time", input: "{}" };

function kinds(events: readonly AgentEvent[]): string[] {
  return events.map(({ type }) => type);
}

function lastMessages(server: FakeModel): unknown {
  const body = server.requests.at(-1)?.body;
  return typeof body === "object" && body !== null && "messages" in body ? body.messages : body;
}

test("an answer without tools is one round", async () => {
  await using made = await world();
  made.claude.replyWith("Late enough.");
  const events = await made.run();
  expect(kinds(events)).toEqual(["text", "text", "done"]);
  expect(events.at(-1)).toEqual({
    type: "done",
    messages: [{ role: "assistant", text: "Late enough.", toolCalls: [] }],
    stop: "end",
    usage: { inputTokens: 4, outputTokens: 2 },
    model: "claude/opus",
  });
  expect(made.claude.requests[0]?.body).toMatchObject({
    system: "Be kind.",
    tools: [{ name: "current_time" }],
  });
});

test("a tool's result goes back to the model, and both rounds are kept and counted", async () => {
  await using made = await world();
  made.claude.next(callTools([timeCall], "Let me look."), reply("It is noon."));
  const events = await made.run();
  expect(kinds(events.filter(({ type }) => type !== "text"))).toEqual([
    "tool_start",
    "tool_end",
    "done",
  ]);
  expect(events.map((event) => (event.type === "text" ? event.delta : "")).join("")).toBe(
    "Let me look.\n\nIt is noon.",
  );
  expect(events.at(-1)).toMatchObject({
    messages: [
      { role: "assistant", text: "Let me look.", toolCalls: [timeCall] },
      { role: "tool", callId: "t1", text: "2026-11-22T12:00:00Z (UTC, Sunday)" },
      { role: "assistant", text: "It is noon.", toolCalls: [] },
    ],
    usage: { inputTokens: 8, outputTokens: 6 },
  });
});

test("the calls of one round run one after another", async () => {
  await using made = await world();
  const order: string[] = [];
  const slow: Tool = {
    spec: { name: "slow", description: "", parameters: {} },
    run: async (input) => {
      order.push(`begin ${JSON.stringify(input)}`);
      await Promise.resolve();
      order.push("end");
      return "ok";
    },
  };
  const calls = ["a", "b"].map((id) => ({ id, name: "slow", input: `{"id":"${id}"}` }));
  made.claude.next(callTools(calls));
  await made.run({ tools: [slow] });
  expect(order).toEqual(['begin {"id":"a"}', "end", 'begin {"id":"b"}', "end"]);
});

test("what cannot be run is told to the model, and the run goes on", async () => {
  await using made = await world();
  const bug: Tool = {
    spec: { name: "bug", description: "", parameters: {} },
    run: () => Promise.reject(new Error("token abc")),
  };
  const calls = [
    { id: "1", name: "bug", input: "{}" },
    { id: "2", name: "nothing", input: "{}" },
    { id: "3", name: "bug", input: "{oops" },
  ];
  made.claude.next(callTools(calls), reply("I see."));
  const events = await made.run({ tools: [bug] });
  const ends = events.filter((event) => event.type === "tool_end");
  expect(ends.map(({ ok }) => ok)).toEqual([false, false, false]);
  expect(ends[0]?.cause).toEqual(new Error("token abc"));
  expect(events.at(-1)).toMatchObject({ type: "done" });
  const sent = JSON.stringify(lastMessages(made.claude));
  expect(sent).toContain("The tool failed");
  expect(sent).toContain("There is no tool");
  expect(sent).toContain("not valid JSON");
  expect(sent).not.toContain("token abc");
});

test("ids that come twice are made unique before they are sent back", async () => {
  await using made = await world();
  made.gpt.next(callTools([timeCall, timeCall]), callTools([timeCall]), reply("Noon."));
  made.claude.always(fail(401));
  const events = await made.run();
  expect(events.at(-1)).toMatchObject({ type: "done", model: "gpt/five" });
  const ids = events.flatMap((event) => (event.type === "tool_start" ? event.call.id : []));
  expect(ids).toEqual(["t1", "t1_2", "t1_3"]);
});

test("a model that only ever asks for tools is told to stop, then given up", async () => {
  await using made = await world();
  made.claude.always(callTools([timeCall]));
  const events = await made.run({ limits: { ...AGENT_LIMITS, maxToolRounds: 3 } });
  expect(kinds(events).filter((type) => type === "tool_start")).toHaveLength(3);
  expect(events.at(-1)).toMatchObject({ type: "failed", code: "model_failed" });
  expect(made.claude.requestCount).toBe(5);
  expect(JSON.stringify(lastMessages(made.claude))).toContain("Answer with what you have");
});

test("calls beyond the limit of a round, and output beyond its bytes, are cut with a note", async () => {
  await using made = await world();
  const calls = ["a", "b"].map((id) => ({ ...timeCall, id }));
  made.claude.next(callTools(calls), reply("Noon."));
  await made.run({ limits: { maxToolRounds: 1, maxCallsPerRound: 1, maxToolOutputBytes: 4 } });
  const sent = JSON.stringify(lastMessages(made.claude));
  expect(sent).toContain("2026\\n[cut: 30 of 34 bytes are missing]");
  expect(sent).toContain("only 1 calls at once");
});

test("calls of an answer that was cut are not run", async () => {
  await using made = await world();
  made.claude.next(reply("Half", { toolCalls: [timeCall], stop: "max_tokens" }));
  const events = await made.run();
  expect(kinds(events)).toEqual(["text", "done"]);
  expect(events.at(-1)).toMatchObject({
    stop: "max_tokens",
    messages: [{ role: "assistant", text: "Half", toolCalls: [] }],
  });
});

test("a hiccup is waited out, as long as the provider wishes and a little more", async () => {
  await using made = await world();
  made.claude.next(fail(429, { "Retry-After": "2" }), fail(529), reply("Noon."));
  const events = await made.run();
  expect(events.at(-1)).toMatchObject({ type: "done", model: "claude/opus" });
  expect(made.waits).toEqual([2_250, 500]);
});

test("the next model takes over, and keeps the rest of the run", async () => {
  await using made = await world();
  made.claude.always(fail(401));
  made.gpt.next(callTools([timeCall]), reply("Noon."));
  const events = await made.run();
  expect(events.at(-1)).toMatchObject({ type: "done", model: "gpt/five" });
  expect([made.claude.requestCount, made.gpt.requestCount]).toEqual([1, 2]);
  expect(made.waits).toEqual([]);
});

test("the last failure is the run's, once everything was tried", async () => {
  await using made = await world();
  made.claude.always(fail(500));
  made.gpt.always(fail(429, { "Retry-After": "3600" }));
  const events = await made.run();
  expect(events).toEqual([
    expect.objectContaining({ type: "failed", code: "rate_limited", retryAfterMs: 3_600_000 }),
  ]);
  expect([made.claude.requestCount, made.gpt.requestCount]).toEqual([3, 1]);
});

test("an answer that broke off is not begun again, and what was said is handed over", async () => {
  await using made = await world();
  made.claude.always({ kind: "cut", words: 2 });
  const events = await made.run();
  expect(events.at(-1)).toMatchObject({
    type: "failed",
    code: "model_failed",
    partialText: "word0 word1 ",
  });
  expect([made.claude.requestCount, made.gpt.requestCount]).toEqual([1, 0]);
});

test("an abort while the model hangs ends the run and the request", async () => {
  await using made = await world();
  made.claude.always({ kind: "hang", words: -1 });
  const abort = new AbortController();
  const events = made.run({ signal: abort.signal });
  await made.claude.waitForRequests(1);
  abort.abort();
  expect(await events).toEqual([expect.objectContaining({ type: "failed", code: "canceled" })]);
  await made.claude.waitForAborts(1);
  expect(made.gpt.requestCount).toBe(0);
});

test("an abort while a tool or a wait runs ends the run", async () => {
  await using made = await world();
  const abort = new AbortController();
  const stuck: Tool = {
    spec: { name: "stuck", description: "", parameters: {} },
    run: () => {
      abort.abort();
      return Promise.withResolvers<string>().promise;
    },
  };
  made.claude.next(callTools([{ id: "1", name: "stuck", input: "{}" }]));
  const during = await made.run({ tools: [stuck], signal: abort.signal });
  expect(kinds(during)).toEqual(["tool_start", "failed"]);
  expect(during.at(-1)).toMatchObject({ code: "canceled" });

  const again = new AbortController();
  made.claude.always(fail(503));
  const sleep: AgentRun["sleep"] = (ms, signal) => {
    again.abort();
    return sleepFor(ms, undefined, { signal });
  };
  expect(await made.run({ signal: again.signal, sleep })).toEqual([
    expect.objectContaining({ type: "failed", code: "canceled" }),
  ]);
});

test.each<[string, Model["stream"], string]>([
  [
    "throws",
    () => {
      throw new TypeError("bug");
    },
    "internal",
  ],
  ["ends without an answer", async function* () {}, "model_failed"],
])("a model that %s fails the run as an event", async (_name, stream, code) => {
  await using made = await world();
  const events = await made.run({ models: [{ id: "x/y", demo: false, stream }] });
  expect(events).toEqual([expect.objectContaining({ type: "failed", code })]);
});

test("a run without models says so", async () => {
  await using made = await world();
  expect(await made.run({ models: [] })).toEqual([
    expect.objectContaining({ type: "failed", code: "model_not_found" }),
  ]);
});
