import { readdir } from "node:fs/promises";
import { expect, test } from "vitest";
import { createCommandHome } from "../../test/support/command-home.ts";
import { freePort } from "../../test/support/free-port.ts";
import {
  GATEWAY_TOKEN as token,
  type GatewayWorld,
  startGatewayWorld,
} from "../../test/support/gateway-world.ts";
import { qrMatrix } from "../devices/qr/matrix.ts";
import { qrText } from "../devices/qr/terminal.ts";
import type { Command } from "./command.ts";
import { devices } from "./devices.ts";
import { qr } from "./qr.ts";

const CONFIG = { gateway: { auth: { token } } };
const AT = ["--url", "wss://gateway.example"];

async function run(it: GatewayWorld, command: Command, args: readonly string[]): Promise<string> {
  const lines: string[] = [];
  const code = await command.run(args, {
    env: { OPENCLAW_GATEWAY_PORT: String(it.gateway.port) },
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
  });
  expect(code).toBe(0);
  return lines.join("\n");
}

function read(code: string): Readonly<Record<string, unknown>> {
  return JSON.parse(Buffer.from(code, "base64url").toString());
}

test("a code is shown as a picture, as text, and as what it is worth", async () => {
  await using it = await startGatewayWorld(CONFIG);
  const shown = await run(it, qr, AT);
  const code = /^code +(?<code>[\w-]+)$/m.exec(shown)?.groups?.["code"] ?? "";
  expect(shown).toContain(qrText(qrMatrix(code)));
  expect(shown).toContain("access   full");
  expect(read(code)).toEqual({
    url: "wss://gateway.example",
    bootstrapToken: expect.stringMatching(/^[\w-]{43}$/),
  });
  expect(await run(it, qr, [...AT, "--no-ascii"])).not.toContain("█");
});

test.each<[string, Command, readonly string[], string]>([
  ["qr", qr, ["--limited", ...AT], "limited"],
  ["qr", qr, ["--node", ...AT], "node"],
  ["qr over a plain line", qr, ["--url", "ws://192.168.1.2:18789"], "limited"],
  ["devices setup-code", devices, ["setup-code", "--public-url", "wss://a.example"], "full"],
])("%s for programs says all of it", async (_name, command, args, access) => {
  await using it = await startGatewayWorld(CONFIG);
  const told = JSON.parse(await run(it, command, [...args, "--json"]));
  expect(told).toMatchObject({ access, auth: "token", urlSource: "publicUrl" });
  expect(told.expiresAtMs).toBeGreaterThan(Date.now());
});

test("the code alone is what is pasted, and all are taken back", async () => {
  await using it = await startGatewayWorld(CONFIG);
  const code = await run(it, qr, [...AT, "--setup-code-only"]);
  expect(read(code)).toHaveProperty("bootstrapToken");
  expect(await run(it, devices, ["setup-code", "--revoke"])).toBe("1 codes open nothing any more");
  await run(it, qr, [...AT, "--setup-code-only"]);
  await run(it, devices, ["clear", "--yes"]);
  expect(await run(it, devices, ["setup-code", "--revoke", "--json"])).toBe('{"revoked":0}');
});

test("a gateway that nobody else reaches makes no code, and two kinds of it are no kind", async () => {
  await using it = await startGatewayWorld(CONFIG);
  await expect(run(it, qr, [])).rejects.toThrow("this machine alone");
  await expect(run(it, qr, [...AT, "--limited", "--node"])).rejects.toThrow("one of them");
  await expect(run(it, qr, ["what"])).rejects.toThrow("usage");
});

test("a code that was made while no gateway ran is known to the next one", async () => {
  await using home = await createCommandHome({ OPENCLAW_GATEWAY_PORT: String(await freePort()) });
  const { out } = await home.run(qr, [...AT, "--setup-code-only"]);
  expect(read(out.trim())).toHaveProperty("bootstrapToken");
  const revoked = await home.run(devices, ["setup-code", "--revoke"]);
  expect(revoked.out.trim()).toBe("1 codes open nothing any more");
});

test("with the token of a gateway that is not here, nothing is made here", async () => {
  await using home = await createCommandHome({ OPENCLAW_GATEWAY_PORT: String(await freePort()) });
  const told = await home.run(qr, [...AT, "--token", "a-gateway-token-of-some-length"]);
  expect(told).toMatchObject({ code: 1, out: "", err: expect.stringContaining("no gateway at") });
  expect(await readdir(home.path)).toEqual([]);
});
