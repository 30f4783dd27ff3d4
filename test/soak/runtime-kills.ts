import { setTimeout as sleep } from "node:timers/promises";
import { BareEdge } from "../support/bare-edge.ts";
import { becomes } from "../support/invariants.ts";
import { Random } from "../support/random.ts";
import { aBundle, connectCore } from "../support/tunnel-core.ts";
import { LaneDesk, LaneSender, sendLanes } from "../support/webhook-senders/lanes.ts";
import { type Budget, type Outcome, violation } from "./scenario.ts";

const LANES = 32;
/** A core that lost its edge often waits up to 15 s before it dials again. */
const DRAIN_MS = 90_000;

/**
 * The edge's runtime, killed at random moments with a core that comes and goes: every webhook that
 * was answered 2xx is on its disk and reaches the core, in the order of its lane.
 */
export async function killRuntimes({ seconds, seed }: Budget): Promise<Outcome> {
  await using parts = new AsyncDisposableStack();
  const edge = parts.use(await BareEdge.start());
  const sender = new LaneSender(LANES);
  const bundle = await aBundle({ routes: [sender.route] });
  const desk = new LaneDesk();
  const random = new Random(seed);
  const shelf = new Map<string, string>();
  const connect = () =>
    connectCore({
      edge: edge.url,
      pairing: edge.pairing,
      shelf,
      bundle: () => bundle,
      // Busy now and then for longer than the relay waits: then the webhook is in the spool.
      deliver: async (delivery) => {
        if (random.once(200)) await sleep(3_000);
        return desk.deliver(delivery);
      },
    });
  let core = await connect();
  parts.defer(() => core[Symbol.asyncDispose]());

  let kills = 0;
  const over = new AbortController();
  const killing = (async () => {
    while (!over.signal.aborted) {
      await sleep(random.between(500, 3_000));
      await edge.killAndStart();
      kills += 1;
      if (!random.once(3)) continue;
      await core[Symbol.asyncDispose]();
      // Long enough for some to be kept and for the runtime to be killed over them.
      await sleep(random.between(0, 1_000));
      if (random.once(2)) await edge.killAndStart();
      core = await connect();
    }
  })();
  const load = { perLane: Number.POSITIVE_INFINITY, until: over.signal };
  const sending = sendLanes(sender, edge.url, load);
  await sleep(seconds * 1_000);
  over.abort();
  const [{ acknowledged, refused }] = await Promise.all([sending, killing]);
  const drained = await becomes(async () => {
    const { connected, spooled } = await edge.core();
    return connected && spooled === 0;
  }, DRAIN_MS);
  const { done, duplicates, disorder } = desk;
  return {
    counts: { acknowledged, refused, kills, executed: done, duplicates },
    violations: [
      ...(drained ? [] : ["the relay still has webhooks"]),
      // Each was sent until it was acknowledged: there is none that may be missing.
      ...(done === acknowledged ? [] : [`${acknowledged} acknowledged, ${done} executed`]),
      ...violation("out of order", disorder),
    ],
  };
}
