import { expect, test } from "vitest";
import { createCommandHome } from "../../../test/support/command-home.ts";
import { GATEWAY_TOKEN as token, startGatewayWorld } from "../../../test/support/gateway-world.ts";
import { gateway } from "../gateway.ts";

test("a call goes to the gateway that was looked at before, or nowhere", async () => {
  await using it = await startGatewayWorld({ gateway: { auth: { token } } });
  await using home = await createCommandHome();
  const { port } = it.gateway;
  const call = ["call", "health", "--port", String(port), "--token", token, "--json"];
  const run = (url: string) => home.run(gateway, [...call, "--expect-url", url]);
  for (const url of [`http://127.0.0.1:${port}`, `ws://127.0.0.1:${port}/`]) {
    expect(JSON.parse((await run(url)).out)).toMatchObject({ ok: true, agents: [{}] });
  }
  const other = await run(`http://127.0.0.1:${port + 1}`);
  expect(other.code).toBe(1);
  expect(other.out).toContain(`http://127.0.0.1:${port} would be asked`);
  const none = await run("moon");
  expect(none.out).toContain("--expect-url must be the address of a gateway");
});
