import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { WebSocket } from "ws";
import type { ClientSocket, Upgrade } from "../../core/tunnel/handlers.ts";
import { randomToken } from "../../shared/bytes.ts";
import { Secret } from "../../shared/secret.ts";
import { startEdge } from "../support/edge.ts";
import { connectCore, type TunnelCore, TOKENS } from "../support/tunnel-core.ts";

/** The runtime puts an object to sleep about ten seconds after its last event, and tells nobody. */
const LONG_ENOUGH_MS = 14_000;

test("a client that was re-attached is found again after its relay has slept, by either side", async () => {
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
  expect(wakes()).toBe(before + 1);
  expect(await say("three")).toBe("echo three");

  await sleep(LONG_ENOUGH_MS);
  expect(await say("four")).toBe("echo four");
  expect(wakes()).toBe(before + 2);

  await sleep(LONG_ENOUGH_MS);
  await second[Symbol.asyncDispose]();
  await using third = await start();
  expect(third.tunnel.state.connected).toBe(true);
  expect(await say("five")).toBe("echo five");
  expect(kept).toEqual(["a note", "a note"]);
  client.terminate();
}, 120_000);
