import { expect, test } from "vitest";
import { echo, fails, type Script, ScriptedModel } from "../../test/support/scripted-model.ts";
import { embedMetered, Meter } from "./meter.ts";
import type { ModelRequest } from "./model.ts";

const never = new AbortController().signal;
const REQUEST: ModelRequest = {
  messages: [{ role: "user", text: "hi" }],
  tools: [],
  temperature: undefined,
  maxOutputTokens: undefined,
};

/** Each look at the clock is 5 ms after the one before. */
function world(...scripts: readonly Script[]) {
  let at = 1_000;
  const now = (): number => (at += 5);
  const model = new ScriptedModel();
  model.next(...scripts);
  const meter = new Meter(now);
  const [watched = model] = meter.over([model], () => ({ input: 1_000_000, output: 2_000_000 }));
  return { meter, watched, now };
}

test("an answer is noted with what it took, before it is over", async () => {
  const { meter, watched } = world(echo);
  for await (const event of watched.stream(REQUEST, never)) {
    if (event.type === "done") {
      expect(meter.take()).toEqual([
        {
          at: 1_010,
          durationMs: 5,
          model: "test/scripted",
          ok: true,
          tools: [],
          usage: { inputTokens: 3, outputTokens: 2 },
          cost: { input: 3, output: 4, cacheRead: 0, cacheWrite: 0 },
        },
      ]);
    }
  }
  expect(meter.take()).toEqual([]);
});

test("tools that were asked for are noted by name", async () => {
  const { meter, watched } = world(async function* () {
    yield { type: "tool_call", call: { id: "1", name: "look", input: "{}" } };
    yield { type: "done", stop: "tool_calls", usage: { inputTokens: 1, outputTokens: 1 } };
  });
  await Array.fromAsync(watched.stream(REQUEST, never));
  expect(meter.take()).toMatchObject([{ tools: ["look"] }]);
});

test.each([
  ["says nothing of tokens", fails("model_overloaded"), { inputTokens: 0, outputTokens: 0 }],
  [
    "says what it took all the same",
    async function* () {
      const usage = { inputTokens: 9, outputTokens: 1 };
      const message = "cut";
      yield { type: "failed", code: "model_failed", message, retryAfterMs: undefined, usage };
    } satisfies Script,
    { inputTokens: 9, outputTokens: 1 },
  ],
])("a failure is noted as one: it %s", async (_name, script, usage) => {
  const { meter, watched } = world(script);
  await Array.fromAsync(watched.stream(REQUEST, never));
  expect(meter.take()).toMatchObject([{ ok: false, usage }]);
});

test("an answer that nobody waited for is noted once, as none", async () => {
  const { meter, watched } = world(echo);
  for await (const event of watched.stream(REQUEST, never)) {
    expect(event.type).toBe("text");
    break;
  }
  expect(meter.take()).toMatchObject([{ ok: false, usage: { inputTokens: 0 } }]);
});

test("embeddings are kept, done or failed", async () => {
  const { now } = world();
  const kept: unknown[] = [];
  const how = {
    now,
    pricesOf: () => ({ input: 2 }),
    keep: async (call: unknown): Promise<void> => void kept.push(call),
  };
  const request = { input: ["a"], dimensions: undefined };
  const embedder = {
    id: "acme/embed",
    embed: async () => ({ vectors: [[1]], inputTokens: 500_000 }),
  };
  expect(await embedMetered(embedder, request, never, how)).toMatchObject({ vectors: [[1]] });
  const broken = { ...embedder, embed: () => Promise.reject(new Error("no")) };
  await expect(embedMetered(broken, request, never, how)).rejects.toThrow("no");
  expect(kept).toMatchObject([
    { model: "acme/embed", ok: true, usage: { inputTokens: 500_000 }, cost: { input: 1 } },
    { model: "acme/embed", ok: false, usage: { inputTokens: 0 } },
  ]);
});
