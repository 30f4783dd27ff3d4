/** What is counted of webhooks, at the edge and here. Routes are labels: there are as many as configured. */
import { Registry } from "prom-client";
import type { WebhookStats } from "../../store/webhook.ts";
import {
  refusalOf,
  type RelayWebhooks,
  relayWebhooks,
} from "../../webhooks/methods/metrics-relay.ts";
import { counterIn, gaugeIn, type Sample } from "./metrics-registry.ts";
import type { RelayReport } from "../methods/relay-reports.ts";

/** What our own log says. */
export interface WebhookCounts {
  readonly routes: readonly Pick<WebhookStats, "route" | "accepted" | "duplicates" | "lastAt">[];
  /** Webhooks whose work was given up. */
  readonly dead: number;
  /** Pieces of replies by `<channel> <sent | lost>`. */
  readonly replies: ReadonlyMap<string, number>;
  /** Turned away by the core itself, by `<route> <reason>`. */
  readonly refused: ReadonlyMap<string, number>;
}

/** Since the state was made; replies and refusals since the start. */
export function webhookMetrics({ routes, dead, replies, refused }: WebhookCounts): Registry {
  const registry = new Registry();
  const counter = counterIn(registry);
  const gauge = gaugeIn(registry);
  counter(
    "gwt_webhooks_accepted_total",
    "Webhooks taken in by the core",
    routes.map(({ route, accepted }) => [accepted, { route }] as const),
  );
  counter(
    "gwt_webhooks_duplicates_total",
    "Webhooks that came again, as the core saw it",
    routes.map(({ route, duplicates }) => [duplicates, { route }] as const),
  );
  counter(
    "gwt_webhooks_refused_total",
    "Webhooks turned away by the core itself",
    [...refused].map(([key, count]) => [count, refusalOf(key)] as const),
  );
  gauge(
    "gwt_webhooks_last_accepted_timestamp_seconds",
    "When a route last took something in",
    routes.flatMap(({ route, lastAt }) => {
      return lastAt === 0 ? [] : [[lastAt / 1000, { route }] as const];
    }),
  );
  gauge("gwt_webhooks_dead", "Webhooks whose work the core gave up", [[dead]]);
  counter(
    "gwt_replies_total",
    "Pieces of replies by what became of them",
    [...replies].map(([key, count]) => {
      const [channel = "", result = ""] = key.split(" ");
      return [count, { channel, result }] as const;
    }),
  );
  return registry;
}

/** What each relay counts since it woke. */
export function relayWebhookMetrics(
  reports: ReadonlyMap<string, RelayReport>,
  now: number,
): Registry {
  const registry = new Registry();
  const counter = counterIn(registry);
  const gauge = gaugeIn(registry);
  const said = [...reports].flatMap(([relay, report]) => {
    const counts = relayWebhooks(report);
    return counts === undefined ? [] : [[relay, counts] as const];
  });
  const each = (value: (counts: RelayWebhooks) => number): Sample[] =>
    said.map(([relay, counts]) => [value(counts), { relay }] as const);

  counter(
    "gwt_relay_webhooks_accepted_total",
    "Webhooks taken in by a relay",
    each(({ accepted }) => accepted),
  );
  counter(
    "gwt_relay_webhooks_duplicates_total",
    "Webhooks that a relay knew already",
    each(({ duplicates }) => duplicates),
  );
  counter(
    "gwt_relay_webhooks_spooled_total",
    "Webhooks that had to wait in a relay",
    each(({ spooledTotal }) => spooledTotal),
  );
  counter(
    "gwt_relay_webhooks_refused_total",
    "Webhooks turned away at the edge",
    said.flatMap(([relay, { refused }]) =>
      Object.entries(refused).map(([key, count]) => [count, { relay, ...refusalOf(key) }] as const),
    ),
  );
  gauge(
    "gwt_relay_spool_bytes",
    "Of webhooks that wait in a relay",
    each(({ bytes }) => bytes),
  );
  gauge(
    "gwt_relay_spool_unverified",
    "Webhooks that wait for the core to verify them",
    each(({ unverified }) => unverified),
  );
  gauge(
    "gwt_relay_spool_oldest_seconds",
    "Age of the oldest webhook that waits; 0 when none does",
    each(({ oldestAt }) => (typeof oldestAt === "number" ? Math.max(0, now - oldestAt) / 1000 : 0)),
  );
  gauge(
    "gwt_relay_dead_letters",
    "Webhooks that a relay gave up and keeps for people",
    each(({ dead }) => dead),
  );
  return registry;
}
