import { expect, test } from "vitest";
import { createCommandHome } from "../../test/support/command-home.ts";
import { GATEWAY_TOKEN as token, startGatewayWorld } from "../../test/support/gateway-world.ts";
import { system } from "./system.ts";

test.each([
  ["none is set up", {}, /^warning: no agent has a heartbeat yet: .*heartbeat\.every 30m$/],
  ["one is off", { agents: { defaults: { heartbeat: { every: "0m" } } } }, /^warning: no agent/],
  ["there is one", { agents: { defaults: { heartbeat: { every: "30m" } } } }, /^$/],
])("heartbeats are turned on, and when %s that is said", async (_name, config, said) => {
  await using it = await startGatewayWorld({ gateway: { auth: { token } }, ...config });
  await using home = await createCommandHome();
  const target = ["--port", String(it.gateway.port), "--token", token];
  const run = await home.run(system, ["heartbeat", "enable", ...target]);
  expect(run).toEqual({ code: 0, out: "done", err: expect.stringMatching(said) });
});
