import { once } from "node:events";
import { afterAll, beforeAll, expect, test } from "vitest";
import { WebSocket } from "ws";
import type { ClientSocket, TunnelHandlers, Upgrade } from "../../core/tunnel/handlers.ts";
import { randomToken } from "../../shared/bytes.ts";
import { Secret } from "../../shared/secret.ts";
import { type RunningEdge, startEdge } from "../support/edge.ts";
import { connectCore, type TunnelCore, TOKENS } from "../support/tunnel-core.ts";

const pairing = new Secret(randomToken());
const shelf = new Map<string, string>();
let edge: RunningEdge;

beforeAll(async () => {
  edge = await startEdge({ bindings: { PAIRING_SECRET: pairing.reveal() } });
});

afterAll(async () => {
  await edge[Symbol.asyncDispose]();
});

/** Answers each message with itself and how often this client has been answered, over all cores. */
function counting(kept: string, survives: boolean): Upgrade {
  return {
    accepted: true,
    protocol: undefined,
    survives,
    take(socket: ClientSocket) {
      let count = Number(kept);
      socket.listen({
        onMessage(message, receipt) {
          count += 1;
          socket.keep(String(count));
          receipt.answer(`${count}:${String(message)}`);
        },
        onClose: () => undefined,
      });
    },
  };
}

function start(change: Partial<TunnelHandlers> = {}): Promise<TunnelCore> {
  return connectCore({
    edge: edge.url,
    pairing,
    shelf,
    upgrade: async (request) => counting("0", new URL(request.url).pathname !== "/dies"),
    reattach: async (_request, _caller, kept) => counting(kept || "0", true),
    ...change,
  });
}

async function open(path = "/survives"): Promise<WebSocket> {
  const url = new URL(path, edge.url);
  url.protocol = "ws:";
  const headers = { Authorization: `Bearer ${TOKENS.operator}` };
  const socket = new WebSocket(url, [], { headers });
  await once(socket, "open");
  return socket;
}

async function ask(socket: WebSocket, text: string): Promise<string> {
  socket.send(text);
  const [message] = await once(socket, "message");
  return String(message);
}

test("a client stays connected through ten restarts of the core, and nothing is lost or doubled", async () => {
  let core = await start();
  const socket = await open();
  const got: string[] = [];
  const closes: number[] = [];
  socket.on("message", (message: Buffer) => got.push(message.toString("utf8")));
  socket.on("close", (code) => closes.push(code));
  const expected: string[] = [];
  let sent = 0;
  const say = (count: number): void => {
    for (let index = 0; index < count; index += 1) {
      sent += 1;
      socket.send(`m${sent}`);
      expected.push(`${sent}:m${sent}`);
    }
  };
  for (let restart = 0; restart < 10; restart += 1) {
    say(5);
    await core[Symbol.asyncDispose]();
    say(5);
    core = await start();
    say(1);
  }
  while (got.length < expected.length && closes.length === 0) await once(socket, "message");
  expect(closes).toEqual([]);
  expect(got).toEqual(expected);
  socket.terminate();
  await core[Symbol.asyncDispose]();
});

test("a client that does not survive its core is told to come back", async () => {
  const core = await start();
  const socket = await open("/dies");
  expect(await ask(socket, "a")).toBe("1:a");
  const closed = once(socket, "close");
  await core[Symbol.asyncDispose]();
  expect((await closed)[0]).toBe(1012);
});

test("a client that the next core does not know is told to come back", async () => {
  const core = await start();
  const socket = await open();
  expect(await ask(socket, "a")).toBe("1:a");
  const closed = once(socket, "close");
  await core[Symbol.asyncDispose]();
  const response = new Response("who?", { status: 403 });
  const next = await start({ reattach: async () => ({ accepted: false, response }) });
  expect((await closed)[0]).toBe(1012);
  await next[Symbol.asyncDispose]();
});

test("a request that finds the core gone a moment ago is answered by the next one", async () => {
  const core = await start();
  await core[Symbol.asyncDispose]();
  const answer = fetch(new URL("/x", edge.url), {
    headers: { Authorization: `Bearer ${TOKENS.operator}` },
  });
  const next = await start();
  expect((await answer).status).toBe(200);
  await next[Symbol.asyncDispose]();
});

test("a message too many for a client without a core closes that client", async () => {
  const core = await start();
  const socket = await open();
  const other = await open();
  const closed = once(socket, "close");
  await core[Symbol.asyncDispose]();
  for (let index = 0; index < 300; index += 1) socket.send("x");
  expect((await closed)[0]).toBe(1013);
  const next = await start();
  expect(await ask(other, "still here")).toBe("1:still here");
  other.terminate();
  await next[Symbol.asyncDispose]();
});
