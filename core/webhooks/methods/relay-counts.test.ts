import { expect, onTestFinished, test } from "vitest";
import { Secret } from "../../../shared/secret.ts";
import { startFakeEdge } from "../../../test/support/fake-edge.ts";
import { connectCore } from "../../../test/support/tunnel-core.ts";
import { freshCounts, lastCounts } from "./relay-counts.ts";

/** A core at a relay that answers `GET /state` so. */
async function world(answer: () => { status: number; body?: string }) {
  const edge = await startFakeEdge();
  onTestFinished(() => edge[Symbol.asyncDispose]());
  edge.onAsked = ({ path }) => (path === "/state" ? answer() : { status: 204 });
  const pairing = new Secret("unused");
  const core = await connectCore({ edge: edge.url, pairing, settings: { pairing: undefined } });
  onTestFinished(() => core[Symbol.asyncDispose]());
  await edge.link(1);
  const [relay] = core.tunnel.relays;
  if (relay === undefined) throw new Error("no relay");
  return { tunnel: core.tunnel, relay: relay.name };
}

test("a relay that is asked tells what it has turned away until now", async () => {
  let stale = 0;
  const { tunnel, relay } = await world(() => {
    stale += 1;
    return {
      status: 200,
      body: JSON.stringify({ webhooks: { refused: { "github stale": stale } } }),
    };
  });
  expect(lastCounts(tunnel).get(relay)).toBeUndefined();
  const first = await freshCounts(tunnel);
  expect(first.silent).toEqual([]);
  expect(first.counts.get(relay)?.refused).toEqual({ "github stale": 1 });
  expect((await freshCounts(tunnel)).counts.get(relay)?.refused).toEqual({ "github stale": 2 });
});

test("a relay that does not say is named", async () => {
  const { tunnel, relay } = await world(() => ({ status: 500 }));
  expect(await freshCounts(tunnel)).toEqual({ counts: new Map(), silent: [relay] });
});

test("without an edge there is nobody to ask", async () => {
  expect(await freshCounts(undefined)).toEqual({ counts: new Map(), silent: [] });
});
