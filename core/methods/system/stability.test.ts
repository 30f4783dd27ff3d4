import { expect, test } from "vitest";
import * as z from "zod";
import { Stability } from "./stability.ts";

const Snapshot = z.object({
  count: z.number(),
  dropped: z.number(),
  firstSeq: z.number().optional(),
  events: z.array(z.looseObject({ seq: z.number(), type: z.string() })),
  summary: z.looseObject({
    byType: z.record(z.string(), z.number()),
    memory: z.looseObject({ maxRssBytes: z.number() }),
    eventLoop: z.looseObject({ eventLoopDelayP99Ms: z.number() }),
  }),
});

test("what happened is told in order, by kind, and from where one left off", () => {
  using stability = new Stability(() => 0);
  stability.note("gateway.started", { starts: 1 });
  stability.sample();
  stability.note("gateway.restarted", { outMs: 5 });
  const all = Snapshot.parse(stability.snapshot({}));
  expect(all.events.map(({ type }) => type)).toEqual([
    "gateway.started",
    "gateway.event_loop.sample",
    "gateway.restarted",
  ]);
  expect(all.summary.byType).toEqual({
    "gateway.started": 1,
    "gateway.event_loop.sample": 1,
    "gateway.restarted": 1,
  });
  expect(all.summary.memory.maxRssBytes).toBeGreaterThan(1e6);
  const later = Snapshot.parse(stability.snapshot({ sinceSeq: 1, type: "gateway.restarted" }));
  expect(later.events).toEqual([{ seq: 3, ts: 0, type: "gateway.restarted", outMs: 5 }]);
  expect(Snapshot.parse(stability.snapshot({ limit: 1 })).events).toHaveLength(1);
});

test("only so much is kept, and how much is not any more is told", () => {
  using stability = new Stability(() => 0);
  for (let at = 0; at < 250; at += 1) stability.note("gateway.restarted");
  expect(Snapshot.parse(stability.snapshot({}))).toMatchObject({
    count: 240,
    dropped: 10,
    firstSeq: 11,
  });
});

test("an event loop that stands still is seen", async () => {
  using stability = new Stability(() => 0);
  const delay = (): number =>
    Number(Snapshot.parse(stability.snapshot({})).summary.eventLoop["eventLoopDelayMaxMs"]);
  await expect
    .poll(() => {
      const until = performance.now() + 200;
      while (performance.now() < until);
      return delay();
    })
    .toBeGreaterThan(50);
});
