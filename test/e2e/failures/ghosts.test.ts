/** Clients that are gone and have told nobody, and a crowd that was never let in. */
import { once } from "node:events";
import { expect, test, vi } from "vitest";
import { WebSocket } from "ws";
import type { ClientSocket } from "../../../core/tunnel/handlers.ts";
import { randomToken } from "../../../shared/bytes.ts";
import { LIMITS } from "../../../shared/limits.ts";
import { evictRelay } from "../../support/evict.ts";
import { startFaultProxy } from "../../support/fault-proxy.ts";
import { bodyOf } from "../../support/invariants.ts";
import { TOKENS } from "../../support/tunnel-core.ts";
import { pipeline } from "./pipeline.ts";
import { startWorld } from "./world.ts";

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
    if (count === 0) await vi.waitUntil(() => left === 1);
  }
  // The second left on a path that is dead by now: nobody knows of it, and nobody is woken for it.
  expect((await world.relayState()).sockets).toBe(1);
  const held = await world.socket();
  await expect(world.socket()).rejects.toThrow("503");

  // What is sent to it goes as far as the path takes it, and waits; not for long.
  const ghost = served[1];
  const message = bodyOf(52, 256 * 1024);
  for (let sent = 0; sent < 64 * 1024 * 1024; sent += message.byteLength) ghost?.send(message);
  await vi.waitUntil(async () => (await world.relayState()).bufferedBytes > 0);
  await world.faults.setClock(LIMITS.slowClientMs + 1_000);
  await vi.waitUntil(() => left === 2, { timeout: 20_000 });
  await world.faults.setClock(0);
  const next = await world.socket();
  next.send("there is room");
  expect(String((await once(next, "message"))[0])).toBe("there is room");
  for (const socket of [held, next]) socket.terminate();
  await world.settled();
});

const FLOOD = 10_000;
const CONNECTIONS = 20;

/** With a wrong token and with none, as a page, an API and a webhook. */
function stranger(number: number): string {
  const line = ["GET /v1/models", "GET /", "POST /hooks/agent"][number % 3] ?? "";
  const token = number % 2 === 0 ? `Authorization: Bearer ${randomToken()}\r\n` : "";
  const length = line.startsWith("POST") ? "Content-Length: 0\r\n" : "";
  return `${line} HTTP/1.1\r\nHost: edge\r\n${token}${length}\r\n`;
}

test(`failure 41: ${FLOOD} requests without a good token wake the relay once at the most`, async () => {
  const asked: string[] = [];
  await using world = await startWorld({
    fetch: async (request) => {
      asked.push(new URL(request.url).pathname);
      return new Response(await request.bytes());
    },
  });
  await world.reachable();
  asked.length = 0;
  await evictRelay(world.edge);
  const before = world.log.count("relay_awake");
  const each = FLOOD / CONNECTIONS;
  const statuses = await Promise.all(
    Array.from({ length: CONNECTIONS }, () =>
      pipeline(
        world.edge.url,
        Array.from({ length: each }, (_v, number) => stranger(number)),
      ),
    ),
  );
  expect(statuses.flat()).toHaveLength(FLOOD);
  expect(new Set(statuses.flat()).difference(new Set([401, 429]))).toEqual(new Set());
  expect(world.log.count("relay_awake") - before).toBeLessThanOrEqual(1);
  expect(asked).toEqual([]);
  await world.settled();
});
