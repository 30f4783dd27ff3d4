import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import { afterAll, beforeAll, expect, test } from "vitest";
import { WebSocket } from "ws";
import { randomToken } from "../../shared/bytes.ts";
import { LIMITS } from "../../shared/limits.ts";
import { Secret } from "../../shared/secret.ts";
import {
  createTunnelKey,
  signConnect,
  signPairing,
  SUPPORTED_PROTOCOLS,
  type TunnelKey,
} from "../../shared/tunnel/handshake.ts";
import { callEdge } from "../support/edge-with-core.ts";
import { type RunningEdge, startEdge } from "../support/edge.ts";

const pairing = new Secret(randomToken());
let edge: RunningEdge;
let key: TunnelKey;

beforeAll(async () => {
  const relays = { RELAYS: "weur:1,enam:1", RELAYS_DRAINING: "weur:0" };
  edge = await startEdge({ bindings: { PAIRING_SECRET: pairing.reveal(), ...relays } });
  ({ key } = await createTunnelKey());
  expect((await pair(pairing, key)).status).toBe(200);
});
afterAll(() => edge[Symbol.asyncDispose]());

async function pair(
  secret: Secret,
  { kid, publicKey }: TunnelKey,
  at = Date.now(),
): Promise<Response> {
  const url = new URL("/tunnel/pair", edge.url);
  const headers = await signPairing(secret, url, { kid, publicKey, at, nonce: randomToken(16) });
  return fetch(url, { method: "POST", headers });
}

interface Refusal {
  readonly status: number;
  readonly headers: IncomingMessage["headers"];
  readonly body: unknown;
}

/** Dials in; gives the refusal, or undefined when it was let in. */
async function dial(
  change: {
    key?: TunnelKey;
    at?: number;
    nonce?: string;
    protocols?: string[];
    path?: string;
    signedPath?: string;
  } = {},
): Promise<Refusal | undefined> {
  const url = new URL(change.path ?? "/tunnel", edge.url);
  const claims = {
    nonce: change.nonce ?? randomToken(16),
    at: change.at ?? Date.now(),
    instance: randomToken(16),
  };
  const signed = new URL(change.signedPath ?? url.pathname, url);
  const headers = await signConnect(change.key ?? key, signed, claims);
  const socket = new WebSocket(url, change.protocols ?? [...SUPPORTED_PROTOCOLS], { headers });
  const refused = Promise.withResolvers<Refusal | undefined>();
  socket.on("unexpected-response", (_request, response) => {
    readJson(response).then(
      (body) =>
        refused.resolve({ status: response.statusCode ?? 0, headers: response.headers, body }),
      refused.reject,
    );
  });
  socket.on("open", () => refused.resolve(undefined));
  socket.on("error", refused.reject);
  const result = await refused.promise;
  if (result === undefined) {
    socket.close();
    await once(socket, "close");
  }
  return result;
}

async function readJson(response: IncomingMessage): Promise<unknown> {
  const parts: Buffer[] = [];
  for await (const part of response) parts.push(Buffer.from(part));
  return JSON.parse(Buffer.concat(parts).toString());
}

test("a core whose key is known is let in", async () => {
  expect(await dial()).toBeUndefined();
});

test.each(["weur:1", "enam:1", "weur:0"])("a core may dial %s by its name", async (name) => {
  expect(await dial({ path: `/tunnel/${name}` })).toBeUndefined();
});

test("a relay that this edge does not have is not found, but only by a core", async () => {
  const { key: stranger } = await createTunnelKey();
  const path = "/tunnel/oc:1";
  expect(await dial({ path })).toMatchObject({ status: 404, body: { code: "not_found" } });
  expect(await dial({ path, key: stranger })).toMatchObject({ status: 401 });
});

test("a signature for one relay opens no other", async () => {
  const refusal = await dial({ path: "/tunnel/enam:1", signedPath: "/tunnel" });
  expect(refusal).toMatchObject({ status: 401, body: { code: "unauthenticated" } });
});

test("a newer core is let in with the protocol both know", async () => {
  expect(await dial({ protocols: ["gwt.99", ...SUPPORTED_PROTOCOLS] })).toBeUndefined();
});

test("a core from the future is told what this edge speaks", async () => {
  const refusal = await dial({ protocols: ["gwt.99"] });
  expect(refusal?.status).toBe(426);
  expect(refusal?.headers["sec-websocket-protocol"]).toBe(SUPPORTED_PROTOCOLS.join(", "));
  expect(refusal?.body).toMatchObject({
    code: "version_unsupported",
    supported: [...SUPPORTED_PROTOCOLS],
  });
});

test("a plain request to the tunnel is told to upgrade", async () => {
  const response = await callEdge(edge.url, "/tunnel");
  expect(response.status).toBe(426);
  expect(await response.json()).toMatchObject({ detail: "A core connects by WebSocket" });
});

test("an unknown key and a forged signature look the same", async () => {
  const { key: stranger } = await createTunnelKey();
  const unknown = await dial({ key: stranger });
  const forged = await dial({ key: { ...stranger, kid: key.kid } });
  expect(unknown).toMatchObject({ status: 401, body: { code: "unauthenticated" } });
  expect(unknown?.headers["www-authenticate"]).toBe("GWT-Ed25519");
  const same = { requestId: "" };
  expect({ ...Object(forged?.body), ...same }).toEqual({ ...Object(unknown?.body), ...same });
});

test.each([
  ["slow", -LIMITS.connectSkewMs - 5_000],
  ["fast", LIMITS.connectSkewMs + 5_000],
])(
  "a core whose clock is %s is told the time, and let in once it has set it",
  async (_name, offset) => {
    const refusal = await dial({ at: Date.now() + offset });
    expect(refusal).toMatchObject({
      status: 401,
      body: { code: "clock_skew", retrySafe: true, serverTime: expect.any(Number) },
    });
    expect(Math.abs(Date.parse(refusal?.headers.date ?? "") - Date.now())).toBeLessThan(10_000);
  },
);

test("a connect request that was overheard lets nobody in a second time", async () => {
  const nonce = randomToken(16);
  const at = Date.now();
  expect(await dial({ nonce, at })).toBeUndefined();
  expect(await dial({ nonce, at })).toMatchObject({ status: 401, body: { code: "replayed" } });
});

test.each([
  ["with another secret", new Secret(randomToken()), 0, "unauthenticated"],
  ["signed an hour ago", pairing, -3_600_000, "clock_skew"],
])("a pairing request %s is refused", async (_name, secret, offset, code) => {
  const { key: other } = await createTunnelKey();
  const response = await pair(secret, other, Date.now() + offset);
  expect(response.status).toBe(401);
  expect(await response.json()).toMatchObject({ code });
});

test("a pairing secret lets in one key, and the same one again", async () => {
  const { key: second } = await createTunnelKey();
  expect((await pair(pairing, second)).status).toBe(409);
  expect((await pair(pairing, key)).status).toBe(200);
});

test("without a pairing secret nobody can pair", async () => {
  await using closed = await startEdge();
  const response = await callEdge(closed.url, "/tunnel/pair", { method: "POST" });
  expect(response.status).toBe(403);
});
