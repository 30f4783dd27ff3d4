import { aBundle, connectCore } from "../support/tunnel-core.ts";
import { BareEdge } from "../support/bare-edge.ts";
import { becomes } from "../support/invariants.ts";
import { LaneDesk, LaneSender, sendLanes } from "../support/webhook-senders/lanes.ts";
import { memoryOf } from "../bench/processes/memory.ts";
import { type Budget, type Outcome, violation } from "./scenario.ts";

/** So many for each second of the budget: in five minutes those of an hour of fifty a second. */
const WEBHOOKS_PER_SECOND = 600;
const LANES = 1_000;
const AT_ONCE = 32;
const DRAIN_MS = 900_000;
/** Most senders give up after ten seconds, some after three. */
const MAX_WAKE_MS = 3_000;

/**
 * A core that is away while webhooks come, as fast as the edge takes them, an edge that then starts
 * anew, and the core back: all of them are delivered, each once, and in the order of its lane.
 */
export async function outlastOutage({ seconds }: Budget): Promise<Outcome> {
  await using parts = new AsyncDisposableStack();
  const edge = parts.use(await BareEdge.start());
  const sender = new LaneSender(LANES);
  const bundle = await aBundle({ routes: [sender.route] });
  const desk = new LaneDesk();
  const options = {
    edge: edge.url,
    pairing: edge.pairing,
    shelf: new Map<string, string>(),
    bundle: () => bundle,
    deliver: desk.deliver,
  };
  await (await connectCore(options))[Symbol.asyncDispose]();

  const perLane = Math.max(1, Math.round((seconds * WEBHOOKS_PER_SECOND) / LANES));
  const count = perLane * LANES;
  const empty = await memoryOf(edge.pid);
  const run = await sendLanes(sender, edge.url, { perLane, atOnce: AT_ONCE });
  const full = await memoryOf(edge.pid);
  // The relay reads anew what it keeps, as after a sleep: nobody may have to wait long for that.
  await edge.killAndStart();
  const wokenAt = performance.now();
  const { spooled } = await edge.core();
  const wakeMs = performance.now() - wokenAt;
  const woken = await memoryOf(edge.pid);

  const backAt = performance.now();
  parts.use(await connectCore(options));
  const dialledAt = performance.now();
  const drained = await becomes(async () => desk.done >= count, DRAIN_MS);
  const drainSeconds = (performance.now() - backAt) / 1_000;
  const emptied = await becomes(async () => (await edge.core()).spooled === 0, DRAIN_MS);
  const { peakMiB } = await memoryOf(edge.pid);
  return {
    counts: {
      sent: run.acknowledged,
      refused: run.refused,
      intoSpoolPerSecond: Math.round(run.acknowledged / run.seconds),
      spooled,
      connectSeconds: Math.round((dialledAt - backAt) / 100) / 10,
      drainSeconds: Math.round(drainSeconds),
      outOfSpoolPerSecond: Math.round(desk.done / drainSeconds),
      executed: desk.done,
      duplicates: desk.duplicates,
      wakeMs: Math.round(wakeMs),
      edgeMiBEmpty: Math.round(empty.rssMiB),
      edgeMiBFull: Math.round(full.rssMiB),
      edgeMiBWoken: Math.round(woken.rssMiB),
      edgeMiBPeak: Math.round(peakMiB),
    },
    violations: [
      ...(spooled === count ? [] : [`${spooled} in the spool of ${count}`]),
      ...(drained && emptied ? [] : ["the relay still has webhooks"]),
      ...(desk.done === count ? [] : [`${desk.done} executed of ${count}`]),
      ...(wakeMs < MAX_WAKE_MS
        ? []
        : [`it took ${Math.round(wakeMs)} ms to wake with all of them`]),
      ...(desk.maxAttempts === 0 ? [] : [`tried ${desk.maxAttempts} times while nobody was there`]),
      ...violation("out of order", desk.disorder),
    ],
  };
}
