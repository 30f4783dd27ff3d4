import { expect, test } from "vitest";
import type { UsageSum } from "../../store/usage.ts";
import { UsageAggregate } from "./aggregate.ts";

function sum(over: Partial<UsageSum> = {}): UsageSum {
  return {
    agentId: "main",
    channel: "",
    provider: "acme",
    model: "x",
    slotAt: 0,
    firstAt: 1,
    lastAt: 2,
    calls: 2,
    answered: 2,
    counted: 2,
    questions: 1,
    toolCalls: 0,
    input: 1_000_000,
    output: 500_000,
    cacheRead: 0,
    cacheWrite: 0,
    cost: undefined,
    timed: 2,
    durationMs: 30,
    minMs: 10,
    maxMs: 20,
    ...over,
  };
}

const PRICES = { input: 3, output: 10 };

test("tokens cost what they did, or else what they would cost now, by the day and in all", () => {
  const all = new UsageAggregate((ref) => (ref === "acme/x" ? PRICES : undefined));
  const cost = { input: 1, output: 0, cacheRead: 0.5, cacheWrite: 0 };
  all.add("2026-01-02", { sums: [sum(), sum({ cost })], tools: [], p95Ms: 20 });
  all.add("2026-01-01", { sums: [sum({ model: "y" })], tools: [], p95Ms: 9 });
  expect(all.totals).toMatchObject({
    totalTokens: 4_500_000,
    totalCost: 9.5,
    inputCost: 4,
    outputCost: 5,
    cacheReadCost: 0.5,
    missingCostEntries: 2,
    missingCostByModel: { "acme/y": 2 },
  });
  expect(all.daily).toMatchObject([
    { date: "2026-01-01", totalCost: 0, missingCostEntries: 2 },
    { date: "2026-01-02", totalCost: 9.5, missingCostEntries: 0 },
  ]);
});

test("what took no tokens lacks no price", () => {
  const all = new UsageAggregate(() => undefined);
  const nothing = { counted: 0, input: 0, output: 0, answered: 0, timed: 0 };
  all.add("2026-01-01", { sums: [sum(nothing)], tools: [], p95Ms: undefined });
  expect(all.totals).toMatchObject({ totalCost: 0, missingCostEntries: 0 });
  expect(all.totals).not.toHaveProperty("missingCostByModel");
  expect(all.latency).toBeUndefined();
  expect(all.dailyLatency).toEqual([]);
});

test("it is told by model, provider, agent and channel, the dearest first", () => {
  const all = new UsageAggregate(() => PRICES);
  const sums = [
    sum({ input: 0 }),
    sum({ model: "z", agentId: "work", channel: "telegram" }),
    sum({ model: "z", agentId: "work", calls: 3 }),
  ];
  all.add("2026-01-01", { sums, tools: [], p95Ms: 20 });
  expect(all.byModel).toMatchObject([
    { provider: "acme", model: "z", count: 5, totals: { totalCost: 16 } },
    { provider: "acme", model: "x", count: 2, totals: { totalCost: 5 } },
  ]);
  expect(all.byProvider).toMatchObject([{ provider: "acme", model: undefined, count: 7 }]);
  expect(all.byAgent).toMatchObject([
    { agentId: "work", totals: { totalCost: 16 } },
    { agentId: "main", totals: { totalCost: 5 } },
  ]);
  expect(all.byChannel).toMatchObject([{ channel: "telegram", totals: { totalCost: 8 } }]);
  expect(all.modelDaily).toMatchObject([
    { date: "2026-01-01", model: "z", count: 5, cost: 16 },
    { date: "2026-01-01", model: "x", count: 2, cost: 5 },
  ]);
});

test("messages, tools and times are counted", () => {
  const all = new UsageAggregate(() => PRICES);
  const tools = [{ name: "look", count: 3 }];
  all.add("2026-01-01", { sums: [sum({ toolCalls: 3, calls: 5 })], tools, p95Ms: 20 });
  all.add("2026-01-02", { sums: [sum({ minMs: 5, durationMs: 10 })], tools, p95Ms: 5 });
  expect(all.messages).toEqual({
    total: 6,
    user: 2,
    assistant: 4,
    toolCalls: 3,
    toolResults: 3,
    errors: 3,
  });
  expect(all.tools).toMatchObject({ uniqueTools: 1, tools: [{ name: "look", count: 6 }] });
  expect(all.latency).toEqual({ count: 4, avgMs: 10, p95Ms: 20, minMs: 5, maxMs: 20 });
});

test("nothing used is nothing", () => {
  const all = new UsageAggregate(() => undefined);
  expect([all.daily, all.byModel, all.totals.totalTokens]).toEqual([[], [], 0]);
});
