import { expect, onTestFinished, test } from "vitest";
import pino from "pino";
import { Secret } from "../../../shared/secret.ts";
import { ManualClock } from "../../../test/support/clock.ts";
import { startFakeEdge } from "../../../test/support/fake-edge.ts";
import { startTelegramEngine } from "../../../test/support/telegram-engine.ts";
import { connectCore } from "../../../test/support/tunnel-core.ts";
import type { AlertRule, IngressSettings } from "../../config/ingress/ingress.ts";
import type { NewWebhook } from "../../store/webhook.ts";
import type { Tunnel } from "../../tunnel/handlers.ts";
import { look, startAlerts } from "./alerts.ts";
import { AlertState } from "./decide.ts";
import { until } from "../../../test/support/until.ts";

const LOOK_MS = 30_000;
const HOUR = 3_600_000;
const TO = { channel: "telegram", to: "42" };
const SILENT: AlertRule = { when: "source_silent", route: "github", afterMs: HOUR, to: TO };

function webhook(id: string, receivedAt: number): NewWebhook {
  return {
    id: `github:${id}`,
    route: "github",
    scheme: "github",
    verifiedBy: "edge",
    secret: 0,
    requestId: id,
    method: "POST",
    query: "",
    ip: "",
    receivedAt,
    lanes: ["github"],
    headers: [],
    body: new Uint8Array(2),
    attempts: 0,
    sync: false,
    ignored: [`github:${id}`],
  };
}

/** An engine with a real store and a bot, and alerts that can be started and stopped. */
async function world(...rules: AlertRule[]) {
  const clock = new ManualClock();
  const bot = await startTelegramEngine({ clock });
  onTestFinished(() => bot[Symbol.asyncDispose]());
  bot.fake.chats.add("42");
  const settings = { alerts: rules };
  const refused = new Map<string, number>();
  const lines: string[] = [];
  const log = pino({ level: "info" }, { write: (line: string) => void lines.push(line) });
  const ingress = (): IngressSettings => ({
    path: "/hooks",
    routes: [],
    log: { days: 1, maxBytes: 1 },
    alerts: settings.alerts,
    senders: { slackOrigins: [], discordApi: "" },
  });
  const parts = (tunnel?: Tunnel) => ({
    store: bot.store,
    engine: bot.engine,
    tunnel: () => tunnel,
    ingress,
    refused: () => refused,
    clock,
    log,
  });
  return {
    bot,
    clock,
    settings,
    refused,
    lines,
    parts,
    /** @returns Stops it. */
    start: (): (() => Promise<void>) => {
      const stop = new AbortController();
      const running = startAlerts(parts(), stop.signal);
      return async () => {
        stop.abort();
        await running;
      };
    },
    /** One look later. */
    pass: async (ms: number): Promise<void> => {
      await clock.waiting(LOOK_MS);
      clock.advance(ms);
      await clock.waiting(LOOK_MS);
    },
  };
}

test("an alert reaches its chat once, over a restart as well, and then that it is over", async () => {
  const { bot, clock, start, pass } = await world(SILENT);
  await bot.store.keepWebhook(webhook("1", clock.now()), []);
  let stop = start();
  await pass(HOUR);
  await bot.fake.until(() => bot.fake.sent.length === 1);
  expect(bot.told(42)).toEqual([expect.stringContaining("github is silent")]);
  await stop();

  stop = start();
  await pass(HOUR);
  await bot.store.keepWebhook(webhook("2", clock.now()), []);
  await pass(LOOK_MS);
  await bot.fake.until(() => bot.fake.sent.length === 2);
  expect(bot.told(42)[1]).toContain("github sends again");
  await stop();
});

test("a rule that is added while the gateway runs counts from the next look on", async () => {
  const { bot, clock, settings, start, pass } = await world();
  await bot.store.keepWebhook(webhook("1", clock.now()), []);
  const stop = start();
  await pass(2 * HOUR);
  settings.alerts = [SILENT];
  await pass(LOOK_MS);
  await bot.fake.until(() => bot.fake.sent.length === 1);
  await stop();
});

test("an alert to a channel that there is not is logged, and the others are sent", async () => {
  const nowhere: AlertRule = { ...SILENT, to: { channel: "pigeon", to: "1" } };
  const { bot, clock, lines, start, pass } = await world(nowhere, { ...SILENT, route: "stripe" });
  await bot.store.keepWebhook(webhook("1", clock.now()), []);
  const stop = start();
  await pass(HOUR);
  await bot.fake.until(() => bot.fake.sent.length === 1);
  expect(bot.told(42)).toEqual([expect.stringContaining("stripe has sent nothing yet")]);
  expect(lines.join("")).toContain("pigeon");
  await stop();
});

test("what was kept and makes no sense any more is begun anew", async () => {
  const { bot, clock, start, pass } = await world(SILENT);
  await bot.store.set("webhooks.alerts", '{"silent": 7}');
  await bot.store.keepWebhook(webhook("1", clock.now()), []);
  const stop = start();
  await pass(HOUR);
  await bot.fake.until(() => bot.fake.sent.length === 1);
  await stop();
});

test("signatures that the core itself has refused are told of, over a restart as well", async () => {
  const failing: AlertRule = {
    when: "signature_failures",
    route: "github",
    count: 10,
    withinMs: HOUR,
    to: TO,
  };
  const { bot, refused, start, pass } = await world(failing);
  refused.set("github mismatch", 6);
  refused.set("github too_large", 99);
  refused.set("stripe mismatch", 99);
  let stop = start();
  await pass(LOOK_MS);
  await stop();
  expect(bot.told(42)).toEqual([]);

  // Another process counts from nothing.
  refused.set("github mismatch", 7);
  stop = start();
  await pass(LOOK_MS);
  await bot.fake.until(() => bot.fake.sent.length === 1);
  expect(bot.told(42)).toEqual([expect.stringContaining("13 with a wrong signature for github")]);
  await stop();
});

test("what the core refused before there was a rule on it is not news", async () => {
  const { bot, settings, refused, start, pass } = await world();
  refused.set("github mismatch", 500);
  const stop = start();
  await pass(LOOK_MS);
  settings.alerts = [
    { when: "signature_failures", route: undefined, count: 10, withinMs: HOUR, to: TO },
  ];
  await pass(LOOK_MS);
  refused.set("github mismatch", 509);
  await pass(LOOK_MS);
  refused.set("github mismatch", 510);
  await pass(LOOK_MS);
  await bot.fake.until(() => bot.fake.sent.length === 1);
  expect(bot.told(42)).toEqual([expect.stringContaining("10 with a wrong signature (github)")]);
  await stop();
});

test("after an outage the relay is asked whether all is delivered, and what waited is counted", async () => {
  const gone: AlertRule = { when: "core_unreachable", afterMs: 60_000, to: TO };
  const { bot, clock, parts } = await world(gone);
  const edge = await startFakeEdge();
  onTestFinished(() => edge[Symbol.asyncDispose]());
  let spooled = 3;
  edge.onAsked = ({ path }) =>
    path === "/state"
      ? { status: 200, body: JSON.stringify({ webhooks: { spooled } }) }
      : { status: 204 };
  const pairing = new Secret("unused");
  const core = await connectCore({ edge: edge.url, pairing, settings: { pairing: undefined } });
  onTestFinished(() => core[Symbol.asyncDispose]());
  await edge.link(1);
  await until(() => core.tunnel.state.connected);

  const to = clock.now();
  const outage = { from: to - HOUR, to };
  const before = AlertState.parse({ aliveAt: core.tunnel.state.since, outage });
  for (const id of ["1", "2"]) await bot.store.keepWebhook(webhook(id, to - 1_000), []);
  await bot.store.keepWebhook(webhook("3", to + 1), []);
  const during = await look(parts(core.tunnel), [gone], before);
  expect(during.outage).toEqual(outage);
  spooled = 0;
  const after = await look(parts(core.tunnel), [gone], during);
  expect(after.outage).toBeUndefined();
  await bot.fake.until(() => bot.fake.sent.length === 1);
  expect(bot.told(42)).toEqual([expect.stringMatching(/unreachable.*2 webhooks waited, all/)]);
});
