/** Webhooks and a relay that cannot store, cannot wake itself, or has no room. */
import { expect, test } from "vitest";
import { GatewayError } from "../../../shared/errors.ts";
import { evictRelay } from "../../support/evict.ts";
import { aBundle, TOKENS } from "../../support/tunnel-core.ts";
import { startWorld } from "./world.ts";
import { until } from "../../support/until.ts";

test("failure 42: without the platform's rate limits the relay's own is as exact", async () => {
  const bundle = await aBundle({ rate: { perSecond: 0.5, burst: 3 } });
  await using world = await startWorld({ rateLimits: false, bundle: () => bundle });
  const answers = await Promise.all(
    Array.from({ length: 10 }, () => world.call("/v1/models", { token: TOKENS.chat })),
  );
  const statuses = answers.map(({ status }) => status).toSorted((a, b) => a - b);
  expect(statuses).toEqual([200, 200, 200, 429, 429, 429, 429, 429, 429, 429]);
});

test("failure 46: a webhook that can never be taken goes to the dead letters, and the others go on", async () => {
  await using world = await startWorld({
    deliver: (delivery) =>
      delivery.id === "telegram:2"
        ? Promise.reject(new GatewayError("invalid_request", "poison"))
        : Promise.resolve(world.ledger.commit(delivery.id)),
  });
  await world.disconnect();
  for (const number of [1, 2, 3, 4]) expect((await world.webhook(number)).status).toBe(200);
  await world.connect();
  await until(async () => (await world.health()).spooled === 0);
  // All of one lane: the one behind the poison came too.
  expect(world.ledger.order).toEqual(["telegram:1", "telegram:3", "telegram:4"]);
  await world.log.counted("webhook_dead", 1);
});

test("failure 47: a spool that is full sends the sender away, and takes more when there is room", async () => {
  await using world = await startWorld();
  await world.disconnect();
  await world.faults.setLimits({ maxSpoolItems: 3 });
  for (const number of [1, 2, 3]) expect((await world.webhook(number)).status).toBe(200);
  const refused = await world.webhook(4);
  expect([refused.status, refused.headers.get("Retry-After")]).toEqual([503, "60"]);
  expect(refused.headers.get("X-Gw-Error")).toBe("spool_full");
  await world.connect();
  await until(async () => (await world.health()).spooled === 0);
  expect((await world.webhook(4)).status).toBe(200);
  await world.settled();
});

test("failure 47: a webhook that could not be written is not answered 2xx", async () => {
  await using world = await startWorld();
  await world.disconnect();
  await world.faults.failSql("INSERT INTO q_", 1);
  const refused = await world.webhook(1);
  expect([refused.status, refused.headers.has("Retry-After")]).toEqual([503, true]);
  expect((await world.webhook(1)).status).toBe(200);
  await world.connect();
  await world.settled("spool_failed", "webhook_not_stored");
});

test("failure 47: of a long webhook that could be written only in part nothing is left", async () => {
  const bundle = await aBundle();
  const routes = bundle.routes.map((route) => ({ ...route, maxBodyBytes: 4_000_000 }));
  await using world = await startWorld({ bundle: () => ({ ...bundle, routes }) });
  await world.disconnect();
  const send = (): Promise<Response> =>
    world.call("/hooks/agent", {
      method: "POST",
      token: TOKENS.hook,
      headers: { "Idempotency-Key": "long" },
      body: "x".repeat(3_200_000),
    });
  await world.faults.failSql("INSERT INTO c_", 1);
  expect((await send()).ok).toBe(false);
  // Nothing comes to light either when the relay counts anew.
  await evictRelay(world.edge);
  expect((await world.health()).spooled).toBe(0);
  expect((await send()).status).toBe(200);
  const core = await world.connect();
  await core.delivered(1);
  expect(core.deliveries.map(({ body }) => body.byteLength)).toEqual([3_200_000]);
  await world.settled("spool_failed", "webhook_not_stored");
});

test.each([
  ["the alarm is lost", "lose"],
  ["the alarm fails when it rings", "fail"],
] as const)("failure 48: when %s, the next connect hands over what waits", async (_name, how) => {
  let ready = false;
  await using world = await startWorld({
    deliver: ({ id }) =>
      ready
        ? Promise.resolve(world.ledger.commit(id))
        : Promise.reject(new GatewayError("overloaded", "not now", { retryAfterMs: 0 })),
  });
  expect((await world.webhook(1)).status).toBe(200);
  expect((await world.health()).spooled).toBe(1);
  if (how === "lose") {
    await world.faults.loseAlarm();
  } else {
    await world.faults.setClock(30_000);
    await world.faults.failSql("SELECT", 1);
    await world.faults.ringAlarm();
    await world.log.counted("drain_failed", 1);
  }
  ready = true;
  await world.disconnect();
  await world.connect();
  // Its time has not come yet by the relay's clock: let it.
  await world.faults.setClock(30_000);
  await world.disconnect();
  await world.connect();
  await world.settled("drain_failed");
});

test("failure 48: an alarm that failed rings again", async () => {
  let ready = false;
  await using world = await startWorld({
    deliver: ({ id }) =>
      ready
        ? Promise.resolve(world.ledger.commit(id))
        : Promise.reject(new GatewayError("overloaded", "not now", { retryAfterMs: 0 })),
  });
  expect((await world.webhook(1)).status).toBe(200);
  await world.faults.setClock(30_000);
  await world.faults.failSql("SELECT", 1);
  await world.faults.ringAlarm();
  await world.log.counted("drain_failed", 1);
  expect(await world.faults.nextAlarm()).toBeGreaterThan(Date.now());
  ready = true;
  await world.faults.ringAlarm();
  await world.settled("drain_failed");
});
