import {
  validateDevicePairApproveParams,
  validateDevicePairListParams,
} from "@openclaw/gateway-protocol";
import { expect, test } from "vitest";
import { startGatewayWorld, GATEWAY_TOKEN as token } from "../../../test/support/gateway-world.ts";
import { connectReference, createReferenceHost } from "../../../test/support/reference-client.ts";

const CONFIG = { gateway: { auth: { token } } };

test("the reference client pairs on this machine, comes back with its own token, and is shut out", async () => {
  await using it = await startGatewayWorld(CONFIG);
  const url = it.url.replace("http", "ws");
  const host = createReferenceHost();
  const scopes = ["operator.read", "operator.write"];
  const first = await connectReference({ url, token, scopes, ...host.options });
  expect(first.hello.auth).toMatchObject({
    role: "operator",
    scopes,
    deviceToken: expect.stringMatching(/^[\w-]{43}$/),
    issuedAtMs: expect.any(Number),
  });
  const given = host.tokens.get("operator")?.token;
  expect(given).toBe(first.hello.auth.deviceToken);
  await first.client.stopAndWait();

  const again = await connectReference({ url, scopes, ...host.options });
  expect(again.hello.auth).toMatchObject({ scopes, deviceToken: given });

  await using owner = await connectReference({ url, token, scopes: ["operator.admin"] });
  const params = {};
  expect(validateDevicePairListParams(params)).toBe(true);
  expect(validateDevicePairApproveParams({ requestId: "x" })).toBe(true);
  expect(await owner.client.request("device.pair.list", params)).toMatchObject({
    pending: [],
    paired: [
      {
        deviceId: host.deviceId,
        role: "operator",
        roles: ["operator"],
        scopes,
        approvedVia: "silent",
        connected: true,
        tokens: [{ role: "operator", scopes }],
      },
    ],
  });
  await owner.client.request("device.token.revoke", { deviceId: host.deviceId, role: "operator" });
  expect(await again.closed).toEqual({ code: 1008, reason: "device token revoked" });
  await again.client.stopAndWait();
  host.tokens.set("operator", { token: given ?? "", scopes });
  await expect(connectReference({ url, scopes, ...host.options })).rejects.toMatchObject({
    details: { code: expect.stringMatching(/^AUTH_(?:DEVICE_)?TOKEN_MISMATCH$/) },
  });
  expect(JSON.stringify(it.log)).not.toContain(given);
});
