/** Clients whose core is slow, gone, or does as it likes: what the relay keeps of them, and for how long. */
import { once } from "node:events";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { ClientSocket, SocketListener, Upgrade } from "../../core/tunnel/handlers.ts";
import { CloseCode } from "../../shared/close-code.ts";
import { LIMITS } from "../../shared/limits.ts";
import { evictRelay } from "../support/evict.ts";
import { becomes, bodyOf } from "../support/invariants.ts";
import { startWorld, type World } from "./failures/world.ts";
import { PATIENCE_MS } from "../support/patience.ts";
import { eventually, until } from "../support/until.ts";

const MIB = 1024 * 1024;

let world: World;

beforeEach(async () => {
  world = await startWorld({ connect: false });
});
afterEach(() => world[Symbol.asyncDispose]());

interface AtCore {
  readonly socket: ClientSocket;
  /** Settles with the code. */
  readonly closed: Promise<number>;
}

/** Accepts everybody and does with messages what `onMessage` says. */
function accepting(survives: boolean, onMessage: SocketListener["onMessage"]) {
  const next = [Promise.withResolvers<AtCore>()];
  const taken: AtCore[] = [];
  const upgrade = async (): Promise<Upgrade> => ({
    accepted: true,
    protocol: undefined,
    survives,
    take(socket) {
      const closed = Promise.withResolvers<number>();
      socket.listen({ onMessage, onClose: closed.resolve });
      const one = { socket, closed: closed.promise };
      taken.push(one);
      next.at(-1)?.resolve(one);
      next.push(Promise.withResolvers());
    },
  });
  return { upgrade, taken, first: (): Promise<AtCore> => next[0]?.promise ?? Promise.reject() };
}

async function untilStill(value: () => number): Promise<void> {
  let before = -1;
  await eventually(
    () => {
      const now = value();
      const isStill = now === before;
      before = now;
      if (!isStill) throw new Error("still moving");
    },
    { everyMs: 300 },
  );
}

test("messages of an awkward length do not get past a slow client either, and 1013 gives all back", async () => {
  const there = accepting(true, (_message, receipt) => receipt.done());
  const core = await world.connect({ upgrade: there.upgrade });
  const slow = await world.socket();
  const closed = once(slow, "close");
  slow.pause();
  const { socket, closed: closedAtCore } = await there.first();
  const before = world.proxy.bytes("up");
  // Two pieces, the last of one byte. Random, because the runtime compresses.
  const message = bodyOf(1, LIMITS.maxFrameBytes + 1);
  for (let sent = 0; sent < 96 * MIB; sent += message.byteLength) socket.send(message);
  await untilStill(() => world.proxy.bytes("up"));
  expect(world.proxy.bytes("up") - before).toBeLessThan(16 * MIB);
  await world.faults.setClock(LIMITS.slowClientMs + 1_000);
  await closedAtCore;
  slow.resume();
  expect((await closed)[0]).toBe(CloseCode.tryLater);
  const state = await core.tunnel.request(undefined, "GET", "/state");
  expect(state.body).toMatchObject({ bufferedBytes: 0 });
});

test("a socket that its core closes is over on both sides, and makes room for another", async () => {
  const there = accepting(true, () => undefined);
  await world.connect({ upgrade: there.upgrade });
  await world.faults.setLimits({ maxSockets: 2 });
  for (let round = 0; round < 6; round += 1) {
    const socket = await world.socket();
    const closed = once(socket, "close");
    there.taken.at(-1)?.socket.close(4_000 + round, "that is all");
    expect((await closed)[0]).toBe(4_000 + round);
  }
});

test("a client that leaves while the next core thinks about it is not taken up", async () => {
  const there = accepting(true, (message, receipt) => receipt.answer(message));
  await world.connect({ upgrade: there.upgrade });
  const socket = await world.socket();
  await world.disconnect();
  const asked = Promise.withResolvers<void>();
  const decided = Promise.withResolvers<void>();
  const next = accepting(true, () => undefined);
  await world.connect({
    reattach: async () => {
      asked.resolve();
      await decided.promise;
      return next.upgrade();
    },
  });
  await asked.promise;
  socket.terminate();
  // It is known to be gone once the relay has no socket any more.
  const isAlone = async (): Promise<boolean> => {
    const { body } = await world.core.tunnel.request(undefined, "GET", "/state");
    return JSON.stringify(body).includes('"sockets":0,"spooled"');
  };
  expect(await becomes(isAlone, PATIENCE_MS)).toBe(true);
  decided.resolve();
  const { closed } = await next.first();
  expect(await closed).toBe(1006);
});

test("a client of before, whom nobody takes up, is told so after half a minute, asleep or not", async () => {
  const there = accepting(true, (message, receipt) => receipt.answer(message));
  await world.connect({ upgrade: there.upgrade });
  const socket = await world.socket();
  const closed = once(socket, "close");
  await world.disconnect();
  const orphanedAt = Date.now();
  await until(async () => (await world.faults.nextAlarm()) !== undefined);
  await evictRelay(world.edge);
  // What waits for the core for hours must not put the alarm of the client off.
  expect((await world.webhook(1)).status).toBe(200);
  const alarm = (await world.faults.nextAlarm()) ?? Number.POSITIVE_INFINITY;
  expect(alarm).toBeLessThanOrEqual(orphanedAt + LIMITS.reattachMs + 1_000);
  await world.faults.setClock(LIMITS.reattachMs + 1_000);
  await world.faults.ringAlarm();
  expect((await closed)[0]).toBe(CloseCode.restart);
  // The webhook waits on, with an alarm of its own.
  expect(await world.faults.nextAlarm()).toBeGreaterThan(Date.now());
});

test("a client that slept without a core is taken up with what its core had left", async () => {
  const there = accepting(true, (message, receipt) => receipt.answer(message));
  await world.connect({ upgrade: there.upgrade });
  const socket = await world.socket();
  (await there.first()).socket.keep("a note: ü");
  socket.send("a");
  expect(String((await once(socket, "message"))[0])).toBe("a");
  await world.disconnect();
  await until(async () => (await world.faults.nextAlarm()) !== undefined);
  await evictRelay(world.edge);
  const notes: string[] = [];
  await world.connect({
    reattach: async (_request, _caller, note) => {
      notes.push(note);
      return there.upgrade();
    },
  });
  socket.send("b");
  expect(String((await once(socket, "message"))[0])).toBe("b");
  expect(notes).toEqual(["a note: ü"]);
  socket.terminate();
});

test.each([true, false])(
  "all clients together may leave so much with the relay and no more (surviving: %s)",
  async (survives) => {
    const there = accepting(survives, () => undefined);
    await world.connect({ upgrade: there.upgrade });
    await world.faults.setLimits({ maxHeldBytes: 4 * MIB });
    const sockets = await Promise.all(Array.from({ length: 12 }, () => world.socket()));
    const closes: number[] = [];
    for (const socket of sockets) socket.on("close", (code) => closes.push(code));
    for (const socket of sockets) {
      for (let index = 0; index < 10; index += 1) socket.send(bodyOf(index, 90_000));
    }
    expect(await becomes(async () => closes.length > 0, PATIENCE_MS)).toBe(true);
    expect(new Set(closes)).toEqual(new Set([CloseCode.tryLater]));
    expect(closes.length).toBeLessThan(sockets.length);
    for (const socket of sockets) socket.terminate();
  },
);
