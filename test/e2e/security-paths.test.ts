/** Names of files that lead out of the folder they belong in. */
import { mkdir, readFile, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { bearer } from "../support/matrix-world.ts";
import { connectFrame, type GatewaySocket } from "../support/gateway-socket.ts";
import {
  GATEWAY_TOKEN as token,
  type GatewayWorld,
  startGatewayWorld,
} from "../support/gateway-world.ts";
import { rawRequest } from "../support/raw-request.ts";

const CANARY = "what-nobody-may-read";
let world: GatewayWorld;
let client: GatewaySocket;
let outside: string;
let asked = 0;

beforeAll(async () => {
  world = await startGatewayWorld({ gateway: { auth: { token } } });
  outside = join(world.home, "outside.md");
  await writeFile(outside, CANARY);
  client = await world.open();
  await client.frame({ event: "connect.challenge" });
  client.send(connectFrame({ auth: { token }, scopes: ["operator.admin"] }));
  await client.frame({ type: "res", id: "1", ok: true });
});
afterAll(() => world[Symbol.asyncDispose]());

async function call(method: string, params: object): Promise<Readonly<Record<string, unknown>>> {
  asked += 1;
  const id = `r${asked}`;
  client.send({ type: "req", id, method, params });
  return client.frame({ id });
}

const NAMES = [
  "../../../outside.md",
  "..\\..\\outside.md",
  "%2e%2e%2foutside.md",
  "/etc/passwd",
  "~/outside.md",
  "SOUL.md/../../outside.md",
  "SOUL.md\u0000.md",
  "./../outside.md",
  "file:///etc/passwd",
  ".",
  "..",
  "",
];

test.each(NAMES)("path traversal: agents.files neither reads nor writes %j", async (name) => {
  for (const [method, more] of [
    ["agents.files.get", {}],
    ["agents.files.set", { content: "planted" }],
  ] as const) {
    const answer = await call(method, { agentId: "main", name, ...more });
    expect(answer, JSON.stringify(answer)).toMatchObject({ ok: false });
    expect(JSON.stringify(answer)).not.toContain(CANARY);
  }
  expect(await readFile(outside, "utf8")).toBe(CANARY);
});

test.each(["../main", "..", "main/../../x", "/tmp/x", "x\u0000"])(
  "path traversal: no agent is called %j",
  async (agentId) => {
    const read = await call("agents.files.get", { agentId, name: "SOUL.md" });
    expect(read).toMatchObject({ ok: false });
    const chat = await call("chat.send", {
      sessionKey: `agent:${agentId}:main`,
      message: "x",
      idempotencyKey: agentId,
    });
    expect(chat).toMatchObject({ ok: false });
  },
);

test("a link in the workspace is not followed out of it", async () => {
  const { workspace } = Object((await call("agents.files.list", { agentId: "main" }))["payload"]);
  await mkdir(String(workspace), { recursive: true });
  await symlink(outside, join(String(workspace), "TOOLS.md"));
  const read = await call("agents.files.get", { agentId: "main", name: "TOOLS.md" });
  expect(JSON.stringify(read)).not.toContain(CANARY);
  await call("agents.files.set", { agentId: "main", name: "TOOLS.md", content: "planted" });
  expect(await readFile(outside, "utf8")).toBe(CANARY);
});

test("logs.tail reads the log, and no file that it is told", async () => {
  for (const more of [{ file: outside }, { path: outside }, { cursor: -1 }, { cursor: 1.5 }]) {
    const answer = await call("logs.tail", more);
    expect(answer).toMatchObject({ ok: false, error: { code: "INVALID_REQUEST" } });
    expect(JSON.stringify(answer)).not.toContain(CANARY);
  }
});

test("a config includes nothing from outside its folder, and what runs goes on", async () => {
  const { hash } = Object((await call("config.get", {}))["payload"]);
  for (const include of ["../outside.md", outside, "/etc/passwd", "../../etc/passwd"]) {
    const raw = JSON.stringify({ $include: include });
    const answer = await call("config.patch", { raw, baseHash: hash });
    expect(answer, include).toMatchObject({ ok: false });
    expect(JSON.stringify(answer)).not.toContain(CANARY);
  }
  expect(await call("health", {})).toMatchObject({ ok: true });
  expect(JSON.stringify(world.log)).not.toContain(CANARY);
});

test.each([
  "/v1/../metrics",
  "/v1/%2e%2e/metrics",
  "/v1/models/../../metrics",
  "/health/../metrics",
  "/health/%2e%2e/api/status",
  "//metrics",
  "/METRICS",
  "/metrics/",
  "/metrics%00",
  "/hooks/../metrics",
  "/hooks/%2e%2e%2fmetrics",
  "/v1/models/%2e%2e%2f%2e%2e%2fetc%2fpasswd",
])("%s leads past no guard", async (path) => {
  const { status, text } = await rawRequest(new URL(world.url), path);
  expect([400, 401, 404], text).toContain(status);
  const known = await rawRequest(new URL(world.url), path, { headers: bearer(token) });
  expect(known.text).not.toContain("root:");
});
