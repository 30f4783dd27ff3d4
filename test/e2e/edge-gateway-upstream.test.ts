/** An upstream that speaks the gateway protocol, for clients that have nothing but the edge's token. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { type WebSocket, WebSocketServer } from "ws";
import type { ConnectParams } from "../../shared/gateway/connect-params.ts";
import { checkDeviceProof } from "../../shared/gateway/device-proof.ts";
import { readConnect } from "../../shared/gateway/read-connect.ts";
import { Secret } from "../../shared/secret.ts";
import { type ConnectedUpstream, startUpstream } from "../support/connector.ts";
import { listening } from "../support/http-upstream.ts";
import { connectReference, createReferenceHost } from "../support/reference-client.ts";
import { upgradeStatus } from "../support/raw-request.ts";

const TOKEN = "of-the-upstream";
const parts = new AsyncDisposableStack();
const connects: { readonly params: ConnectParams; readonly fault: string | undefined }[] = [];
let site: ConnectedUpstream;
let stranger: ConnectedUpstream;

/** Greets and checks as OpenClaw does: its own challenge, its own token, and the device's proof. */
function gateway(socket: WebSocket): void {
  const challenge = { nonce: crypto.randomUUID(), ts: Date.now() - 1_000 };
  socket.send(JSON.stringify({ type: "event", event: "connect.challenge", payload: challenge }));
  socket.once("message", (data: Buffer) => {
    void answer(socket, data.toString(), challenge.nonce);
  });
}

async function answer(socket: WebSocket, text: string, nonce: string): Promise<void> {
  const read = readConnect(text, Buffer.byteLength(text));
  if (!read.ok) return socket.close(1008, read.error.closeReason);
  const { id, params } = read.value;
  const fault = params.device && (await checkDeviceProof(params.device, params, nonce, Date.now()));
  connects.push({ params, fault });
  if (params.auth.token !== TOKEN) return socket.close(1008, "token mismatch");
  if (fault !== undefined) return socket.close(1008, fault);
  socket.on("message", (data: Buffer) => {
    const request: { id: string } = JSON.parse(data.toString());
    socket.send(JSON.stringify({ type: "res", id: request.id, ok: true, payload: { ok: true } }));
  });
  const payload = {
    type: "hello-ok",
    protocol: 4,
    server: { version: "1", connId: "c" },
    features: { methods: ["health"], events: [] },
    snapshot: { presence: [], health: {}, stateVersion: { presence: 0, health: 0 }, uptimeMs: 1 },
    auth: { role: "operator", scopes: params.scopes, deviceToken: "of-our-stand-in" },
    policy: { maxPayload: 1_000_000, maxBufferedBytes: 1_000_000, tickIntervalMs: 30_000 },
  };
  socket.send(JSON.stringify({ type: "res", id, ok: true, payload }));
}

beforeAll(async () => {
  const http = parts.use(await listening());
  const server = new WebSocketServer({ server: http.server });
  server.on("connection", gateway);
  const settings = { token: new Secret(TOKEN), deviceSecret: new Secret("of-devices") };
  const translate = { ...settings, translate: "openclaw" } as const;
  site = parts.use(await startUpstream({ url: http.url, settings: translate }));
  stranger = parts.use(await startUpstream({ url: http.url }));
});
afterAll(() => parts.disposeAsync());

const CLIENT = { clientName: "cli", mode: "cli", clientVersion: "1", platform: "linux" } as const;

function urlOf({ edge }: ConnectedUpstream): string {
  return new URL("/", edge.url).href.replace("http", "ws");
}

test("the edge's token is all that a client needs, and the upstream gets its own", async () => {
  await using session = await connectReference({ url: urlOf(site), token: site.token, ...CLIENT });
  expect(await session.client.request("health", {})).toEqual({ ok: true });
  expect(connects.at(-1)).toMatchObject({ params: { auth: { token: TOKEN } }, fault: undefined });
});

test("a device that answered the edge's challenge is stood in for by one that answers the upstream's", async () => {
  const host = createReferenceHost();
  const url = urlOf(site);
  await using session = await connectReference({
    url,
    token: site.token,
    ...CLIENT,
    ...host.options,
  });
  expect(await session.client.request("health", {})).toEqual({ ok: true });
  expect(connects.at(-1)?.fault).toBeUndefined();
  expect(connects.at(-1)?.params.device?.id).toMatch(/^[\da-f]{64}$/);
  expect(connects.at(-1)?.params.device?.id).not.toBe(host.deviceId);
  // Made out to our stand-in.
  expect(host.tokens.size).toBe(0);
});

test("a client with another token does not get as far as the upstream", async () => {
  const before = connects.length;
  await expect(
    connectReference({ url: urlOf(site), token: TOKEN, ...CLIENT }),
  ).rejects.toMatchObject({ details: { code: "AUTH_TOKEN_MISMATCH" } });
  expect(connects.length).toBe(before);
});

test("in front of an upstream of which nobody has said what it speaks, nobody is greeted", async () => {
  expect(await upgradeStatus(stranger.edge.url, "/")).toBe(401);
});
