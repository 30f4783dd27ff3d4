/** The published client of the gateway protocol, unchanged, at the edge of a real core. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { randomToken } from "../../shared/bytes.ts";
import { type CoreHome, type CoreProcess, createHome, startCore } from "../support/core.ts";
import { type RunningEdge, startEdge } from "../support/edge.ts";
import { connectReference, createReferenceHost } from "../support/reference-client.ts";

const parts = new AsyncDisposableStack();
let edge: RunningEdge;
let home: CoreHome;
let core: CoreProcess;

beforeAll(async () => {
  const pairing = randomToken();
  edge = parts.use(await startEdge({ bindings: { PAIRING_SECRET: pairing } }));
  home = parts.use(await createHome(edge, pairing));
  core = await startCore(home, edge);
  parts.defer(() => core.kill());
});
afterAll(() => parts.disposeAsync());

function urlOf(base: URL | string): string {
  return new URL("/gateway", base).href.replace("http", "ws");
}

const CLI = { clientName: "cli", mode: "cli", clientVersion: "1", platform: "linux" } as const;

test("with the token alone it works, and keeps its session while the core is killed and comes back", async () => {
  await using session = await connectReference({
    url: urlOf(edge.url),
    token: home.token,
    ...CLI,
    scopes: ["operator.admin"],
  });
  expect(session.hello).toMatchObject({ protocol: 4, auth: { role: "operator" } });
  expect(await session.client.request("health", {})).toMatchObject({ ok: true });
  await core.kill();
  const asked = session.client.request("health", {});
  core = await startCore(home, edge);
  expect(await asked).toMatchObject({ ok: true });
  expect(await session.client.request("status", {})).toMatchObject({
    runtimeVersion: expect.any(String),
  });
});

test("with a wrong token it hears what the gateway itself would say", async () => {
  await expect(
    connectReference({ url: urlOf(edge.url), token: "wrong", ...CLI }),
  ).rejects.toMatchObject({ details: { code: "AUTH_TOKEN_MISMATCH" } });
});

test("a device pairs through the edge, comes back with its own token, and is out at once when that is revoked", async () => {
  const host = createReferenceHost();
  const ui = { ...CLI, scopes: ["operator.read"], ...host.options };
  await expect(
    connectReference({ url: urlOf(edge.url), token: home.token, ...ui }),
  ).rejects.toMatchObject({ details: { code: "PAIRING_REQUIRED" } });

  await using owner = await connectReference({
    url: urlOf(core.url),
    token: home.token,
    ...CLI,
    scopes: ["operator.admin", "operator.pairing"],
  });
  const { pending } = await owner.client.request<{
    pending: { requestId: string; deviceId: string }[];
  }>("device.pair.list", {});
  const asked = pending.find(({ deviceId }) => deviceId === host.deviceId);
  await owner.client.request("device.pair.approve", { requestId: asked?.requestId });

  const first = await connectReference({ url: urlOf(edge.url), token: home.token, ...ui });
  expect(first.hello.auth).toMatchObject({ scopes: ["operator.read"] });
  expect(host.tokens.get("operator")?.token).toMatch(/^[\w-]{43}$/);
  await first[Symbol.asyncDispose]();

  // From here on without the gateway's token.
  const withOwn = { url: urlOf(edge.url), ...ui };
  const again = await connectReference(withOwn);
  expect(await again.client.request("health", {})).toMatchObject({ ok: true });
  const bearer = { Authorization: `Bearer ${host.tokens.get("operator")?.token ?? ""}` };
  const read = await fetch(new URL("/v1/models", edge.url), { headers: bearer });
  expect(read.status).toBe(200);
  const write = await fetch(new URL("/v1/chat/completions", edge.url), {
    method: "POST",
    headers: bearer,
    body: "{}",
  });
  expect(write.status).toBe(403);

  await owner.client.request("device.token.revoke", { deviceId: host.deviceId, role: "operator" });
  expect((await again.closed).code).toBe(4001);
  await again[Symbol.asyncDispose]();
  await expect(connectReference(withOwn)).rejects.toMatchObject({
    details: { code: expect.stringMatching(/^AUTH_(DEVICE_)?TOKEN_MISMATCH$/) },
  });
  const refused = await fetch(new URL("/v1/models", edge.url), { headers: bearer });
  expect(refused.status).toBe(401);
});
