import OpenAI, { AuthenticationError, NotFoundError, RateLimitError } from "openai";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { randomToken } from "../../shared/bytes.ts";
import { type CoreHome, type CoreProcess, createHome, startCore } from "../support/core.ts";
import { type RunningEdge, startEdge } from "../support/edge.ts";
import { fail, type FakeModel, reply } from "../support/fake-model.ts";
import { startFakeOpenAi } from "../support/fake-openai.ts";
import { until } from "../support/until.ts";

const HI = { model: "openclaw", messages: [{ role: "user" as const, content: "Hello there" }] };

const JSON_TYPE = { "Content-Type": "application/json" };

let edge: RunningEdge;
const edgeLog: string[] = [];
let model: FakeModel;
let home: CoreHome;
let core: CoreProcess;

beforeAll(async () => {
  const pairing = randomToken();
  edge = await startEdge({
    bindings: { PAIRING_SECRET: pairing },
    onLine: (line) => edgeLog.push(line),
  });
  model = await startFakeOpenAi();
  home = await createHome(
    edge,
    pairing,
    {},
    {
      OPENAI_API_KEY: "sk-test",
      OPENAI_BASE_URL: model.baseUrl,
    },
  );
  core = await startCore(home, edge);
});

beforeEach(() => model.always(reply((said) => `You said ${said}`)));

afterAll(async () => {
  await core.stop();
  await home[Symbol.asyncDispose]();
  await model[Symbol.asyncDispose]();
  await edge[Symbol.asyncDispose]();
});

function client(apiKey = home.token): OpenAI {
  return new OpenAI({ baseURL: new URL("/v1", edge.url).href, apiKey, maxRetries: 0 });
}

test("a plain chat comes back whole, with usage and a reason to stop", async () => {
  const answer = await client().chat.completions.create(HI);
  expect(answer.choices[0]?.message).toMatchObject({
    role: "assistant",
    content: "You said Hello there",
  });
  expect(answer.choices[0]?.finish_reason).toBe("stop");
  expect(answer.usage?.total_tokens).toBeGreaterThan(0);
});

test("a streamed chat arrives in pieces that make the whole", async () => {
  const stream = await client().chat.completions.create({ ...HI, stream: true });
  const pieces: string[] = [];
  for await (const chunk of stream) {
    const delta = chunk.choices[0]?.delta.content ?? "";
    if (delta !== "") pieces.push(delta);
  }
  expect(pieces.length).toBeGreaterThan(1);
  expect(pieces.join("")).toBe("You said Hello there");
});

test("the models are listed as the SDK reads them", async () => {
  const ids = (await client().models.list()).data.map(({ id }) => id);
  expect(ids).toContain("openclaw");
});

test("a wrong token, an unknown model and a model's limit are the SDK's typed errors", async () => {
  await expect(client("wrong").chat.completions.create(HI)).rejects.toThrow(AuthenticationError);
  const unknown = client().chat.completions.create({ ...HI, model: "gpt-unheard-of" });
  await expect(unknown).rejects.toThrow(NotFoundError);
  await expect(unknown).rejects.toMatchObject({ code: "model_not_found", param: "model" });
  const slowDown = JSON.stringify({ error: { message: "slow down" } });
  model.always(fail(429, { "Retry-After": "30", "Content-Type": "application/json" }, slowDown));
  const limited = await client()
    .chat.completions.create(HI)
    .catch((error: unknown) => error);
  expect(limited).toBeInstanceOf(RateLimitError);
  expect(limited instanceof RateLimitError && limited.headers?.get("Retry-After")).toBe("30");
});

test.each([
  [
    "refuses our key",
    fail(401, JSON_TYPE, '{"error":{"message":"bad key"}}'),
    502,
    "model_unauthorized",
  ],
  ["fails", fail(500, JSON_TYPE, '{"error":{"message":"oops"}}'), 502, "model_failed"],
  ["is overloaded", fail(529, JSON_TYPE, '{"error":{"message":"busy"}}'), 503, "model_overloaded"],
  ["talks garbage", { kind: "raw", contentType: "text/html", body: "<p>hi" }, 502, "model_failed"],
] as const)(
  "a model server that %s is a typed error at the client",
  async (_name, how, status, code) => {
    model.always(how);
    await expect(client().chat.completions.create(HI)).rejects.toMatchObject({ status, code });
  },
);

test("an AbortController stops the model call of a stream", async () => {
  model.replyWith("one two three four five six seven eight nine ten", { wordDelayMs: 200 });
  const aborts = model.abortedCount;
  const leave = new AbortController();
  const stream = await client().chat.completions.create(
    { ...HI, stream: true },
    { signal: leave.signal },
  );
  await stream[Symbol.asyncIterator]().next();
  leave.abort();
  // Only answers that were cut short count: the model had eight more words to say.
  await model.waitForAborts(aborts + 1);
  expect(model.abortedCount).toBe(aborts + 1);
});

test.each([true, false])(
  "an AbortController stops a model that has not said anything yet (stream: %s)",
  async (stream) => {
    model.always({ kind: "hang", words: 0 });
    const { abortedCount, requestCount } = model;
    const leave = new AbortController();
    const asked = client().chat.completions.create({ ...HI, stream }, { signal: leave.signal });
    await model.waitForRequests(requestCount + 1);
    leave.abort();
    await expect(asked).rejects.toThrow();
    await model.waitForAborts(abortedCount + 1);
    expect(model.abortedCount).toBe(abortedCount + 1);
  },
);

test("a core that is gone is a 503 that says so, and one that is back answers", async () => {
  const gone = edgeLog.length;
  await core.kill();
  await until(() => edgeLog.slice(gone).some((line) => line.includes("core_gone")));
  const refused = await client()
    .chat.completions.create(HI)
    .catch((error: unknown) => error);
  expect(refused).toMatchObject({ status: 503, code: "core_offline" });
  core = await startCore(home, edge);
  expect((await client().chat.completions.create(HI)).choices).toHaveLength(1);
});

test("a core that is told to stop takes its leave of the edge and exits with 0", async () => {
  const before = edgeLog.length;
  expect(await core.stop()).toBe(0);
  // The log has a way of its own, which may be the longer one.
  const gone = await until(() => edgeLog.slice(before).find((line) => line.includes("core_gone")));
  expect(gone).toContain('"code":1001');
  core = await startCore(home, edge);
});
