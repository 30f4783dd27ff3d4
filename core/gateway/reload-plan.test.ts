import { expect, test } from "vitest";
import { CONNECTOR_EFFECTS, GATEWAY_EFFECTS, planOf } from "./reload-plan.ts";

test("what may change at once does, and all else needs a restart", () => {
  const now = [
    "gateway.reload.mode",
    "hooks.mappings",
    "hooks.token",
    "logging.level",
    "sallyport.ingress.alerts",
    "sallyport.ingress.routes.a.b.secret",
    "sallyport.limits.rate.burst",
  ];
  const restart = [
    "agents.defaults.model",
    "channels.telegram.botToken",
    "gateway.auth.token",
    "gateway.port",
    "hooks.path",
    "logging",
    "sallyport.edge.url",
    "sallyport.limits.turnTimeoutMs",
    "something.new",
  ];
  expect(planOf([...now, ...restart].toSorted(), GATEWAY_EFFECTS)).toEqual({ now, restart });
});

test("in front of another gateway the hooks token needs a restart: it is sent there, too", () => {
  const paths = ["hooks.token", "sallyport.ingress.routes.a.secret", "sallyport.upstream.webhooks"];
  expect(planOf(paths, CONNECTOR_EFFECTS)).toEqual({
    now: paths.slice(1),
    restart: paths.slice(0, 1),
  });
});
