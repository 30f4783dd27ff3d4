import { expect, inject, test } from "vitest";
import { BareEdge } from "../support/bare-edge.ts";
import { becomes } from "../support/invariants.ts";
import { aBundle, connectCore } from "../support/tunnel-core.ts";
import { LaneDesk, LaneSender, sendLanes } from "../support/webhook-senders/lanes.ts";

const LANES = 16;
const PATIENCE_MS = 40_000;

test("a runtime that is killed while it keeps webhooks has each it has answered for", async () => {
  await using edge = await BareEdge.start(inject("edgeBundle"));
  const sender = new LaneSender(LANES);
  const routes = await aBundle({ routes: [sender.route] });
  const desk = new LaneDesk();
  const options = {
    edge: edge.url,
    pairing: edge.pairing,
    shelf: new Map<string, string>(),
    bundle: () => routes,
    deliver: desk.deliver,
  };
  await (await connectCore(options))[Symbol.asyncDispose]();

  const over = new AbortController();
  const load = { perLane: Number.POSITIVE_INFINITY, until: over.signal };
  const sending = sendLanes(sender, edge.url, load);
  let kept = 0;
  for (const kill of [1, 2, 3]) {
    // Under way: some are answered, some are written, some have only just come.
    const more = async (): Promise<boolean> => (await edge.core()).spooled >= kept + 5 * LANES;
    expect([kill, await becomes(more, PATIENCE_MS)]).toEqual([kill, true]);
    ({ spooled: kept } = await edge.core());
    await edge.killAndStart();
  }
  over.abort();
  const { acknowledged, refused } = await sending;
  expect(refused).toBeGreaterThan(0);

  await using core = await connectCore(options);
  expect(await becomes(async () => (await edge.core()).spooled === 0, PATIENCE_MS)).toBe(true);
  expect(core.tunnel.state.connected).toBe(true);
  // Each was sent until it was acknowledged: there is none that may be missing, and none too many.
  expect(desk.done).toBe(acknowledged);
  expect(desk.disorder).toEqual([]);
});
