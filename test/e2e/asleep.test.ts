/**
 * What a relay does after quiet seconds, real ones: the runtime lets nobody set its clock for this.
 * Side by side, as most of it is waiting.
 */
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { WebSocket } from "ws";
import type { ClientSocket, Upgrade } from "../../core/tunnel/handlers.ts";
import { randomToken } from "../../shared/bytes.ts";
import { Secret } from "../../shared/secret.ts";
import { startEdgeWithCore } from "../support/edge-with-core.ts";
import { startEdge } from "../support/edge.ts";
import { connectFrame, type Ending, openGatewaySocket } from "../support/gateway-socket.ts";
import { connectCore, type TunnelCore, TOKENS } from "../support/tunnel-core.ts";
import { until } from "../support/until.ts";

/** The runtime puts an object to sleep about ten seconds after its last event, and tells nobody. */
const LONG_ENOUGH_MS = 14_000;

test.concurrent("an idle relay sleeps, and the next request, message or webhook wakes it and finds its core", async () => {
  const pairing = new Secret(randomToken());
  const lines: string[] = [];
  await using edge = await startEdge({
    bindings: { PAIRING_SECRET: pairing.reveal() },
    onLine: (line) => lines.push(line),
  });
  const count = (event: string): number => lines.filter((line) => line.includes(event)).length;
  /** How often it woke, once that is more often than before: the log has a way of its own. */
  const awakeAfter = (before: number): Promise<number> =>
    until(() => count("relay_awake") > before && count("relay_awake"));
  await using core = await connectCore({
    edge: edge.url,
    pairing,
    upgrade: async () => ({
      accepted: true,
      protocol: undefined,
      survives: false,
      take(socket) {
        socket.listen({
          onMessage: (message, receipt) => receipt.answer(`echo ${String(message)}`),
          onClose: () => undefined,
        });
      },
    }),
  });
  const headers = { Authorization: `Bearer ${TOKENS.operator}` };
  const client = new WebSocket(new URL("/gateway", edge.url.href.replace("http", "ws")), {
    headers,
  });
  await once(client, "open");
  const say = async (text: string): Promise<string> => {
    client.send(text);
    const [data] = await once(client, "message");
    return String(data);
  };
  expect(await say("one")).toBe("echo one");
  const before = await awakeAfter(0);

  await sleep(LONG_ENOUGH_MS);
  expect(await say("two")).toBe("echo two");
  expect(await awakeAfter(before)).toBe(before + 1);

  await sleep(LONG_ENOUGH_MS);
  const response = await fetch(new URL("/v1/models", edge.url), { headers });
  expect([response.status, await response.text()]).toEqual([200, "hello from the core"]);
  expect(await awakeAfter(before + 1)).toBe(before + 2);

  await sleep(LONG_ENOUGH_MS);
  const hook = await fetch(new URL("/hooks/agent", edge.url), {
    method: "POST",
    headers: { Authorization: `Bearer ${TOKENS.hook}` },
    body: "{}",
  });
  expect(hook.status).toBe(200);
  expect(core.deliveries).toHaveLength(1);
  expect(await awakeAfter(before + 2)).toBe(before + 3);

  await sleep(LONG_ENOUGH_MS);
  const flood = Array.from({ length: 1_000 }, async (_v, index) => {
    const wrong = { Authorization: `Bearer wrong-${index}` };
    return (await fetch(new URL("/v1/models", edge.url), { headers: wrong })).status;
  });
  const statuses = new Set(await Promise.all(flood));
  expect([statuses.has(401), statuses.has(200)]).toEqual([true, false]);
  // Once at the most, to see whether the first of those tokens is a new one.
  expect(count("relay_awake")).toBeLessThanOrEqual(before + 4);

  // All on the one connection of the beginning, with the socket still open.
  expect(count("core_connected")).toBe(1);
  expect(await say("three")).toBe("echo three");
  client.terminate();
}, 120_000);

test.concurrent("a client that was re-attached is found again after its relay has slept, by either side", async () => {
  const pairing = new Secret(randomToken());
  const lines: string[] = [];
  await using edge = await startEdge({
    bindings: { PAIRING_SECRET: pairing.reveal() },
    onLine: (line) => lines.push(line),
  });
  const wakes = (): number => lines.filter((line) => line.includes("relay_awake")).length;
  const shelf = new Map<string, string>();
  const kept: string[] = [];
  let atCore: ClientSocket | undefined;
  const take = async (): Promise<Upgrade> => ({
    accepted: true,
    protocol: undefined,
    survives: true,
    take(socket) {
      atCore = socket;
      socket.keep("a note");
      socket.listen({
        onMessage: (message, receipt) => receipt.answer(`echo ${String(message)}`),
        onClose: () => undefined,
      });
    },
  });
  const start = (): Promise<TunnelCore> =>
    connectCore({
      edge: edge.url,
      pairing,
      shelf,
      upgrade: take,
      reattach: async (_request, _caller, note) => {
        kept.push(note);
        return take();
      },
    });
  const first = await start();
  const client = new WebSocket(new URL("/gateway", edge.url.href.replace("http", "ws")), {
    headers: { Authorization: `Bearer ${TOKENS.operator}` },
  });
  await once(client, "open");
  const heard = async (): Promise<string> => String((await once(client, "message"))[0]);
  const say = (text: string): Promise<string> => {
    client.send(text);
    return heard();
  };
  expect(await say("one")).toBe("echo one");
  await first[Symbol.asyncDispose]();
  const second = await start();
  expect(await say("two")).toBe("echo two");

  await sleep(LONG_ENOUGH_MS);
  const before = wakes();
  const pushed = heard();
  atCore?.send("are you there?");
  expect(await pushed).toBe("are you there?");
  await until(() => wakes() > before);
  expect(wakes()).toBe(before + 1);
  expect(await say("three")).toBe("echo three");

  await sleep(LONG_ENOUGH_MS);
  expect(await say("four")).toBe("echo four");
  await until(() => wakes() > before + 1);
  expect(wakes()).toBe(before + 2);

  await sleep(LONG_ENOUGH_MS);
  await second[Symbol.asyncDispose]();
  await using third = await start();
  expect(third.tunnel.state.connected).toBe(true);
  expect(await say("five")).toBe("echo five");
  expect(kept).toEqual(["a note", "a note"]);
  client.terminate();
}, 120_000);

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

test.concurrent("with clients of the gateway connected the relay sleeps, and a thousand strangers do not wake it", async () => {
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
  await until(() => awake() > before);
  expect(awake()).toBe(before + 1);
  for (const client of clients) client[Symbol.dispose]();
}, 120_000);
