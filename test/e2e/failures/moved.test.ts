/** Everything the edge held in memory is gone: evicted, or deployed anew. */
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, inject, onTestFinished, test } from "vitest";
import { randomToken } from "../../../shared/bytes.ts";
import { GatewayError } from "../../../shared/errors.ts";
import { Secret } from "../../../shared/secret.ts";
import { callEdge } from "../../support/edge-with-core.ts";
import { startEdge } from "../../support/edge.ts";
import { bundleFaultyEdge, evictRelay } from "../../support/evict.ts";
import { startFaultProxy } from "../../support/fault-proxy.ts";
import { becomes, Ledger } from "../../support/invariants.ts";
import { connectCore, TOKENS } from "../../support/tunnel-core.ts";
import { echoSocket, startWorld } from "./world.ts";
import { until } from "../../support/until.ts";

test("failure 12: a relay that is evicted with its sockets closed has its core back before anybody is refused", async () => {
  const left: number[] = [];
  await using world = await startWorld({
    upgrade: () => Promise.resolve(echoSocket((code) => left.push(code))),
  });
  const sockets = [await world.socket(), await world.socket()];
  const closed = sockets.map((socket) => once(socket, "close"));
  await evictRelay(world.edge, "close");
  // Asked before anything could have come back: they wait for the core, and for nothing else.
  const answers = Array.from({ length: 10 }, (_v, seed) => world.echo(seed, 10_000));
  const webhooks = [1, 2, 3].map((number) => world.webhook(number, number));
  expect(new Set(await Promise.all(answers))).toEqual(new Set([undefined]));
  expect((await Promise.all(webhooks)).map(({ status }) => status)).toEqual([200, 200, 200]);
  // The clients were told, and so was the core; whoever comes back is let in.
  await Promise.all(closed);
  await until(() => left.length >= sockets.length);
  expect(left).toHaveLength(sockets.length);
  const again = await world.socket();
  again.send("here again");
  expect(String((await once(again, "message"))[0])).toBe("here again");
  again.terminate();
  await world.log.counted("core_connected", 2);
  await world.settled();
});

function webhook(edge: URL, id: string): Promise<Response> {
  return callEdge(edge, "/hooks/agent", {
    method: "POST",
    token: TOKENS.hook,
    headers: { "Idempotency-Key": id },
    body: "{}",
  });
}

test("failure 15: a deploy of another version on the same storage keeps keys, bundle and webhooks", async () => {
  const storageDir = await mkdtemp(join(tmpdir(), "sallyport-deploy-"));
  onTestFinished(() => rm(storageDir, { recursive: true, force: true }));
  const pairing = new Secret(randomToken());
  const ledger = new Ledger();
  let ready = false;
  const before = await startEdge({
    storageDir,
    scriptPath: inject("edgeBundle"),
    bindings: { PAIRING_SECRET: pairing.reveal() },
  });
  await using proxy = await startFaultProxy({ target: Number(before.url.port) });
  await using core = await connectCore({
    edge: new URL(`http://127.0.0.1:${proxy.port}/`),
    pairing,
    deliver: async ({ id }) => {
      if (!ready) throw new GatewayError("overloaded", "not now", { retryAfterMs: 0 });
      return ledger.commit(id);
    },
  });
  for (const id of ["1", "2"]) expect((await webhook(before.url, id)).status).toBe(200);
  await before[Symbol.asyncDispose]();
  ready = true;

  // No pairing secret: who is not known to the storage cannot become known.
  await using after = await startEdge({ storageDir, scriptPath: await bundleFaultyEdge() });
  proxy.target = Number(after.url.port);
  // It dials again by itself, later each time while there is no edge.
  const isServed = async (): Promise<boolean> =>
    (await callEdge(after.url, "/a", { token: TOKENS.operator })).status === 200;
  expect(await becomes(isServed, 30_000)).toBe(true);
  expect((await webhook(after.url, "3")).status).toBe(200);
  await core.delivered(3);
  expect(ledger.order.toSorted()).toEqual(["agent:1", "agent:2", "agent:3"]);
});
