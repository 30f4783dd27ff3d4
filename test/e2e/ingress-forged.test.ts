import { expect, test } from "vitest";
import { randomToken } from "../../shared/bytes.ts";
import { Secret } from "../../shared/secret.ts";
import { callEdge } from "../support/edge-with-core.ts";
import { startEdge } from "../support/edge.ts";
import { evictRelay } from "../support/evict.ts";
import { EdgeLog } from "../support/invariants.ts";
import { bundleMoodyEdge, moodsOf } from "../support/moody-relays.ts";
import { aBundle, connectCore, TOKENS } from "../support/tunnel-core.ts";
import { flood, forgersOf } from "../support/webhook-senders/forgers.ts";
import { codeSenders } from "../support/webhook-senders/code.ts";
import { routeOf } from "../support/webhook-senders/sender.ts";
import { slackSenders } from "../support/webhook-senders/slack.ts";

const COUNT = 10_000;
/** Some six seconds on a machine that does nothing else. */
const PATIENCE_MS = 180_000;
const SETTLED_MS = 31_000;
const MINUTE_MS = 60_000;

test(
  "ten thousand bad signatures cost the core nothing, the spool nothing, and the relay one look",
  async () => {
    const pairing = new Secret(randomToken());
    const log = new EdgeLog();
    const bindings = { PAIRING_SECRET: pairing.reveal() };
    const scriptPath = await bundleMoodyEdge();
    // Without the coarse limits, which would let most of them get no further than a counter.
    const options = { scriptPath, bindings, onLine: log.onLine, rateLimits: false };
    await using edge = await startEdge(options);
    const senders = [...slackSenders(), ...codeSenders()];
    const routes = await aBundle({ routes: senders.map(routeOf) });
    await using core = await connectCore({ edge: edge.url, pairing, bundle: () => routes });
    const forgers = await forgersOf(senders, edge.url);
    const moods = moodsOf(edge);
    // An isolate that has just let a core in asks more often what it has brought.
    await moods.setClock(SETTLED_MS);
    await evictRelay(edge);
    const before = log.count("relay_awake");
    const bytes = core.tunnel.metrics.bytes.in;
    await moods.calls();

    const startedAt = performance.now();
    const statuses = await flood(forgers, COUNT);
    const begunMinutes = 1 + Math.floor((performance.now() - startedAt) / MINUTE_MS);
    expect([...statuses]).toEqual([[401, COUNT]]);
    // Once a minute: whether the settings are still as they were, and how many were turned away.
    const calls = (await moods.calls()).toSorted();
    expect(new Set(calls)).toEqual(new Set(["weur:1 bundle", "weur:1 refusals"]));
    expect(calls.length).toBeLessThanOrEqual(2 * begunMinutes);
    expect(log.count("relay_awake") - before).toBeLessThanOrEqual(begunMinutes);
    expect(core.deliveries).toEqual([]);
    // What a relay that is awake says of itself, once a minute.
    expect(core.tunnel.metrics.bytes.in - bytes).toBeLessThan(4_096 * begunMinutes);
    const health = await callEdge(edge.url, "/health", { token: TOKENS.operator });
    expect(await health.json()).toMatchObject({ core: { connected: true, spooled: 0 } });
    // And nobody's disk is filled with lines: one a minute for each route and reason, of which there
    // are two on a slow machine, where what was signed long ago is stale.
    expect(log.count("webhook_refused")).toBeLessThanOrEqual(2 * senders.length * begunMinutes);
  },
  PATIENCE_MS,
);
