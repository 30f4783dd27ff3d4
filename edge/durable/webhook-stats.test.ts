import { expect, test } from "vitest";
import { WebhookStats } from "./webhook-stats.ts";

test("refusals are summed by route and reason, the most frequent first", () => {
  const stats = new WebhookStats([]);
  stats.refuse([{ route: "a", reason: "stale", count: 1 }]);
  stats.refuse([
    { route: "b", reason: "mismatch", count: 5 },
    { route: "a", reason: "stale", count: 2 },
  ]);
  expect(Object.entries(stats.refused())).toEqual([
    ["b mismatch", 5],
    ["a stale", 3],
  ]);
  expect(stats.refused(1)).toEqual({ "b mismatch": 5 });
});

test("routes without end are counted together once there are too many", () => {
  const stats = new WebhookStats([]);
  for (let index = 0; index < 1_000; index += 1) {
    stats.refuse([{ route: `route-${index}`, reason: "stale", count: 1 }]);
  }
  const refused = stats.refused();
  expect(Object.keys(refused)).toHaveLength(257);
  expect(refused["* other"]).toBe(744);
  expect(JSON.stringify(stats.kept).length).toBeLessThan(4_096);
});

test("of what several sockets carry the last counts", () => {
  const old = { accepted: 3, duplicates: 0, spooledTotal: 1, refused: {} };
  const last = { accepted: 4, duplicates: 2, spooledTotal: 1, refused: { "a stale": 2 } };
  expect(new WebhookStats([old, last, old]).kept).toEqual(last);
});
