/** A relay that loses its memory, in order or in the middle of everything. */
import { once } from "node:events";
import { expect, test } from "vitest";
import type { WebSocket } from "ws";
import { evictRelay } from "../../support/evict.ts";
import { becomes, bodyOf } from "../../support/invariants.ts";
import { Random } from "../../support/random.ts";
import { startWorld, type World } from "./world.ts";
import { until } from "../../support/until.ts";

/** Sends body `seed` and waits for the next message: true when it is the same. */
async function roundTrip(socket: WebSocket, seed: number, length: number): Promise<boolean> {
  const body = bodyOf(seed, length);
  const answered = once(socket, "message");
  socket.send(body);
  const [data] = await answered;
  return Buffer.from(body).equals(data);
}

test("failure 11: a relay that is evicted with its sockets hibernated goes on as if nothing were", async () => {
  await using world = await startWorld();
  const sockets = [await world.socket(), await world.socket(), await world.socket()];
  const awake = world.log.count("relay_awake");
  const random = new Random(11);
  for (let round = 1; round <= 8; round += 1) {
    await evictRelay(world.edge);
    const [first] = sockets;
    // By turns it is woken by a client's message, a request, a webhook, and the core.
    const wakers = [
      () => (first === undefined ? false : roundTrip(first, round, random.size(300_000))),
      async () => (await world.echo(round, random.size(300_000))) === undefined,
      async () => (await world.webhook(round)).status === 200,
      async () => world.core.republish().then(() => true),
    ];
    expect(await wakers[round % wakers.length]?.()).toBe(true);
    const echoes = sockets.map((socket, index) =>
      roundTrip(socket, round * 10 + index, random.size(100_000)),
    );
    expect(await Promise.all(echoes)).toEqual([true, true, true]);
  }
  // A socket that is opened late gets an id that was never used: the others still have theirs.
  sockets.push(await world.socket());
  const last = await Promise.all(sockets.map((socket, index) => roundTrip(socket, index, 1_000)));
  expect(last).toEqual([true, true, true, true]);
  expect(world.log.count("relay_awake")).toBe(awake + 8);
  expect(world.log.count("core_connected")).toBe(1);
  for (const socket of sockets) socket.terminate();
  await world.settled();
});

/** One answer at the least, broken off or not, and bytes of it that belong to nobody. */
async function strays(world: World, seed: number, length: number): Promise<string[]> {
  const stray = await world.echo(seed, length).catch(() => "broken off");
  return stray?.includes("wrong") === true || stray?.includes("bytes of") === true ? [stray] : [];
}

test("failure 13: a relay that dies in the middle of answers ends none of them early", async () => {
  await using world = await startWorld();
  const random = new Random(13);
  const found: string[] = [];
  for (let round = 0; round < 3; round += 1) {
    const webhooks = Array.from({ length: 8 }, (_v, lane) =>
      world.webhook(round * 100 + lane, lane % 4).catch(() => undefined),
    );
    const echoes = Array.from({ length: 4 }, (_v, index) =>
      strays(world, round * 10 + index, random.between(200_000, 1_000_000)),
    );
    // In the middle of it, at another place each time.
    const cutAt = world.proxy.bytes("down") + random.below(400_000);
    await becomes(async () => world.proxy.bytes("down") >= cutAt, 1_000);
    await world.faults.abort();
    await Promise.all(webhooks);
    found.push(...(await Promise.all(echoes)).flat());
    await world.disconnect();
    await world.connect();
  }
  expect(found).toEqual([]);
  await world.settled(
    "request_failed",
    "webhook_not_stored",
    "relay_question_failed",
    "told to by a test",
  );
});

test("failure 13: a relay that dies while it stores loses nothing that it has acknowledged", async () => {
  await using world = await startWorld();
  for (let round = 0; round < 3; round += 1) {
    await world.disconnect();
    const before = world.ledger.acknowledged.size;
    const webhooks = Array.from({ length: 20 }, (_v, lane) =>
      world.webhook(round * 100 + lane, lane % 4).catch(() => undefined),
    );
    const enough = before + 1 + round * 4;
    await until(() => world.ledger.acknowledged.size >= enough);
    await world.faults.abort();
    await Promise.all(webhooks);
    expect(world.ledger.acknowledged.size).toBeGreaterThanOrEqual(enough);
    await world.connect();
  }
  await world.settled(
    "request_failed",
    "webhook_not_stored",
    "relay_question_failed",
    "told to by a test",
  );
});

test("failure 31: messages keep their order while each waits for the path in its own way", async () => {
  await using world = await startWorld({ connect: false });
  world.proxy.plan = () => ({
    down: { delayMs: 5, bytesPerSecond: 8_000_000 },
    up: { delayMs: 3 },
  });
  await world.connect();
  const sockets = [await world.socket(), await world.socket()];
  const random = new Random(31);
  const heard = sockets.map((socket) => {
    const numbers: number[] = [];
    socket.on("message", (data: Buffer) => numbers.push(data.readUInt32BE(0)));
    return numbers;
  });
  const count = 150;
  for (let seed = 1; seed <= count; seed += 1) {
    for (const socket of sockets) socket.send(bodyOf(seed, random.between(4, 12_000)));
  }
  await until(() => heard.every(({ length }) => length === count));
  const inOrder = Array.from({ length: count }, (_v, index) => index + 1);
  expect(heard).toEqual([inOrder, inOrder]);
  for (const socket of sockets) socket.terminate();
  await world.settled();
});
