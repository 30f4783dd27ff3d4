import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { type ChatWorld, startChatWorld } from "../../../test/support/chat-world.ts";

let w: ChatWorld;
beforeAll(async () => {
  w = await startChatWorld();
});
afterAll(() => w[Symbol.asyncDispose]());
beforeEach(() => w.begin());

async function say(text: string, id: string): Promise<void> {
  const runId = `${id}-${w.key}`;
  await w.send(text, runId);
  await w.request("agent.wait", { runId });
}

const today = (): string => new Date().toISOString().slice(0, 10);

test("what a session used is told by day and model, with the totals of all", async () => {
  await say("one", "a");
  await say("two", "b");
  const answer = await w.request("sessions.usage", { key: w.key, range: "7d", groupBy: "family" });
  expect(answer).toMatchObject({
    endDate: today(),
    sessions: [
      {
        key: w.key,
        agentId: "main",
        scope: "family",
        historicalInstanceCount: 1,
        usage: {
          activityDates: [today()],
          messageCounts: { total: 4, user: 2, assistant: 2 },
          modelUsage: [{ provider: "openai", count: 2 }],
          dailyBreakdown: [{ date: today(), tokens: expect.any(Number) }],
        },
      },
    ],
    totals: { totalTokens: expect.any(Number) },
    aggregates: {
      sessionCount: 1,
      messages: { user: 2, errors: 0 },
      tools: { totalCalls: 0, tools: [] },
      byAgent: [{ agentId: "main" }],
      byModel: [{ provider: "openai", count: 2 }],
      modelDaily: [{ date: today(), count: 2 }],
      daily: [{ date: today(), messages: 4 }],
    },
  });
});

test("a session that was begun anew keeps what it used, in its family", async () => {
  await say("one", "a");
  await w.request("sessions.reset", { key: w.key });
  const query = { key: w.key, range: "7d" };
  const alone = await w.request("sessions.usage", query);
  expect(alone).toMatchObject({ totals: { totalTokens: 0 }, sessions: [{ scope: "instance" }] });
  const family = await w.request("sessions.usage", { ...query, includeHistorical: true });
  expect(family).toMatchObject({
    sessions: [{ historicalInstanceCount: 2, usage: { messageCounts: { user: 1 } } }],
    aggregates: { messages: { user: 1 } },
  });
});

test("a series has a point for each request, and goes on adding up", async () => {
  await say("one", "a");
  await say("two", "b");
  const answer = await w.request("sessions.usage.timeseries", { key: w.key });
  expect(answer).toMatchObject({ points: [{ cost: expect.any(Number) }, {}] });
  const { points } = Object(answer);
  const [first, second] = points;
  expect(first.cumulativeTokens).toBe(first.totalTokens);
  expect(second.cumulativeTokens).toBe(first.totalTokens + second.totalTokens);
  expect(second.timestamp).toBeGreaterThanOrEqual(first.timestamp);
});

test("a log has what was said, and what the answers took", async () => {
  await say("hello there", "a");
  const answer = await w.request("sessions.usage.logs", { key: w.key, limit: 5 });
  expect(answer).toMatchObject({
    logs: [
      { role: "user", content: "hello there" },
      { role: "assistant", content: "You said hello there", tokens: expect.any(Number) },
    ],
  });
});

test.each(["sessions.usage.timeseries", "sessions.usage.logs"])(
  "%s of no session is refused",
  async (method) => {
    await expect(w.request(method, { key: "agent:main:nobody" })).rejects.toThrow(
      /Invalid session key/,
    );
    await expect(w.request(method, {})).rejects.toThrow();
  },
);

test("usage.cost has all of it on the day it was used, whatever the zone", async () => {
  await say("one", "a");
  const zones = [{}, { mode: "gateway" }, { mode: "specific", timeZone: "Pacific/Kiritimati" }];
  for (const zone of zones) {
    const answer = await w.request("usage.cost", { ...zone, days: 3, agentScope: "all" });
    expect(answer).toMatchObject({ days: 3, totals: { totalTokens: expect.any(Number) } });
    const { daily, totals } = Object(answer);
    expect(totals.totalTokens).toBeGreaterThan(0);
    expect(
      daily.reduce((sum: number, day: { totalTokens: number }) => sum + day.totalTokens, 0),
    ).toBe(totals.totalTokens);
  }
  const old = { startDate: "2019-01-01", endDate: "2020-01-01" };
  expect(await w.request("usage.cost", old)).toMatchObject({ daily: [], totals: { totalCost: 0 } });
});

test("a row tells how full the context of the session is", async () => {
  await say("one", "a");
  const row = async (): Promise<unknown> => {
    const { session } = Object(await w.request("sessions.describe", { key: w.key }));
    return session;
  };
  const full = { totalTokens: expect.any(Number), totalTokensFresh: true };
  expect(await row()).toMatchObject({ ...full, contextTokens: expect.any(Number) });
  const status = Object(await w.request("status", {}));
  expect(status.sessions.recent[0]).toMatchObject({ key: w.key, ...full });
  expect(status.sessions.recent[0].percentUsed).toBeTypeOf("number");
  await w.request("chat.inject", { sessionKey: w.key, message: "by the way" });
  expect(await row()).toMatchObject({ totalTokensFresh: false });
});
