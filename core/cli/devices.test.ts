import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { createReferenceHost, connectReference } from "../../test/support/reference-client.ts";
import {
  GATEWAY_TOKEN as token,
  type GatewayWorld,
  startGatewayWorld,
} from "../../test/support/gateway-world.ts";
import { approvals } from "./approvals.ts";
import type { Command, Io } from "./command.ts";
import { devices } from "./devices.ts";

const GATEWAY = {
  auth: { token },
  trustedProxies: ["127.0.0.1"],
  nodes: { pairing: { autoApproveLocal: false } },
};

/** Runs a command as somebody beside the gateway; resolves to what it printed. */
async function run(
  it: GatewayWorld,
  command: Command,
  args: readonly string[],
  port = it.gateway.port,
): Promise<string> {
  const lines: string[] = [];
  const io: Io = {
    env: { OPENCLAW_GATEWAY_PORT: String(port) },
    cwd: it.home,
    home: it.home,
    uid: process.getuid?.(),
    pid: 1,
    colours: false,
    out: (line) => void lines.push(line),
    err: () => undefined,
    log: { write: () => undefined },
    stop: new AbortController().signal,
    supervised: false,
  };
  expect(await command.run(args, io)).toBe(0);
  return lines.join("\n");
}

test("the command line lets a device in by the first letters of its request, and out again", async () => {
  await using it = await startGatewayWorld({ gateway: GATEWAY });
  const host = createReferenceHost();
  const url = it.url.replace("http", "ws");
  const asks = { url, token, scopes: ["operator.read"], ...host.options };
  await expect(connectReference(asks)).rejects.toThrow("pairing required");
  const listed = JSON.parse(await run(it, devices, ["list", "--json"]));
  const [{ requestId }] = listed.pending;
  expect(await run(it, devices, ["approve", "--latest"])).toContain(`approve ${requestId}`);
  expect(await run(it, devices, ["approve", requestId.slice(0, 8)])).toContain("may come in now");
  const first = await connectReference(asks);
  expect(await run(it, devices, ["list"])).toContain(`here    ${host.deviceId}`);
  await run(it, devices, ["rename", host.deviceId.slice(0, 10), "Ada's", "laptop"]);
  expect(await run(it, devices, ["list"])).toContain("Ada's laptop");
  const rotated = JSON.parse(
    await run(it, devices, ["rotate", "--device", host.deviceId, "--role", "operator", "--json"]),
  );
  expect(rotated).toMatchObject({ tokenDelivery: "withheld-cross-device" });
  expect(rotated).not.toHaveProperty("token");
  expect(await first.closed).toMatchObject({ code: 1008 });
  await first.client.stopAndWait();
  await expect(run(it, devices, ["remove", "zzz"])).rejects.toThrow("no device");
  await expect(run(it, devices, ["clear"])).rejects.toThrow("--yes");
  expect(await run(it, devices, ["clear", "--yes"])).toBe("forgot 1 devices and 0 requests");
  expect(await run(it, devices, ["list"])).toBe("no devices");
});

test("while no gateway runs, the command line works on its files", async () => {
  const it = await startGatewayWorld({ gateway: GATEWAY });
  const host = createReferenceHost();
  const url = it.url.replace("http", "ws");
  await expect(connectReference({ url, token, ...host.options })).rejects.toThrow("pairing");
  const { port } = it.gateway;
  await it.gateway[Symbol.asyncDispose]();
  const [{ requestId }] = JSON.parse(await run(it, devices, ["list", "--json"], port)).pending;
  await run(it, devices, ["approve", requestId], port);
  expect(JSON.parse(await run(it, devices, ["list", "--json"], port))).toMatchObject({
    pending: [],
    paired: [{ deviceId: host.deviceId, approvedVia: "owner" }],
  });
  expect(JSON.parse(await run(it, approvals, ["get", "--json"], port))).toMatchObject({
    exists: false,
    resolvedDefaults: { security: "deny" },
  });
  await rm(it.home, { recursive: true, force: true });
});

test("approvals are shown and changed, and another's change is not lost", async () => {
  await using it = await startGatewayWorld({ gateway: GATEWAY });
  await run(it, approvals, ["allowlist", "add", "/usr/bin/uptime"]);
  await run(it, approvals, ["allowlist", "add", "/usr/bin/git *", "--agent", "main"]);
  expect(await run(it, approvals, ["get"])).toContain("main  /usr/bin/git *");
  await run(it, approvals, ["allowlist", "remove", "/usr/bin/uptime"]);
  const { file } = JSON.parse(await run(it, approvals, ["get", "--json"]));
  expect(file.agents["*"].allowlist).toEqual([]);
  const given = { version: 1, defaults: { security: "allowlist", ask: "always" }, agents: {} };
  await writeFile(join(it.home, "approvals.json"), JSON.stringify(given));
  await run(it, approvals, ["set", "--file", "approvals.json"]);
  expect(JSON.parse(await run(it, approvals, ["get", "--json"]))).toMatchObject({
    file: given,
    resolvedDefaults: { security: "allowlist", ask: "always" },
  });
  await writeFile(join(it.home, "bad.json"), "{}");
  await expect(run(it, approvals, ["set", "--file", "bad.json"])).rejects.toThrow("version");
  await using owner = await connectReference({
    url: it.url.replace("http", "ws"),
    token,
    scopes: ["operator.admin"],
  });
  const stale = { file: given, baseHash: "0".repeat(64) };
  await expect(owner.client.request("exec.approvals.set", stale)).rejects.toThrow("changed since");
  await expect(owner.client.request("exec.approvals.set", { file: given })).rejects.toThrow(
    "base hash required",
  );
});
