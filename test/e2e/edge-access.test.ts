import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { generateKeyPair, SignJWT } from "jose";
import { expect, test } from "vitest";
import { randomToken } from "../../shared/bytes.ts";
import { Secret } from "../../shared/secret.ts";
import { createTunnelKey, signPairing, type TunnelKey } from "../../shared/tunnel/handshake.ts";
import { callEdge } from "../support/edge-with-core.ts";
import { type RunningEdge, startEdge } from "../support/edge.ts";
import {
  AUDIENCE,
  clientCertificate,
  type FakeAccess,
  startFakeAccess,
} from "../support/fake-access.ts";
import { connectCore, TOKENS } from "../support/tunnel-core.ts";

const pairing = new Secret(randomToken());
const FINGERPRINT = "ab".repeat(32);

function guardedEdge(bindings: Readonly<Record<string, string>>): Promise<RunningEdge> {
  return startEdge({ bindings: { PAIRING_SECRET: pairing.reveal(), ...bindings } });
}

function behindAccess({ issuer }: FakeAccess): Promise<RunningEdge> {
  return guardedEdge({ ACCESS_TEAM: issuer, ACCESS_AUD: AUDIENCE });
}

/** Introduces a key with the right secret: only a further door can be in the way. */
async function pair(
  { url }: RunningEdge,
  key: TunnelKey,
  assertion?: string,
): Promise<{ readonly status: number; readonly body: unknown }> {
  const target = new URL("/tunnel/pair", url);
  const { kid, publicKey } = key;
  const signed = { kid, publicKey, at: Date.now(), nonce: randomToken(16) };
  const headers = new Headers(await signPairing(pairing, target, signed));
  if (assertion !== undefined) headers.set("Cf-Access-Jwt-Assertion", assertion);
  const response = await fetch(target, { method: "POST", headers });
  return { status: response.status, body: await response.json() };
}

test("behind Access a core is let in with its assertion, and the keys are fetched once", async () => {
  await using access = await startFakeAccess();
  await using edge = await behindAccess(access);
  const { key } = await createTunnelKey();
  for (let index = 0; index < 3; index += 1) {
    expect((await pair(edge, key, await access.assertion())).status).toBe(200);
  }
  expect(access.asked).toBe(1);
});

test.each<[string, (access: FakeAccess) => Promise<string | undefined>]>([
  ["no assertion", async () => undefined],
  ["no JWT", async () => "an.assertion.perhaps"],
  ["one for another application", (access) => access.assertion({ aud: ["another"] })],
  ["one of another team", (access) => access.assertion({ iss: "https://x.cloudflareaccess.com" })],
  ["one that has expired", (access) => access.assertion({ exp: 1_700_000_000 })],
  ["one without an end", (access) => access.assertion({ exp: undefined })],
  [
    "one that somebody else has signed",
    async ({ issuer }) => {
      const { privateKey } = await generateKeyPair("RS256");
      const claims = { iss: issuer, aud: [AUDIENCE] };
      const token = new SignJWT(claims).setIssuedAt().setExpirationTime("1m");
      return token.setProtectedHeader({ alg: "RS256", kid: "key-0" }).sign(privateKey);
    },
  ],
  [
    "one whose signature is an HMAC",
    async ({ issuer }) => {
      const claims = { iss: issuer, aud: [AUDIENCE] };
      const token = new SignJWT(claims).setIssuedAt().setExpirationTime("1m");
      return token.setProtectedHeader({ alg: "HS256", kid: "key-0" }).sign(new Uint8Array(32));
    },
  ],
])("behind Access, %s looks like any other wrong credential", async (_name, make) => {
  await using access = await startFakeAccess();
  const lines: string[] = [];
  const bindings = { PAIRING_SECRET: pairing.reveal(), ACCESS_TEAM: access.issuer };
  await using edge = await startEdge({
    bindings: { ...bindings, ACCESS_AUD: AUDIENCE },
    onLine: (line) => lines.push(line),
  });
  const { key } = await createTunnelKey();
  const refused = await pair(edge, key, await make(access));
  expect(refused).toMatchObject({
    status: 401,
    body: { code: "unauthenticated", detail: "A valid signature of a known key is required" },
  });
  // No relay was woken for it.
  expect(lines.filter((line) => line.includes("relay_awake"))).toEqual([]);
});

test("a tunnel is behind the same door, and all else is not", async () => {
  await using access = await startFakeAccess();
  await using edge = await behindAccess(access);
  for (const path of ["/tunnel", "/tunnel/weur:1"]) {
    const headers = { Upgrade: "websocket", "Sec-WebSocket-Protocol": "gwt.1" };
    const response = await edge.miniflare.dispatchFetch(new URL(path, edge.url), { headers });
    expect(response.status).toBe(401);
  }
  expect(access.asked).toBe(0);
  expect((await callEdge(edge.url, "/health")).status).toBe(200);
});

test("a key that has just become the current one is good at once, and the one before still is", async () => {
  await using access = await startFakeAccess();
  await using edge = await behindAccess(access);
  const { key } = await createTunnelKey();
  const before = await access.assertion();
  await access.rotate();
  const after = await access.assertion();
  expect((await pair(edge, key, after)).status).toBe(200);
  expect((await pair(edge, key, before)).status).toBe(200);
  expect(access.asked).toBe(1);
});

test("while the keys cannot be had the door stays shut, and is not knocked at with each attempt", async () => {
  await using access = await startFakeAccess();
  await using edge = await behindAccess(access);
  access.fail();
  const { key } = await createTunnelKey();
  for (let index = 0; index < 5; index += 1) {
    expect((await pair(edge, key, await access.assertion())).status).toBe(401);
  }
  expect(access.asked).toBe(1);
});

test.each([
  ["the one on the list opens", clientCertificate("SUCCESS", FINGERPRINT), 200],
  ["another one does not", clientCertificate("SUCCESS", "cd".repeat(32)), 401],
  [
    "one that nobody has verified does not",
    clientCertificate("FAILED:self signed certificate", FINGERPRINT),
    401,
  ],
])("where a certificate is asked for, %s", async (_name, tlsClientAuth, status) => {
  await using edge = await guardedEdge({ MTLS_FINGERPRINTS: FINGERPRINT });
  const { key } = await createTunnelKey();
  const target = new URL("/tunnel/pair", edge.url);
  const { kid, publicKey } = key;
  const signed = { kid, publicKey, at: Date.now(), nonce: randomToken(16) };
  const headers = await signPairing(pairing, target, signed);
  const cf = { tlsClientAuth };
  const response = await edge.miniflare.dispatchFetch(target, { method: "POST", headers, cf });
  expect(response.status).toBe(status);
});

test("while Access is gone, clients and webhooks are served as ever", async () => {
  const storageDir = await mkdtemp(join(tmpdir(), "sallyport-access-"));
  try {
    {
      const bindings = { PAIRING_SECRET: pairing.reveal() };
      await using open = await startEdge({ storageDir, bindings });
      await using core = await connectCore({ edge: open.url, pairing });
      expect(core.tunnel.state.connected).toBe(true);
    }
    await using access = await startFakeAccess();
    access.fail();
    const bindings = { ACCESS_TEAM: access.issuer, ACCESS_AUD: AUDIENCE };
    await using edge = await startEdge({ storageDir, bindings });
    const response = await callEdge(edge.url, "/a", { token: TOKENS.operator });
    // Let in; that there is no core is another matter.
    expect(await response.json()).toMatchObject({ code: "core_offline" });
    const headers = { Authorization: `Bearer ${TOKENS.hook}`, "Idempotency-Key": "order-1" };
    const webhook = { method: "POST", headers, body: "{}" };
    expect((await callEdge(edge.url, "/hooks/agent", webhook)).status).toBe(200);
    expect(access.asked).toBe(0);
  } finally {
    await rm(storageDir, { recursive: true, force: true });
  }
});
