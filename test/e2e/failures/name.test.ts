/** An edge that is found elsewhere, and somebody else in its place. */
import dns from "node:dns";
import { expect, onTestFinished, test } from "vitest";
import { randomToken } from "../../../shared/bytes.ts";
import { Secret } from "../../../shared/secret.ts";
import { callEdge } from "../../support/edge-with-core.ts";
import { startEdge } from "../../support/edge.ts";
import { startFaultProxy } from "../../support/fault-proxy.ts";
import { connectCore, TOKENS } from "../../support/tunnel-core.ts";
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

test("failure 60: an edge that answers under our edge's address with another key gets nothing", async () => {
  const pairing = new Secret(randomToken());
  const bindings = { PAIRING_SECRET: pairing.reveal() };
  await using edge = await startEdge({ bindings });
  await using other = await startEdge({ bindings });
  await using proxy = await startFaultProxy({ target: Number(edge.url.port) });
  const shelf = new Map<string, string>();
  const asked: string[] = [];
  const fetch = async (request: Request): Promise<Response> => {
    asked.push(new URL(request.url).pathname);
    return new Response();
  };
  {
    // The other one knows the key of our core, too.
    await using known = await connectCore({ edge: other.url, pairing, shelf, fetch });
    expect(known.tunnel.state.connected).toBe(true);
  }
  const url = new URL(`http://127.0.0.1:${proxy.port}/`);
  await using core = await connectCore({ edge: url, pairing, shelf, fetch });
  expect((await callEdge(edge.url, "/ours", { token: TOKENS.operator })).status).toBe(200);
  proxy.target = Number(other.url.port);
  proxy.sever("reset");
  await core.logged("edge's key is not the one we know");
  expect(core.tunnel.state.connected).toBe(false);
  const answer = await callEdge(other.url, "/theirs", { token: TOKENS.operator });
  // Refused, or lost with the connection that has just been ended.
  expect([502, 503]).toContain(answer.status);
  expect(asked).toEqual(["/ours"]);
});
