/** Clients that are gone and have told nobody, and a crowd that comes back at once. */
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { WebSocket } from "ws";
import type { ClientSocket } from "../../../core/tunnel/handlers.ts";
import { LIMITS } from "../../../shared/limits.ts";
import { startFaultProxy } from "../../support/fault-proxy.ts";
import { bodyOf, strayIn } from "../../support/invariants.ts";
import { aBundle, TOKENS } from "../../support/tunnel-core.ts";
import { echoSocket, startWorld, type World } from "./world.ts";
import { eventually, until } from "../../support/until.ts";

test("failure 52: clients whose path is dead take up their places, until the core has something for them", async () => {
  const served: ClientSocket[] = [];
  let left = 0;
  await using world = await startWorld({
    upgrade: async () => ({
      accepted: true,
      protocol: undefined,
      survives: true,
      take(socket) {
        served.push(socket);
        socket.listen({
          onMessage: (message, receipt) => receipt.answer(message),
          onClose: () => {
            left += 1;
          },
        });
      },
    }),
  });
  await world.faults.setLimits({ maxSockets: 2 });
  await using path = await startFaultProxy({ target: Number(world.edge.url.port) });
  const url = `ws://127.0.0.1:${path.port}/gateway`;
  const headers = { Authorization: `Bearer ${TOKENS.operator}` };
  for (let count = 0; count < 2; count += 1) {
    const ghost = new WebSocket(url, { headers });
    ghost.on("error", () => undefined);
    await once(ghost, "open");
    ghost.send("here");
    await once(ghost, "message");
    if (count === 1) path.stall();
    ghost.terminate();
    if (count === 0) await until(() => left === 1);
  }
  // The second left on a path that is dead by now: nobody knows of it, and nobody is woken for it.
  expect((await world.relayState()).sockets).toBe(1);
  const held = await world.socket();
  await expect(world.socket()).rejects.toThrow("503");

  // What is sent to it goes as far as the path takes it, and waits; not for long.
  const ghost = served[1];
  const message = bodyOf(52, 256 * 1024);
  for (let sent = 0; sent < 64 * 1024 * 1024; sent += message.byteLength) ghost?.send(message);
  await until(async () => (await world.relayState()).bufferedBytes > 0);
  await world.faults.setClock(LIMITS.slowClientMs + 1_000);
  await until(() => left === 2);
  await world.faults.setClock(0);
  const next = await world.socket();
  next.send("there is room");
  expect(String((await once(next, "message"))[0])).toBe("there is room");
  for (const socket of [held, next]) socket.terminate();
  await world.settled();
});

const CROWD = 300;

/** A client as they are: it tries again, a little later each time, until it is let in. */
async function persistent(world: World, refusals: number[]): Promise<WebSocket> {
  const url = new URL("/gateway", world.edge.url);
  url.protocol = "ws:";
  for (let attempt = 1; ; attempt += 1) {
    const headers = { Authorization: `Bearer ${TOKENS.operator}` };
    const socket = new WebSocket(url, { headers });
    const refused = Promise.withResolvers<number>();
    socket.on("error", () => refused.resolve(0));
    socket.on("unexpected-response", (_request, response) => {
      response.resume();
      refused.resolve(response.statusCode ?? 0);
    });
    const status = await Promise.race([once(socket, "open").then(() => 101), refused.promise]);
    if (status === 101) return socket;
    refusals.push(status);
    await sleep(Math.random() * 100 * attempt);
  }
}

async function echoes(socket: WebSocket, seed: number): Promise<string | undefined> {
  const heard = once(socket, "message");
  socket.send(bodyOf(seed, 2_000));
  const [data] = await heard;
  return strayIn(data, seed, 2_000);
}

test.each([
  ["survive the core", true],
  ["have to come back", false],
])(
  `failure 37: after a restart all of ${CROWD} clients that %s are served, and the relay keeps nothing`,
  async (_name, survives) => {
    const bundle = await aBundle();
    await using world = await startWorld({
      bundle: () => bundle,
      upgrade: async () => ({ ...echoSocket(), survives }),
    });
    const refusals: number[] = [];
    const seeds = Array.from({ length: CROWD }, (_v, index) => index + 1);
    let sockets = await Promise.all(seeds.map(() => persistent(world, refusals)));
    const gone = sockets.map((socket) => once(socket, "close").then(([code]) => code));
    await world.disconnect();
    if (!survives) {
      // All are told at once, and all of them dial while there is no core.
      expect(new Set(await Promise.all(gone))).toEqual(new Set([1012]));
      const again = Promise.all(seeds.map(() => persistent(world, refusals)));
      await world.connect();
      sockets = await again;
    } else {
      const waiting = Promise.all(
        sockets.map((socket, index) => echoes(socket, seeds[index] ?? 0)),
      );
      await world.connect();
      expect(new Set(await waiting)).toEqual(new Set([undefined]));
    }
    const heard = await Promise.all(sockets.map((socket, index) => echoes(socket, index)));
    expect(new Set(heard)).toEqual(new Set([undefined]));
    // Refused, if at all, with the word to come again.
    expect(refusals.filter((status) => status !== 503 && status !== 429)).toEqual([]);
    await eventually(async () => {
      expect(await world.relayState()).toMatchObject({ sockets: CROWD, bufferedBytes: 0 });
    });
    for (const socket of sockets) socket.terminate();
    await world.settled();
  },
);
