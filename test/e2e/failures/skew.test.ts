/** A deploy under way: Worker and relay are not of one version. */
import { once } from "node:events";
import { expect, test } from "vitest";
import { bundleSkewedEdge, callRelay, setSkew, type Skew } from "../../support/evict-skew.ts";
import { evictRelay } from "../../support/evict.ts";
import { startWorld } from "./world.ts";

test.each<[string, Skew]>([
  ["a Worker of the version before", "older-worker"],
  ["a Worker of the version after", "newer-worker"],
  ["a relay of the version before", "older-relay"],
])("failure 16: with %s everything works that both know", async (_name, skew) => {
  const scriptPath = await bundleSkewedEdge();
  await using world = await startWorld({ connect: false, scriptPath });
  await setSkew(world.edge, skew);
  await world.connect();
  expect(await world.echo(1, 300_000)).toBeUndefined();
  expect((await world.webhook(1)).status).toBe(200);
  const answer = await world.call("/v1/models");
  expect(answer.headers.get("Server-Timing")).not.toContain("NaN");
  const socket = await world.socket();
  socket.send("hello");
  expect(String((await once(socket, "message"))[0])).toBe("hello");
  expect((await world.health()).connected).toBe(true);

  // The deploy ends under it, and the relay comes with a memory of its own.
  await setSkew(world.edge, "none");
  await evictRelay(world.edge);
  socket.send("still here");
  expect(String((await once(socket, "message"))[0])).toBe("still here");
  expect(await world.echo(2, 300_000)).toBeUndefined();
  socket.terminate();
  await world.log.counted("core_connected", 1);
  await world.settled();
});

test("failure 16: a call that a relay does not know fails, and harms nothing", async () => {
  const scriptPath = await bundleSkewedEdge();
  await using world = await startWorld({ scriptPath });
  for (const call of [{ v: 1, kind: "of tomorrow" }, { v: 2, kind: "http" }, { v: 1 }]) {
    expect(await callRelay(world.edge, call)).toContain("not a call this relay understands");
  }
  expect(await world.echo(1, 1_000)).toBeUndefined();
  await world.log.counted("core_connected", 1);
  await world.settled("not a call this relay understands");
});
