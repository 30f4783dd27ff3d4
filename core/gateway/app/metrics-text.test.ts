import { expect, test } from "vitest";
import { relayState } from "../../../test/support/relay-state.ts";
import { count, createMetrics, observe } from "../../tunnel/metrics.ts";
import { histogramText, metricsText } from "./metrics-text.ts";
import type { RelayReport } from "../methods/relay-reports.ts";

const RELAY = relayState({ skewMs: -1500, reconnects: 2 });

const REPORT: RelayReport = {
  cores: [],
  sockets: 3,
  spooled: 4,
  awakeMs: 61_500,
  wakes: { request: 7, alarm: 1 },
};

/** Series of our own, without help and type. */
async function series(...args: Parameters<typeof metricsText>): Promise<string[]> {
  const text = await metricsText(...args);
  return text.split("\n").filter((line) => line.startsWith("gwt_"));
}

test("a core without an edge counts itself alone", async () => {
  const text = await metricsText(undefined, new Map());
  expect(text).toMatch(/^process_resident_memory_bytes \d+/m);
  expect(text).toMatch(/^nodejs_eventloop_lag_seconds /m);
  expect(text).not.toContain("gwt_");
});

test("what the tunnel has counted is there, with the labels that tell it apart", async () => {
  const metrics = createMetrics();
  count(metrics.reconnects, "silent");
  count(metrics.reconnects, "silent");
  count(metrics.resets, 8);
  count(metrics.deliveries, "telegram committed");
  metrics.open.websocket = 5;
  metrics.bytes.out = 1234;
  metrics.reattaches = 9;
  const relays = [RELAY, { ...RELAY, name: "enam:1", connected: false, rttMs: undefined }];
  const lines = await series({ metrics, relays }, new Map([["weur:1", REPORT]]));
  expect(lines).toEqual(
    expect.arrayContaining([
      'gwt_reconnects_total{reason="silent"} 2',
      'gwt_resets_total{code="8"} 1',
      'gwt_deliveries_total{route="telegram",result="committed"} 1',
      'gwt_streams_open{kind="websocket"} 5',
      "gwt_ws_clients 5",
      'gwt_bytes_total{dir="out"} 1234',
      "gwt_reattach_total 9",
      "gwt_dedupe_hits_total 0",
      'gwt_connected{relay="weur:1"} 1',
      'gwt_connected{relay="enam:1"} 0',
      'gwt_rtt_seconds{relay="weur:1"} 0.012',
      'gwt_clock_skew_seconds{relay="weur:1"} -1.5',
      'gwt_relay_spooled{relay="weur:1"} 4',
      'gwt_relay_awake_seconds_total{relay="weur:1"} 61.5',
      'gwt_relay_wakes_total{relay="weur:1",cause="request"} 7',
    ]),
  );
  expect(lines).not.toContain(expect.stringContaining('gwt_rtt_seconds{relay="enam:1"}'));
});

test("metrics of webhooks tell routes, reasons and what waits apart", async () => {
  const webhooks = {
    spooled: 4,
    bytes: 900,
    dead: 2,
    oldestAt: Date.now() - 90_000,
    unverified: 1,
    accepted: 50,
    duplicates: 3,
    spooledTotal: 7,
    refused: { "github mismatch": 5, "stripe stale": 1, "* other": 2 },
  };
  const tunnel = { metrics: createMetrics(), relays: [RELAY] };
  const reports = new Map([["weur:1", { ...REPORT, webhooks }]]);
  const lines = await series(tunnel, reports, {
    routes: [
      { route: "github", accepted: 40, duplicates: 2, lastAt: 1_700_000_000_000 },
      { route: "stripe", accepted: 0, duplicates: 0, lastAt: 0 },
    ],
    dead: 6,
    replies: new Map([["telegram sent", 9]]),
    refused: new Map([["github mismatch", 8]]),
  });
  expect(lines).toEqual(
    expect.arrayContaining([
      'gwt_webhooks_accepted_total{route="github"} 40',
      'gwt_webhooks_duplicates_total{route="github"} 2',
      'gwt_webhooks_last_accepted_timestamp_seconds{route="github"} 1700000000',
      'gwt_webhooks_refused_total{route="github",reason="mismatch"} 8',
      "gwt_webhooks_dead 6",
      'gwt_replies_total{channel="telegram",result="sent"} 9',
      'gwt_relay_webhooks_accepted_total{relay="weur:1"} 50',
      'gwt_relay_webhooks_duplicates_total{relay="weur:1"} 3',
      'gwt_relay_webhooks_spooled_total{relay="weur:1"} 7',
      'gwt_relay_webhooks_refused_total{relay="weur:1",route="github",reason="mismatch"} 5',
      'gwt_relay_webhooks_refused_total{relay="weur:1",route="*",reason="other"} 2',
      'gwt_relay_spool_bytes{relay="weur:1"} 900',
      'gwt_relay_spool_unverified{relay="weur:1"} 1',
      'gwt_relay_dead_letters{relay="weur:1"} 2',
    ]),
  );
  const oldest = lines.find((line) => line.startsWith("gwt_relay_spool_oldest_seconds"));
  expect(Number(oldest?.split(" ")[1])).toBeGreaterThanOrEqual(90);
  expect(lines.some((line) => line.includes('timestamp_seconds{route="stripe"}'))).toBe(false);
});

test("a relay of before says nothing of webhooks, and that is no fault", async () => {
  const tunnel = { metrics: createMetrics(), relays: [RELAY] };
  const lines = await series(tunnel, new Map([["weur:1", REPORT]]));
  expect(lines).toContain('gwt_relay_spooled{relay="weur:1"} 4');
  expect(lines.some((line) => line.startsWith("gwt_relay_webhooks_accepted_total{"))).toBe(false);
});

test("a second scrape shows what is so then", async () => {
  const metrics = createMetrics();
  count(metrics.resets, 1);
  await series({ metrics, relays: [] }, new Map());
  count(metrics.resets, 1);
  const lines = await series({ metrics, relays: [] }, new Map());
  expect(lines).toContain('gwt_resets_total{code="1"} 2');
});

test("a histogram adds up from bucket to bucket", () => {
  const { streamSeconds } = createMetrics();
  for (const seconds of [0.001, 0.02, 0.02, 1_000]) observe(streamSeconds, seconds);
  expect(histogramText("x", "Help", streamSeconds).split("\n")).toEqual([
    "# HELP x Help",
    "# TYPE x histogram",
    'x_bucket{le="0.005"} 1',
    'x_bucket{le="0.025"} 3',
    'x_bucket{le="0.1"} 3',
    'x_bucket{le="0.5"} 3',
    'x_bucket{le="2.5"} 3',
    'x_bucket{le="10"} 3',
    'x_bucket{le="60"} 3',
    'x_bucket{le="300"} 3',
    'x_bucket{le="+Inf"} 4',
    `x_sum ${0.001 + 0.02 + 0.02 + 1_000}`,
    "x_count 4",
    "",
  ]);
});
