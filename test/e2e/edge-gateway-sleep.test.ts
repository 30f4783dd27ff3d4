import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { WebSocket } from "ws";
import { startEdgeWithCore } from "../support/edge-with-core.ts";
import { connectFrame, type Ending, openGatewaySocket } from "../support/gateway-socket.ts";
import { TOKENS } from "../support/tunnel-core.ts";

/** The runtime puts an object to sleep about ten seconds after its last event, and tells nobody. */
const LONG_ENOUGH_MS = 14_000;

/** So long after a core came, isolates ask for its news more often than once a minute. */
const SETTLED_MS = 31_000;

/** One stranger's try: what it was told last, or the status of the upgrade that was refused. */
async function strangerAt(url: URL, index: number): Promise<Ending | number> {
  const socket = new WebSocket(url);
  const { promise, resolve } = Promise.withResolvers<Ending | number>();
  socket.on("message", () => {
    if (index % 4 === 0) socket.send("x".repeat(100_000));
    else if (index % 4 === 1) socket.send(Buffer.alloc(1_000, index));
    else socket.send(JSON.stringify(connectFrame({ auth: { token: `wrong-${index}` } })));
  });
  socket.on("unexpected-response", (_request, response) => resolve(response.statusCode ?? 0));
  socket.on("close", (code, reason) => resolve({ code, reason: reason.toString("utf8") }));
  socket.on("error", () => undefined);
  return promise;
}

test("with clients of the gateway connected the relay sleeps, and a thousand strangers do not wake it", async () => {
  const lines: string[] = [];
  let upgrades = 0;
  await using world = await startEdgeWithCore(
    {
      upgrade: async () => {
        upgrades += 1;
        return {
          accepted: true,
          protocol: undefined,
          survives: true,
          take(socket) {
            socket.listen({
              onMessage: (message, receipt) =>
                receipt.answer(JSON.stringify({ echo: String(message).slice(0, 40) })),
              onClose: () => undefined,
            });
          },
        };
      },
    },
    { onLine: (line) => lines.push(line) },
  );
  const awake = (): number => lines.filter((line) => line.includes("relay_awake")).length;
  const url = new URL("/gateway", world.edge.url.href.replace("http", "ws"));
  const clients = await Promise.all(
    Array.from({ length: 5 }, () => openGatewaySocket(world.edge.url)),
  );
  for (const client of clients) {
    client.send(connectFrame({ auth: { token: TOKENS.operator } }));
    await client.frame({ echo: JSON.stringify(connectFrame()).slice(0, 40) });
  }
  await sleep(SETTLED_MS);
  // Asks the relay whether it is news; the next may do so a minute later.
  expect(await strangerAt(url, 2)).toMatchObject({ code: 1008 });
  const before = awake();

  await sleep(LONG_ENOUGH_MS);
  const sent = world.core.tunnel.metrics.bytes;
  const bytesBefore = { ...sent };
  const ends = await Promise.all(
    Array.from({ length: 1_000 }, (_v, index) => strangerAt(url, index)),
  );
  const said = new Set(ends.map((end) => (typeof end === "number" ? end : end.code)));
  expect([...said].every((code) => [1000, 1008, 1009, 429, 503].includes(code))).toBe(true);
  expect(said.size).toBeGreaterThan(2);
  expect(upgrades).toBe(5);
  expect(world.core.tunnel.metrics.bytes).toEqual(bytesBefore);
  expect(awake()).toBe(before);

  clients[0]?.send("still here");
  await clients[0]?.frame({ echo: "still here" });
  expect(awake()).toBe(before + 1);
  for (const client of clients) client[Symbol.dispose]();
}, 120_000);
