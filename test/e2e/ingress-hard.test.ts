/** What a night at the edge may bring; `npm run soak` does the same at full size. */
import { beforeAll, describe, expect, test } from "vitest";
import { randomToken } from "../../shared/bytes.ts";
import { Secret } from "../../shared/secret.ts";
import { callEdge } from "../support/edge-with-core.ts";
import { type RunningEdge, startEdge } from "../support/edge.ts";
import { bundleFaultyEdge, faultsOf } from "../support/evict.ts";
import { becomes, EdgeLog } from "../support/invariants.ts";
import { aBundle, connectCore, type TunnelCoreOptions, TOKENS } from "../support/tunnel-core.ts";
import { codeSenders } from "../support/webhook-senders/code.ts";
import { LaneDesk, LaneSender, sendLanes } from "../support/webhook-senders/lanes.ts";
import { routeOf, type Sender } from "../support/webhook-senders/sender.ts";
import { slackSenders } from "../support/webhook-senders/slack.ts";
import { attempt } from "../support/webhook-senders/trial.ts";

const LANES = 40;
const PER_LANE = 75;
const PATIENCE_MS = 40_000;
const MINUTE_MS = 60_000;

let scriptPath: string;

beforeAll(async () => {
  scriptPath = await bundleFaultyEdge();
});

/** An edge that a core has been connected to, with routes of our choosing. */
class Night implements AsyncDisposable {
  readonly edge: RunningEdge;
  readonly log: EdgeLog;
  readonly core: Pick<TunnelCoreOptions, "edge" | "pairing" | "shelf">;

  private constructor(edge: RunningEdge, log: EdgeLog, pairing: Secret) {
    this.edge = edge;
    this.log = log;
    this.core = { edge: edge.url, pairing, shelf: new Map() };
  }

  static async start(): Promise<Night> {
    const pairing = new Secret(randomToken());
    const log = new EdgeLog();
    const bindings = { PAIRING_SECRET: pairing.reveal() };
    // All senders of a test have one address: its limits are not what is tried here.
    const options = { scriptPath, bindings, onLine: log.onLine, rateLimits: false };
    return new Night(await startEdge(options), log, pairing);
  }

  connect(options: Pick<TunnelCoreOptions, "bundle" | "deliver">) {
    return connectCore({ ...this.core, ...options });
  }

  async spooled(): Promise<number> {
    const response = await callEdge(this.edge.url, "/health", { token: TOKENS.operator });
    return JSON.parse(await response.text()).core.spooled;
  }

  async post({ name }: Sender, sent: Awaited<ReturnType<Sender["send"]>>): Promise<Response> {
    const { method, headers, body, query } = sent;
    return callEdge(this.edge.url, `/hooks/${name}${query}`, { method, headers, body });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.edge[Symbol.asyncDispose]();
  }
}

describe("a core that is away while webhooks come", () => {
  test("gets all of them when it is back: each once, and in the order of its lane", async () => {
    await using night = await Night.start();
    const sender = new LaneSender(LANES);
    const routes = await aBundle({ routes: [sender.route] });
    const desk = new LaneDesk();
    const options = { bundle: () => routes, deliver: desk.deliver };
    await (await night.connect(options))[Symbol.asyncDispose]();

    const run = await sendLanes(sender, night.edge.url, { perLane: PER_LANE });
    expect(run).toMatchObject({ acknowledged: LANES * PER_LANE, refused: 0 });
    expect(await night.spooled()).toBe(LANES * PER_LANE);

    await using back = await night.connect(options);
    await desk.reaches(LANES * PER_LANE);
    expect(back.deliveries).toHaveLength(LANES * PER_LANE);
    expect(await becomes(async () => (await night.spooled()) === 0, PATIENCE_MS)).toBe(true);
    expect(desk.done).toBe(LANES * PER_LANE);
    expect(desk.disorder).toEqual([]);
    // While nobody was there, no try was made of any of them.
    expect(desk.maxAttempts).toBe(0);
    expect(night.log.complaints()).toEqual([]);
  });

  test("may come and go while they come", async () => {
    await using night = await Night.start();
    const sender = new LaneSender(LANES);
    const routes = await aBundle({ routes: [sender.route] });
    const desk = new LaneDesk();
    const options = { bundle: () => routes, deliver: desk.deliver };
    let core = await night.connect(options);
    const sending = sendLanes(sender, night.edge.url, { perLane: PER_LANE });
    for (const part of [1, 2, 3, 4]) {
      await desk.reaches((LANES * PER_LANE * part) / 6);
      await core[Symbol.asyncDispose]();
      core = await night.connect(options);
    }
    expect(await sending).toMatchObject({ acknowledged: LANES * PER_LANE });
    await desk.reaches(LANES * PER_LANE);
    expect(desk.disorder).toEqual([]);
    await core[Symbol.asyncDispose]();
  });
});

test("a secret is changed while webhooks come, and none of them is refused", async () => {
  await using night = await Night.start();
  const [before, after] = [randomToken(), randomToken()];
  const sender = new LaneSender(8, "repository", before);
  const withSecrets = (...secrets: string[]) =>
    aBundle({ routes: [{ ...sender.route, verification: { scheme: "github", secrets } }] });
  let routes = await withSecrets(before);
  const desk = new LaneDesk();
  await using core = await night.connect({ bundle: () => routes, deliver: desk.deliver });
  const sending = sendLanes(sender, night.edge.url, { perLane: 100 });
  // The new one is live before anybody signs with it …
  await desk.reaches(150);
  routes = await withSecrets(before, after);
  await core.republish();
  sender.useSecret(after);
  // … and the old one until nobody does.
  await desk.reaches(400);
  routes = await withSecrets(after);
  await core.republish();
  expect(await sending).toMatchObject({ acknowledged: 800, refused: 0 });
  expect(desk.disorder).toEqual([]);

  sender.useSecret(before);
  const { headers, body } = sender.hook(0, 1_000);
  const late = await callEdge(night.edge.url, sender.path, { method: "POST", headers, body });
  expect(late.status).toBe(401);
});

describe("what is sent again by a stranger who has read it", () => {
  const senders = [...slackSenders(), ...codeSenders()].filter(({ signsTime }) => signsTime);

  test.each(senders)(
    "$name: is done once, and is nothing any more when it is old",
    async (sender) => {
      await using night = await Night.start();
      const routes = await aBundle({ routes: [routeOf(sender)] });
      const desk = new Set<string>();
      await using core = await night.connect({
        bundle: () => routes,
        deliver: ({ id }) => {
          const isKnown = desk.has(id);
          desk.add(id);
          return Promise.resolve(isKnown ? "duplicate" : "committed");
        },
      });
      const url = new URL(`/hooks/${sender.name}`, night.edge.url).href;
      const sent = await sender.send(1, attempt(url));
      for (const aheadMs of [0, 30_000, -30_000]) {
        await faultsOf(night.edge).setClock(aheadMs);
        expect([aheadMs, (await night.post(sender, sent)).status]).toEqual([aheadMs, 200]);
      }
      const heard = core.deliveries.length;
      expect(desk.size).toBe(1);
      // A clock that is ten minutes wrong, either way, is an old or a future signature.
      for (const aheadMs of [10 * MINUTE_MS, -10 * MINUTE_MS]) {
        await faultsOf(night.edge).setClock(aheadMs);
        expect([aheadMs, (await night.post(sender, sent)).status]).toEqual([aheadMs, 401]);
      }
      await faultsOf(night.edge).setClock(0);
      expect(core.deliveries).toHaveLength(heard);
    },
  );
});
