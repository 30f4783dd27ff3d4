/** A core that is not there, does not answer, or cannot tell the time. */
import { expect, test } from "vitest";
import { evictRelay } from "../../support/evict.ts";
import { startWorld } from "./world.ts";
import { until } from "../../support/until.ts";

test("failure 1: a request to a core that is offline is told so, and when to come back", async () => {
  await using world = await startWorld();
  await world.disconnect();
  // Nothing of its leaving is remembered: no request waits for it to come back at once.
  await evictRelay(world.edge, "close");
  const response = await world.call("/v1/models");
  expect([response.status, response.headers.get("Retry-After")]).toEqual([503, "5"]);
  expect(await response.json()).toMatchObject({
    code: "core_offline",
    hop: "relay",
    retrySafe: true,
  });
  await world.connect();
  await world.settled();
});

test("failure 2: webhooks for a core that is offline are taken, and handed over once and in order", async () => {
  await using world = await startWorld();
  await world.disconnect();
  const lanes = [1, 2, 3];
  for (let number = 0; number < 30; number += 1) {
    // Every third is sent twice, as senders do that did not hear our answer.
    for (let time = 0; time <= (number % 3 === 0 ? 1 : 0); time += 1) {
      expect((await world.webhook(number, lanes[number % 3])).status).toBe(200);
    }
  }
  // What waits outlives the memory of the relay.
  await evictRelay(world.edge, "close");
  await world.connect();
  await world.settled();
  const numbers = world.ledger.order.map((id) => Number(id.split(":")[1]));
  for (const lane of [0, 1, 2]) {
    const ofLane = numbers.filter((number) => number % 3 === lane);
    expect(ofLane).toEqual(ofLane.toSorted((a, b) => a - b));
  }
  expect(numbers).toHaveLength(30);
});

/** Three heartbeats were missed, and a second. */
const DEAD_MS = 61_000;

test("failure 6: a core that hangs is given up after a minute, and its requests with it", async () => {
  const hanging = Promise.withResolvers<Request>();
  await using world = await startWorld({
    fetch: async (request) => {
      if (new URL(request.url).pathname === "/echo") return new Response(await request.bytes());
      hanging.resolve(request);
      return new Promise<Response>(() => undefined);
    },
  });
  await world.reachable();
  const waiting = world.call("/hang");
  const seen = await hanging.promise;
  world.proxy.stall();
  await world.faults.setClock(DEAD_MS);
  const refused = await world.call("/v1/models");
  expect([refused.status, refused.headers.get("X-Gw-Error")]).toEqual([503, "core_offline"]);
  const lost = await waiting;
  expect([lost.status, lost.headers.get("X-Gw-Error")]).toEqual([502, "core_lost"]);
  expect((await world.webhook(1)).status).toBe(200);
  await world.faults.setClock(0);
  world.proxy.sever("reset");
  world.proxy.resume();
  await world.settled();
  // The core was told, too: it does not go on for a client that has its answer.
  expect(seen.signal.aborted).toBe(true);
});

test.each([
  ["slow", -300_000, "a known core"],
  ["fast", 300_000, "a known core"],
  ["slow", -300_000, "a core that is new to its edge"],
])(
  "failure 39: a clock that is five minutes %s is told the time, and let in (%i ms, %s)",
  async (_name, differenceMs, who) => {
    await using world = await startWorld({ connect: who === "a known core" });
    await world.disconnect();
    await world.faults.setClock(-differenceMs);
    await world.connect();
    expect(await world.echo(1, 1_000)).toBeUndefined();
    await until(() => world.log.lines.some((line) => line.includes('"reason":"stale"')));
    await world.settled();
  },
);
