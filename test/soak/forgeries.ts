import { randomToken } from "../../shared/bytes.ts";
import { Secret } from "../../shared/secret.ts";
import { callEdge } from "../support/edge-with-core.ts";
import { startEdge } from "../support/edge.ts";
import { evictRelay } from "../support/evict.ts";
import { EdgeLog } from "../support/invariants.ts";
import { bundleMoodyEdge, moodsOf } from "../support/moody-relays.ts";
import { aBundle, connectCore, TOKENS } from "../support/tunnel-core.ts";
import { codeSenders } from "../support/webhook-senders/code.ts";
import { flood, forgersOf } from "../support/webhook-senders/forgers.ts";
import { routeOf } from "../support/webhook-senders/sender.ts";
import { slackSenders } from "../support/webhook-senders/slack.ts";
import type { Budget, Outcome } from "./scenario.ts";

/** A round is over before the times in its signatures are too old to be forgeries of this time. */
const ROUND = 10_000;
const SETTLED_MS = 31_000;
const MINUTE_MS = 60_000;

/** Webhooks with bad signatures, ten thousand a round: the core hears of none, the spool keeps none. */
export async function forgeWebhooks({ seconds }: Budget): Promise<Outcome> {
  await using parts = new AsyncDisposableStack();
  const pairing = new Secret(randomToken());
  const log = new EdgeLog();
  const scriptPath = await bundleMoodyEdge();
  const bindings = { PAIRING_SECRET: pairing.reveal() };
  // Without the coarse limits, which would let most of them get no further than a counter.
  const options = { scriptPath, bindings, onLine: log.onLine, rateLimits: false };
  const edge = parts.use(await startEdge(options));
  const senders = [...slackSenders(), ...codeSenders()];
  const bundle = await aBundle({ routes: senders.map(routeOf) });
  const core = parts.use(await connectCore({ edge: edge.url, pairing, bundle: () => bundle }));
  const moods = moodsOf(edge);
  // An isolate that has just let a core in asks more often what it has brought.
  await moods.setClock(SETTLED_MS);
  await evictRelay(edge);
  const before = log.count("relay_awake");
  const bytes = core.tunnel.metrics.bytes.in;
  await moods.calls();

  const others = new Set<number>();
  const startedAt = performance.now();
  let sent = 0;
  do {
    const statuses = await flood(await forgersOf(senders, edge.url), ROUND);
    for (const status of statuses.keys()) if (status !== 401) others.add(status);
    sent += ROUND;
  } while (performance.now() - startedAt < seconds * 1_000);
  const elapsedMs = performance.now() - startedAt;
  const begunMinutes = 1 + Math.floor(elapsedMs / MINUTE_MS);
  const calls = (await moods.calls()).length;
  const wakes = log.count("relay_awake") - before;
  const bytesIn = core.tunnel.metrics.bytes.in - bytes;
  const response = await callEdge(edge.url, "/health", { token: TOKENS.operator });
  const { spooled } = JSON.parse(await response.text()).core;
  const perSecond = Math.round(sent / (elapsedMs / 1_000));
  return {
    counts: { sent, perSecond, minutes: begunMinutes, calls, wakes, bytesIn, spooled },
    violations: [
      ...(others.size > 0 ? [`answers of status ${[...others].join(", ")}`] : []),
      ...(core.deliveries.length > 0 ? [`the core heard of ${core.deliveries.length}`] : []),
      ...(spooled > 0 ? [`${spooled} in the spool`] : []),
      ...(calls > 2 * begunMinutes ? [`the relay was asked ${calls} times`] : []),
      ...(wakes > begunMinutes ? [`the relay was woken ${wakes} times`] : []),
    ],
  };
}
