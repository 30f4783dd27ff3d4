/** An edge that is found elsewhere. */
import dns from "node:dns";
import { expect, onTestFinished, test } from "vitest";
import { startFaultProxy } from "../../support/fault-proxy.ts";
import { startWorld } from "./world.ts";

test("failure 10: an edge whose name leads to another address is dialled there", async () => {
  let address = "127.0.0.1";
  let asked = 0;
  const { lookup } = dns;
  // Stands for the resolver of the machine; typed as the one of its shapes that `net` calls.
  Reflect.set(
    dns,
    "lookup",
    (
      name: string,
      options: dns.LookupAllOptions,
      done: (error: Error | null, found: dns.LookupAddress[]) => void,
    ) => {
      if (name !== "edge.test") return lookup(name, options, done);
      asked += 1;
      return done(null, [{ address, family: 4 }]);
    },
  );
  onTestFinished(() => void Reflect.set(dns, "lookup", lookup));
  await using world = await startWorld({ connect: false });
  await using moved = await startFaultProxy({
    target: Number(world.edge.url.port),
    host: "127.0.0.2",
    port: world.proxy.port,
  });
  await world.connect({ settings: { edge: new URL(`http://edge.test:${world.proxy.port}/`) } });
  expect(await world.echo(1, 1_000)).toBeUndefined();
  expect([world.proxy.open, moved.open]).toEqual([1, 0]);

  address = "127.0.0.2";
  world.proxy.plan = () => ({ refuse: true });
  world.proxy.sever("reset");
  await world.reachable();
  expect([world.proxy.open, moved.open]).toEqual([0, 1]);
  expect(asked).toBeGreaterThan(1);
  await world.settled();
});
