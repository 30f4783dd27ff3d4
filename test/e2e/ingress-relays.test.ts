/** Two relays that both get the same webhook: it is done once. */
import { beforeAll, expect, test } from "vitest";
import { randomToken } from "../../shared/bytes.ts";
import { Secret } from "../../shared/secret.ts";
import { type RunningEdge, startEdge } from "../support/edge.ts";
import { becomes } from "../support/invariants.ts";
import { bundleMoodyEdge, moodsOf } from "../support/moody-relays.ts";
import { aBundle, connectCore, type TunnelCore } from "../support/tunnel-core.ts";
import { LaneDesk, LaneSender, sendLanes } from "../support/webhook-senders/lanes.ts";

const PATIENCE_MS = 20_000;
const [PRIMARY, STANDBY] = ["weur:1", "enam:1"] as const;

let scriptPath: string;

beforeAll(async () => {
  scriptPath = await bundleMoodyEdge();
});

async function startEdges(): Promise<{ edge: RunningEdge; pairing: Secret }> {
  const pairing = new Secret(randomToken());
  const bindings = { PAIRING_SECRET: pairing.reveal(), RELAYS: `${PRIMARY},${STANDBY}` };
  return { edge: await startEdge({ scriptPath, bindings, rateLimits: false }), pairing };
}

/** Resolves once both relays have the routes. */
async function published({ log }: TunnelCore): Promise<void> {
  const told = (): string[] => log.filter((line) => line.includes("edge has our routes"));
  expect(await becomes(async () => told().length >= 2, PATIENCE_MS)).toBe(true);
}

test("a sender that tries again meets the other relay: both keep it, and the core does it once", async () => {
  const { edge, pairing } = await startEdges();
  await using stack = new AsyncDisposableStack();
  stack.use(edge);
  const sender = new LaneSender(1);
  const routes = await aBundle({ routes: [sender.route] });
  const desk = new LaneDesk();
  const shelf = new Map<string, string>();
  const options = { edge: edge.url, pairing, shelf, bundle: () => routes, deliver: desk.deliver };
  const first = await connectCore(options);
  await published(first);
  await first[Symbol.asyncDispose]();

  const { headers, body } = sender.hook(0, 0);
  const post = () => fetch(new URL(sender.path, edge.url), { method: "POST", headers, body });
  const moods = moodsOf(edge);
  await moods.calls();
  expect((await post()).status).toBe(200);
  await moods.set(PRIMARY, "throws", "deliver");
  expect((await post()).status).toBe(200);
  const calls = (await moods.calls()).filter((call) => call.endsWith("deliver"));
  expect(new Set(calls)).toEqual(new Set([`${PRIMARY} deliver`, `${STANDBY} deliver`]));

  await moods.set(PRIMARY, "well");
  await using core = await connectCore(options);
  await core.delivered(2);
  expect(core.deliveries.map(({ id }) => id)).toEqual([sender.hook(0, 0).id, sender.hook(0, 0).id]);
  expect([desk.done, desk.duplicates]).toEqual([1, 1]);
});

test("the primary goes and comes while webhooks are sent: each is done once", async () => {
  const { edge, pairing } = await startEdges();
  await using stack = new AsyncDisposableStack();
  stack.use(edge);
  const sender = new LaneSender(16);
  const routes = await aBundle({ routes: [sender.route] });
  const desk = new LaneDesk();
  const options = { edge: edge.url, pairing, bundle: () => routes, deliver: desk.deliver };
  await using core = await connectCore(options);
  await published(core);
  const moods = moodsOf(edge);
  const sending = sendLanes(sender, edge.url, { perLane: 60 });
  for (const mood of ["throws", "well", "loses-answers", "well"] as const) {
    await desk.reaches(desk.done + 120);
    await moods.set(PRIMARY, mood, "deliver");
  }
  expect(await sending).toMatchObject({ acknowledged: 960 });
  await desk.reaches(960);
  expect(desk.done).toBe(960);
  // Whoever waits for the answer to one before sending the next has its order over two relays, too.
  expect(desk.disorder).toEqual([]);
});
