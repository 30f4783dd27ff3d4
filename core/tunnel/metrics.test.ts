import { expect, test } from "vitest";
import { GatewayError } from "../../shared/errors.ts";
import type { Fields } from "../../shared/tunnel/fields.ts";
import type { Session } from "../../shared/tunnel/session.ts";
import { requestFieldsOf } from "../../test/support/fake-edge.ts";
import { fakeEdgeWithCore } from "../../test/support/fake-edge-with-core.ts";
import { createMetrics, observe } from "./metrics.ts";
import { until } from "../../test/support/until.ts";

test("a value is counted below the first bound that is not less", () => {
  const { streamSeconds } = createMetrics();
  for (const value of [0, 0.005, 0.006, 300, 301]) observe(streamSeconds, value);
  expect(streamSeconds.counts).toEqual([2, 1, 0, 0, 0, 0, 0, 1, 1]);
  expect([streamSeconds.count, streamSeconds.sum]).toEqual([5, 601.011]);
});

/** Resolves when the core has said all it will say. */
function over(session: Session, kind: "http" | "delivery", fields: Fields): Promise<string> {
  const stream = session.openStream(kind, fields, true);
  return new Promise((resolve) => {
    stream?.listen(({ type }) => {
      if (type === "end" || type === "ack" || type === "nack" || type === "reset") resolve(type);
    });
  });
}

test("what goes through a tunnel is counted, and nothing is open at the end", async () => {
  const { edge, core } = await fakeEdgeWithCore({
    fetch: (request) =>
      request.url.endsWith("/fails")
        ? Promise.reject(new Error("on purpose"))
        : Promise.resolve(new Response("x".repeat(1_000))),
    deliver: ({ id }) => {
      if (id === "poison") return Promise.reject(new GatewayError("not_found", "No such route"));
      if (id === "full") return Promise.reject(new Error("disk full"));
      return Promise.resolve(id === "again" ? "duplicate" : "committed");
    },
  });
  const { session } = await edge.link(1);
  const { metrics } = core.tunnel;
  const before = { ...metrics.bytes };
  await over(session, "http", requestFieldsOf("/"));
  await over(session, "http", requestFieldsOf("/fails"));
  for (const id of ["new", "again", "poison", "full"]) {
    const receivedAt = String(Date.now() - 2_000);
    const fields: Fields = [
      [":id", id],
      [":route", "agent"],
      [":lane", ""],
      [":received-at", receivedAt],
    ];
    await over(session, "delivery", fields);
  }
  await until(() => metrics.deliveryLag.count === 4);
  expect(Object.fromEntries(metrics.deliveries)).toEqual({
    "agent committed": 1,
    "agent duplicate": 1,
    "agent poison": 1,
    "agent later": 1,
  });
  expect(metrics.deliveryLag.counts.slice(0, 3)).toEqual([0, 0, 0]);
  expect(metrics.streamSeconds.count).toBe(2);
  expect(Object.fromEntries(metrics.resets)).toEqual({ 7: 1 });
  expect(metrics.dedupeHits).toBe(1);
  expect(metrics.bytes.out - before.out).toBeGreaterThan(1_000);
  expect(metrics.bytes.in - before.in).toBeGreaterThan(100);
  expect(metrics.open).toEqual({ http: 0, websocket: 0, delivery: 0 });
});
