import { expect, test } from "vitest";
import { createDevice } from "../../../test/support/gateway-device.ts";
import { challengeIn } from "../../../test/support/gateway-refusals.ts";
import { connectFrame } from "../../../test/support/gateway-socket.ts";
import { GATEWAY_TOKEN as token, startGatewayWorld } from "../../../test/support/gateway-world.ts";

test("a node is listed while it is there and when it has gone, and no other device is", async () => {
  await using it = await startGatewayWorld({ gateway: { auth: { token } } });
  const owner = await it.open();
  await owner.frame({ event: "connect.challenge" });
  owner.send(connectFrame({ auth: { token } }));
  await owner.frame({ type: "res", id: "1", ok: true });
  let asked = 0;
  const list = async (): Promise<unknown> => {
    asked += 1;
    owner.send({ type: "req", id: `n${asked}`, method: "node.list", params: {} });
    return (await owner.frame({ id: `n${asked}` }))["payload"];
  };
  expect(await list()).toEqual({ ts: expect.any(Number), nodes: [] });

  const enter = async (change: object) => {
    const device = createDevice();
    const client = await it.open();
    const { payload } = await client.frame({ event: "connect.challenge" });
    const { params } = connectFrame({ auth: { token }, ...change });
    client.send(connectFrame(device.prove(params, challengeIn(payload))));
    await client.frame({ type: "res", ok: true });
    return { device, client };
  };
  await enter({});
  const kind = { id: "node-host", version: "1", platform: "linux", mode: "node" };
  const client = { ...kind, displayName: "Kitchen" };
  const node = await enter({ role: "node", scopes: [], client });
  const known = { nodeId: node.device.id, displayName: "Kitchen", platform: "linux", paired: true };
  expect(await list()).toMatchObject({ nodes: [{ ...known, connected: true }] });
  node.client.socket.close();
  await node.client.ended;
  await expect.poll(list).toMatchObject({ nodes: [{ ...known, connected: false }] });
});
