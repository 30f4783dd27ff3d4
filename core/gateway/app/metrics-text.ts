/**
 * The metrics of this core in Prometheus' text format.
 * Source: https://prometheus.io/docs/instrumenting/exposition_formats/
 */
import { collectDefaultMetrics, Registry } from "prom-client";
import type { ModelCount } from "../../store/usage.ts";
import type { Tunnel } from "../../tunnel/handlers.ts";
import type { Histogram } from "../../tunnel/metrics.ts";
import { counterIn, gaugeIn } from "./metrics-registry.ts";
import { modelMetrics } from "./metrics-models.ts";
import { relayWebhookMetrics, type WebhookCounts, webhookMetrics } from "./metrics-webhooks.ts";
import type { RelayReport } from "../methods/relay-reports.ts";

/** Of the process; they watch its event loop and garbage collector from the first scrape on. */
const processMetrics = new Registry();
collectDefaultMetrics({ register: processMetrics });

export const METRICS_TYPE = processMetrics.contentType;

type CountedTunnel = Pick<Tunnel, "metrics" | "relays">;

/**
 * @param reports - What relays said of themselves once a minute while awake.
 * @param webhooks - What our own log says; undefined: there is none.
 * @param models - What models were asked for since the start.
 */
export async function metricsText(
  tunnel: CountedTunnel | undefined,
  reports: ReadonlyMap<string, RelayReport>,
  webhooks?: WebhookCounts,
  models: readonly ModelCount[] = [],
): Promise<string> {
  const parts = [await processMetrics.metrics()];
  if (models.length > 0) parts.push(await modelMetrics(models).metrics());
  if (webhooks !== undefined) parts.push(await webhookMetrics(webhooks).metrics());
  if (tunnel !== undefined) {
    const { streamSeconds, deliveryLag } = tunnel.metrics;
    parts.push(
      await tunnelMetrics(tunnel).metrics(),
      await relayMetrics(tunnel, reports).metrics(),
      await relayWebhookMetrics(reports, Date.now()).metrics(),
      histogramText("gwt_stream_duration_seconds", "Requests, head to end", streamSeconds),
      histogramText("gwt_delivery_lag_seconds", "Webhooks, edge to inbox", deliveryLag),
    );
  }
  return parts.join("\n");
}

/** What counts over all relays. Made anew for every scrape, of the tunnel's plain counters. */
function tunnelMetrics({ metrics }: CountedTunnel): Registry {
  const { reconnects, open, bytes, resets, deliveries } = metrics;
  const registry = new Registry();
  const counter = counterIn(registry);
  const gauge = gaugeIn(registry);
  counter(
    "gwt_reconnects_total",
    "Connections made after the first",
    [...reconnects].map(([reason, count]) => [count, { reason }] as const),
  );
  gauge(
    "gwt_streams_open",
    "Streams under way",
    Object.entries(open).map(([kind, count]) => [count, { kind }] as const),
  );
  gauge("gwt_ws_clients", "Client WebSockets through the edge", [[open.websocket]]);
  counter(
    "gwt_bytes_total",
    "Content of frames",
    Object.entries(bytes).map(([dir, count]) => [count, { dir }] as const),
  );
  counter(
    "gwt_resets_total",
    "Streams cut short",
    [...resets].map(([code, count]) => [count, { code: String(code) }] as const),
  );
  counter(
    "gwt_deliveries_total",
    "Webhooks by what became of them",
    [...deliveries].map(([key, count]) => {
      const [route = "", result = ""] = key.split(" ");
      return [count, { route, result }] as const;
    }),
  );
  counter("gwt_dedupe_hits_total", "Requests that came twice and were begun once", [
    [metrics.dedupeHits],
  ]);
  counter("gwt_reattach_total", "Client WebSockets taken over from another core", [
    [metrics.reattaches],
  ]);
  gauge("gwt_drain_seconds", "How long the last drain took", [[metrics.drainSeconds]]);
  return registry;
}

/** What each relay has of its own. */
function relayMetrics(
  { relays }: CountedTunnel,
  reports: ReadonlyMap<string, RelayReport>,
): Registry {
  const registry = new Registry();
  const counter = counterIn(registry);
  const gauge = gaugeIn(registry);
  gauge(
    "gwt_connected",
    "Whether a relay is connected",
    relays.map(({ name, connected }) => [Number(connected), { relay: name }] as const),
  );
  gauge(
    "gwt_leads",
    "Whether a relay sends its work here",
    relays.map(({ name, leads }) => [Number(leads), { relay: name }] as const),
  );
  gauge(
    "gwt_rtt_seconds",
    "Round trip to a relay, as last measured",
    relays.flatMap(({ name, rttMs }) =>
      rttMs === undefined ? [] : [[rttMs / 1000, { relay: name }] as const],
    ),
  );
  gauge(
    "gwt_clock_skew_seconds",
    "The edge's clock minus ours",
    relays.map(({ name, skewMs }) => [skewMs / 1000, { relay: name }] as const),
  );
  const said = [...reports];
  gauge(
    "gwt_relay_spooled",
    "Webhooks that waited in a relay as it last said",
    said.map(([relay, { spooled }]) => [spooled, { relay }] as const),
  );
  counter(
    "gwt_relay_awake_seconds_total",
    "How long a relay was awake as it last said",
    said.map(([relay, { awakeMs }]) => [awakeMs / 1000, { relay }] as const),
  );
  counter(
    "gwt_relay_wakes_total",
    "What woke a relay, as it last said",
    said.flatMap(([relay, { wakes }]) =>
      Object.entries(wakes).map(([cause, count]) => [count, { relay, cause }] as const),
    ),
  );
  return registry;
}

/** prom-client's own histograms count for themselves; ours come counted. Pure. */
export function histogramText(
  name: string,
  help: string,
  { bounds, counts, sum, count }: Histogram,
): string {
  const lines = [`# HELP ${name} ${help}`, `# TYPE ${name} histogram`];
  let upTo = 0;
  for (const [index, bound] of bounds.entries()) {
    upTo += counts[index] ?? 0;
    lines.push(`${name}_bucket{le="${bound}"} ${upTo}`);
  }
  lines.push(`${name}_bucket{le="+Inf"} ${count}`, `${name}_sum ${sum}`, `${name}_count ${count}`);
  return `${lines.join("\n")}\n`;
}
