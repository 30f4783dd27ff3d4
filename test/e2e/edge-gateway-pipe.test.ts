/** What becomes of a client that was let in by its first frame. */
import { once } from "node:events";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { ClientSocket } from "../../core/tunnel/handlers.ts";
import { randomToken } from "../../shared/bytes.ts";
import { digestOf } from "../../shared/constant-time.ts";
import type { EdgeBundle } from "../../shared/edge-bundle.ts";
import { Secret } from "../../shared/secret.ts";
import { type RunningEdge, startEdge } from "../support/edge.ts";
import { bundleFaultyEdge, evictRelay, faultsOf } from "../support/evict.ts";
import { connectFrame, type GatewaySocket, openGatewaySocket } from "../support/gateway-socket.ts";
import { upgradeStatus } from "../support/raw-request.ts";
import { aBundle, connectCore, type TunnelCore, TOKENS } from "../support/tunnel-core.ts";

const pairing = new Secret(randomToken());
const shelf = new Map<string, string>();
let edge: RunningEdge;
let core: TunnelCore;
let bundle: EdgeBundle;
let last: ClientSocket | undefined;
const closes: number[] = [];
/** By socket: those of earlier tests may close late. */
const ends = new Map<ClientSocket, number>();

/** Greets, and then answers each message with itself and the number of those before it. */
function take(socket: ClientSocket, kept: string): void {
  last = socket;
  let count = Number(kept);
  socket.listen({
    onMessage(message, receipt) {
      count += 1;
      socket.keep(String(count));
      if (count === 1) receipt.answer('{"type":"res","id":"1","ok":true}');
      else if (typeof message === "string") receipt.answer(JSON.stringify({ count, message }));
      else receipt.answer(message);
    },
    onClose(code) {
      closes.push(code);
      ends.set(socket, code);
    },
  });
}

function start(): Promise<TunnelCore> {
  const accepted = { accepted: true, protocol: undefined, survives: true } as const;
  return connectCore({
    edge: edge.url,
    pairing,
    shelf,
    bundle: () => bundle,
    upgrade: async () => ({ ...accepted, take: (socket) => take(socket, "0") }),
    reattach: async (_request, _caller, kept) => ({
      ...accepted,
      take: (socket) => take(socket, kept || "0"),
    }),
  });
}

beforeAll(async () => {
  bundle = await aBundle();
  const bindings = { PAIRING_SECRET: pairing.reveal() };
  edge = await startEdge({ bindings, scriptPath: await bundleFaultyEdge() });
  core = await start();
});
afterAll(async () => {
  await core[Symbol.asyncDispose]();
  await edge[Symbol.asyncDispose]();
});

async function greeted(token: string = TOKENS.operator): Promise<GatewaySocket> {
  const client = await openGatewaySocket(edge.url);
  client.send(connectFrame({ auth: { token } }));
  await client.frame({ type: "res", ok: true });
  return client;
}

async function said(client: GatewaySocket, message: string): Promise<unknown> {
  client.send(message);
  return (await client.frame({ message }))["count"];
}

test("what is said before the greeting, and after it, arrives in order", async () => {
  using client = await openGatewaySocket(edge.url);
  client.send(connectFrame({ auth: { token: TOKENS.operator } }));
  for (let index = 0; index < 10; index += 1) client.send(`m${index}`);
  await client.frame({ message: "m9" });
  expect(client.frames.slice(2).map(({ message }) => message)).toEqual(
    Array.from({ length: 10 }, (_v, index) => `m${index}`),
  );
});

test("bytes stay bytes", async () => {
  using client = await greeted();
  const bytes = Buffer.from([0, 255, 128, 7]);
  client.socket.removeAllListeners("message");
  const answer = once(client.socket, "message");
  client.send(bytes);
  expect(await answer).toEqual([bytes, true]);
});

test.each([
  [4123, "as I said"],
  [1000, ""],
  [1012, "service restart"],
])("a core that closes with %i closes its client with it", async (code, reason) => {
  using client = await greeted();
  last?.close(code, reason);
  expect(await client.ended).toEqual({ code, reason });
});

test("a client that closes closes with its own code at the core", async () => {
  const client = await greeted();
  const atCore = last;
  client.socket.close(4321, "enough");
  await expect.poll(() => atCore && ends.get(atCore)).toBe(4321);
});

test("a client that is cut off has gone away", async () => {
  const client = await greeted();
  const atCore = last;
  client.socket.terminate();
  await expect.poll(() => atCore && ends.get(atCore)).toBe(1001);
});

test("a client that goes while it is being let in leaves nothing behind", async () => {
  const client = await openGatewaySocket(edge.url);
  client.send(connectFrame({ auth: { token: TOKENS.operator } }));
  closes.length = 0;
  client.socket.close(1000);
  await client.ended;
  const next = await greeted();
  next.socket.close(4000);
  await expect.poll(() => closes).toContain(4000);
});

test("much at once for a client that reads arrives whole", async () => {
  using client = await greeted();
  const text = "x".repeat(1024 * 1024);
  for (let index = 0; index < 20; index += 1) {
    last?.send(JSON.stringify({ message: `${index}`, text }));
  }
  await client.frame({ message: "19" });
  expect(client.frames.filter((frame) => frame["text"] === text)).toHaveLength(20);
});

test("a client that reads nothing is given up before the isolate is full of what it is owed", async () => {
  const client = await greeted();
  client.socket.pause();
  closes.length = 0;
  const text = JSON.stringify({ text: "x".repeat(1024 * 1024) });
  for (let index = 0; index < 120; index += 1) last?.send(text);
  await expect.poll(() => closes).toContain(1013);
  client.socket.terminate();
});

test("a client stays connected while its core is restarted, and nothing is lost or doubled", async () => {
  using client = await greeted();
  expect(await said(client, "before")).toBe(2);
  await core[Symbol.asyncDispose]();
  client.send("while nobody works");
  core = await start();
  expect((await client.frame({ message: "while nobody works" }))["count"]).toBe(3);
  expect(await said(client, "after")).toBe(4);
});

test("a client goes on when its relay has forgotten everything but its sockets", async () => {
  using client = await greeted();
  expect(await said(client, "before")).toBe(2);
  await evictRelay(edge);
  expect(await said(client, "after")).toBe(3);
});

test("a client whose relay dies is told to come back, and does", async () => {
  using client = await greeted();
  await faultsOf(edge)
    .abort()
    .catch(() => undefined);
  expect(await client.ended).toEqual({ code: 1012, reason: "service restart" });
  await expect
    .poll(async () => {
      using again = await openGatewaySocket(edge.url);
      again.send(connectFrame({ auth: { token: TOKENS.operator } }));
      return (await again.frame({ type: "res" }))["ok"];
    })
    .toBe(true);
});

test("while no core is there a client is told to wait, in the words that it knows", async () => {
  await core[Symbol.asyncDispose]();
  try {
    using client = await openGatewaySocket(edge.url);
    client.send(connectFrame({ auth: { token: TOKENS.operator } }));
    expect(await client.frame({ type: "res" })).toMatchObject({
      ok: false,
      error: {
        code: "UNAVAILABLE",
        details: { reason: "startup-sidecars" },
        retryable: true,
        retryAfterMs: expect.any(Number),
      },
    });
    expect(await client.ended).toMatchObject({ code: 1013 });
  } finally {
    core = await start();
  }
});

test("a token that is taken back closes whom it has let in, by whichever way, and nobody else", async () => {
  const digest = await digestOf("of-a-device");
  const device = { digest, subject: "device:1", scopes: ["operator"], kind: "device" } as const;
  bundle = { ...bundle, verifiers: [...bundle.verifiers, { ...device, scopes: ["operator"] }] };
  await core.republish();
  await expect
    .poll(() => upgradeStatus(edge.url, "/ws", { Authorization: "Bearer of-a-device" }))
    .toBe(101);
  using direct = await openGatewaySocket(edge.url, {
    headers: { Authorization: "Bearer of-a-device" },
  });
  using revoked = await greeted("of-a-device");
  using other = await greeted();

  bundle = { ...bundle, verifiers: bundle.verifiers.filter((one) => one.digest !== digest) };
  await core.republish();

  const changed = { code: 4001, reason: "auth changed" };
  expect(await Promise.all([direct.ended, revoked.ended])).toEqual([changed, changed]);
  using again = await openGatewaySocket(edge.url);
  again.send(connectFrame({ auth: { token: "of-a-device" } }));
  expect(await again.frame({ type: "res" })).toMatchObject({
    error: { details: { code: "AUTH_TOKEN_MISMATCH" } },
  });
  expect(await said(other, "still here")).toBe(2);
});
