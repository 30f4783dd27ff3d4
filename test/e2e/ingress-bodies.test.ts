/** Webhooks that are long, and those that take long. */
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, expect, test } from "vitest";
import { randomToken } from "../../shared/bytes.ts";
import { LIMITS } from "../../shared/limits.ts";
import { Secret } from "../../shared/secret.ts";
import { callEdge } from "../support/edge-with-core.ts";
import { type RunningEdge, startEdge } from "../support/edge.ts";
import { bundleFaultyEdge, faultsOf } from "../support/evict.ts";
import { bodyOf, strayIn } from "../support/invariants.ts";
import { aBundle, connectCore, type TunnelCore } from "../support/tunnel-core.ts";
import { hmacText } from "../support/webhook-senders/signing.ts";

const MAX_BYTES = LIMITS.maxWebhookBytes;
const secret = randomToken();
const pairing = new Secret(randomToken());
const shelf = new Map<string, string>();
let edge: RunningEdge;
let core: TunnelCore;

async function connectAgain(): Promise<TunnelCore> {
  const bundle = await aBundle({
    routes: [
      {
        name: "files",
        verification: { scheme: "github", secrets: [secret] },
        maxBodyBytes: MAX_BYTES,
      },
    ],
  });
  return connectCore({ edge: edge.url, pairing, shelf, bundle: () => bundle });
}

beforeAll(async () => {
  const bindings = { PAIRING_SECRET: pairing.reveal() };
  edge = await startEdge({ scriptPath: await bundleFaultyEdge(), bindings, rateLimits: false });
  core = await connectAgain();
});
afterAll(async () => {
  await core[Symbol.asyncDispose]();
  await edge[Symbol.asyncDispose]();
});

function headersOf(id: string, body: Uint8Array): Record<string, string> {
  return {
    "Content-Type": "application/octet-stream",
    "X-GitHub-Delivery": id,
    "X-GitHub-Event": "push",
    "X-Hub-Signature-256": `sha256=${hmacText("sha256", secret, [body], "hex")}`,
  };
}

function post(id: string, body: Uint8Array<ArrayBuffer>): Promise<Response> {
  return callEdge(edge.url, "/hooks/files", { method: "POST", headers: headersOf(id, body), body });
}

test("a body of the greatest length there is arrives as it was, at once and after an outage", async () => {
  expect((await post("express", bodyOf(1, MAX_BYTES))).status).toBe(200);
  await core.delivered(1);
  expect(strayIn(core.deliveries.at(-1)?.body ?? new Uint8Array(), 1, MAX_BYTES)).toBeUndefined();
  expect(core.deliveries.at(-1)?.body.byteLength).toBe(MAX_BYTES);

  await core[Symbol.asyncDispose]();
  expect((await post("spooled", bodyOf(2, MAX_BYTES))).status).toBe(200);
  expect((await post("small", bodyOf(3, 10))).status).toBe(200);
  core = await connectAgain();
  await core.delivered(2);
  const bodies = new Map(core.deliveries.map(({ id, body }) => [id, body]));
  const spooled = bodies.get("files:spooled") ?? new Uint8Array();
  expect(strayIn(spooled, 2, MAX_BYTES)).toBeUndefined();
  expect(spooled.byteLength).toBe(MAX_BYTES);
  expect(bodies.get("files:small")).toEqual(bodyOf(3, 10));
});

test.each<[string, boolean]>([
  ["that is told beforehand", true],
  ["that nobody has told", false],
])("one byte more is refused, of a length %s", async (_name, isTold) => {
  const before = core.deliveries.length;
  const body = bodyOf(4, MAX_BYTES + 1);
  const streamed = new Blob([body]).stream();
  const response = await callEdge(edge.url, "/hooks/files", {
    method: "POST",
    headers: headersOf("too-long", body),
    ...(isTold ? { body } : { body: streamed, duplex: "half" }),
  });
  expect(response.status).toBe(413);
  expect(core.deliveries).toHaveLength(before);
});

/** Sends the head of a webhook of that length, and of its body what comes first. */
async function begin(body: Uint8Array, sent: number): Promise<Socket> {
  const socket = connect({ port: Number(edge.url.port), host: "127.0.0.1" });
  await once(socket, "connect");
  const headers = { ...headersOf("slow", body), "Content-Length": String(body.byteLength) };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.write(`POST /hooks/files HTTP/1.1\r\nHost: ${edge.url.host}\r\nConnection: close\r\n`);
  socket.write(`${lines.join("")}\r\n`);
  socket.write(body.subarray(0, sent));
  return socket;
}

test("a body that trickles in is given up, and others are served meanwhile", async () => {
  const before = core.deliveries.length;
  const body = bodyOf(5, 1_000);
  const slow = await Promise.all(Array.from({ length: 20 }, () => begin(body, 10)));
  expect((await post("beside-slow-ones", bodyOf(6, 100_000))).status).toBe(200);
  await faultsOf(edge).setClock(11_000);
  for (const socket of slow) socket.write(body.subarray(10, 11));
  const answers = await Promise.all(slow.map((socket) => text(socket)));
  expect([...new Set(answers.map((answer) => answer.split("\r\n")[0]))]).toEqual([
    "HTTP/1.1 408 Request Timeout",
  ]);
  await faultsOf(edge).setClock(0);
  expect(core.deliveries).toHaveLength(before + 1);
});

test("long bodies that nobody finishes take no more than their share of memory", async () => {
  const before = core.deliveries.length;
  const body = bodyOf(7, MAX_BYTES);
  // Four of these would be more than an isolate holds; some are turned away at once.
  const held = await Promise.all(Array.from({ length: 4 }, () => begin(body, MAX_BYTES - 1)));
  const busy = await Promise.race(held.map((socket) => text(socket)));
  expect(busy).toContain("HTTP/1.1 503");
  expect(busy.toLowerCase()).toContain("retry-after:");
  for (const socket of held) socket.destroy();
  // What they held is given back.
  const size = 20 * 1024 * 1024;
  let status = 0;
  while (status !== 200) ({ status } = await post("after-long-ones", bodyOf(8, size)));
  expect(core.deliveries).toHaveLength(before + 1);
  expect(strayIn(core.deliveries.at(-1)?.body ?? new Uint8Array(), 8, size)).toBeUndefined();
});
