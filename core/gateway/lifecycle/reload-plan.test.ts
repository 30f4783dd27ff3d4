import { expect, test } from "vitest";
import { CONNECTOR_EFFECTS, type Effect, GATEWAY_EFFECTS, planOf } from "./reload-plan.ts";

test.each<[Effect, readonly string[]]>([
  ["none", ["gateway.reload.mode", "gateway.remote.url", "meta.lastTouchedVersion", "wizard.x"]],
  [
    "live",
    [
      "agents.defaults.model",
      "agents.list",
      "bindings",
      "hooks.mappings",
      "hooks.token",
      "logging.level",
      "models.providers.x.apiKey",
      "sallyport.ingress.alerts",
      "sallyport.ingress.routes.a.b.secret",
      "sallyport.limits.rate.burst",
      "session.dmScope",
    ],
  ],
  ["auth", ["gateway.auth.password", "gateway.auth.token"]],
  ["channels", ["channels.defaults", "channels.telegram.botToken"]],
  ["cron", ["cron.enabled"]],
  ["heartbeat", ["agents.defaults.heartbeat.every"]],
  [
    "restart",
    [
      "discovery.mode",
      "gateway.auth.mode",
      "gateway.bind",
      "gateway.port",
      "gateway.tls.enabled",
      "hooks.path",
      "sallyport.edge.url",
      "sallyport.limits.turnTimeoutMs",
      "something.new",
    ],
  ],
  ["process", ["sallyport.core.mode"]],
])("a change with the effect %s has no other", (effect, paths) => {
  expect([...planOf(paths, GATEWAY_EFFECTS).effects]).toEqual([effect]);
});

test("what can be taken over at once is told from what needs a restart", () => {
  const paths = ["gateway.port", "hooks.token", "channels.telegram", "sallyport.core.mode"];
  expect(planOf(paths, GATEWAY_EFFECTS)).toEqual({
    now: ["hooks.token", "channels.telegram"],
    restart: ["gateway.port"],
    process: ["sallyport.core.mode"],
    effects: new Set(["restart", "live", "channels", "process"]),
  });
});

test("in front of another gateway the hooks token needs a restart: it is sent there, too", () => {
  const paths = ["hooks.token", "sallyport.ingress.routes.a.secret", "sallyport.upstream.webhooks"];
  expect(planOf(paths, CONNECTOR_EFFECTS)).toMatchObject({
    now: paths.slice(1),
    restart: paths.slice(0, 1),
  });
});
