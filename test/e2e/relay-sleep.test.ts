import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { WebSocket } from "ws";
import { randomToken } from "../../shared/bytes.ts";
import { Secret } from "../../shared/secret.ts";
import { startEdge } from "../support/edge.ts";
import { connectCore, TOKENS } from "../support/tunnel-core.ts";

/** The runtime puts an object to sleep about ten seconds after its last event, and tells nobody. */
const LONG_ENOUGH_MS = 14_000;

test("an idle relay sleeps, and the next request, message or webhook wakes it and finds its core", async () => {
  const pairing = new Secret(randomToken());
  const lines: string[] = [];
  await using edge = await startEdge({
    bindings: { PAIRING_SECRET: pairing.reveal() },
    onLine: (line) => lines.push(line),
  });
  const count = (event: string): number => lines.filter((line) => line.includes(event)).length;
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
  const before = count("relay_awake");

  await sleep(LONG_ENOUGH_MS);
  expect(await say("two")).toBe("echo two");
  expect(count("relay_awake")).toBe(before + 1);

  await sleep(LONG_ENOUGH_MS);
  const response = await fetch(new URL("/v1/models", edge.url), { headers });
  expect([response.status, await response.text()]).toEqual([200, "hello from the core"]);
  expect(count("relay_awake")).toBe(before + 2);

  await sleep(LONG_ENOUGH_MS);
  const hook = await fetch(new URL("/hooks/agent", edge.url), {
    method: "POST",
    headers: { Authorization: `Bearer ${TOKENS.hook}` },
    body: "{}",
  });
  expect(hook.status).toBe(200);
  expect(core.deliveries).toHaveLength(1);
  expect(count("relay_awake")).toBe(before + 3);

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
