import { once } from "node:events";
import { afterAll, beforeAll, expect, test } from "vitest";
import { WebSocket } from "ws";
import type { ClientSocket, Upgrade } from "../../core/tunnel/handlers.ts";
import { randomToken } from "../../shared/bytes.ts";
import { LIMITS } from "../../shared/limits.ts";
import { Secret } from "../../shared/secret.ts";
import { type RunningEdge, startEdge } from "../support/edge.ts";
import { connectCore, type TunnelCore, TOKENS } from "../support/tunnel-core.ts";

const pairing = new Secret(randomToken());
let edge: RunningEdge;
let core: TunnelCore;
/** The core's end of the socket that was opened last. */
let accepted: PromiseWithResolvers<ClientSocket>;
let closedAtCore: PromiseWithResolvers<[number, string]>;

beforeAll(async () => {
  edge = await startEdge({ bindings: { PAIRING_SECRET: pairing.reveal() } });
  core = await connectCore({
    edge: edge.url,
    pairing,
    upgrade: async (request) => echo(request),
  });
});

afterAll(async () => {
  await core[Symbol.asyncDispose]();
  await edge[Symbol.asyncDispose]();
});

/** Sends back what it gets; refuses where the path says so. */
function echo(request: Request): Upgrade {
  const { pathname } = new URL(request.url);
  if (pathname === "/refuse") {
    return { accepted: false, response: Response.json({ why: "not here" }, { status: 403 }) };
  }
  return {
    accepted: true,
    protocol: request.headers.get("Sec-WebSocket-Protocol")?.split(",")[0]?.trim(),
    survives: false,
    take(socket) {
      // Of this dial: a client of an earlier test may be gone only now.
      const closed = closedAtCore;
      accepted.resolve(socket);
      socket.listen({
        onMessage: (message, receipt) => receipt.answer(message),
        onClose: (code, reason) => closed.resolve([code, reason]),
      });
    },
  };
}

function dial(path: string, protocols: string[] = [], token: string = TOKENS.operator): WebSocket {
  accepted = Promise.withResolvers();
  closedAtCore = Promise.withResolvers();
  const url = new URL(path, edge.url);
  url.protocol = "ws:";
  return new WebSocket(url, protocols, { headers: { Authorization: `Bearer ${token}` } });
}

async function open(path = "/gateway", protocols: string[] = []): Promise<WebSocket> {
  const socket = dial(path, protocols);
  await once(socket, "open");
  return socket;
}

async function refusal(socket: WebSocket): Promise<number | undefined> {
  const answered = Promise.withResolvers<number | undefined>();
  socket.on("unexpected-response", (_request, response) => {
    answered.resolve(response.statusCode);
    response.destroy();
  });
  socket.on("error", () => undefined);
  return answered.promise;
}

test.each<[string, string | Buffer]>([
  ["text", "hello"],
  ["empty text", ""],
  ["text beyond ASCII", "grüße € 😀"],
  ["bytes", Buffer.from([0, 255, 128])],
  ["a message of many frames", Buffer.alloc(1_000_000, 7)],
])("%s comes back as it was sent", async (_name, message) => {
  const socket = await open();
  socket.send(message);
  const [data, isBinary] = await once(socket, "message");
  expect(isBinary).toBe(typeof message !== "string");
  expect(Buffer.from(message).equals(Buffer.from(data))).toBe(true);
  socket.terminate();
});

test("messages keep their order", async () => {
  const socket = await open();
  const seen: number[] = [];
  const all = new Promise<void>((resolve) => {
    socket.on("message", (data: Buffer) => {
      seen.push(Number(data.toString()));
      if (seen.length === 500) resolve();
    });
  });
  for (let index = 0; index < 500; index += 1) socket.send(String(index));
  await all;
  expect(seen).toEqual(Array.from({ length: 500 }, (_v, index) => index));
  socket.terminate();
});

test("the subprotocol is the one the core chose", async () => {
  const socket = await open("/gateway", ["b.2", "a.1"]);
  expect(socket.protocol).toBe("b.2");
  socket.terminate();
});

test("the core's refusal is an HTTP answer, not an opened and closed socket", async () => {
  expect(await refusal(dial("/refuse"))).toBe(403);
});

test("a bad token never reaches the core", async () => {
  let reached = false;
  const socket = dial("/gateway", [], "wrong");
  void accepted.promise.then(() => {
    reached = true;
    return undefined;
  });
  expect(await refusal(socket)).toBe(401);
  expect(reached).toBe(false);
});

test.each([
  ["with code and reason", 4001, "gone home", [4001, "gone home"]],
  ["normally", 1000, "", [1000, ""]],
  ["without a code", undefined, "", [1005, ""]],
] as const)(
  "a client that closes %s is heard at the core so",
  async (_name, code, reason, heard) => {
    const socket = await open();
    await accepted.promise;
    // Which of the two hears of it first is nobody's promise.
    const closed = once(socket, "close");
    socket.close(code, reason);
    expect(await closedAtCore.promise).toEqual(heard);
    await closed;
  },
);

test("the core's close reaches the client with code and reason", async () => {
  const socket = await open();
  const server = await accepted.promise;
  const message = once(socket, "message");
  const closed = once(socket, "close");
  server.send("last words");
  server.close(4002, "server says bye");
  const [[data], [code, reason]] = await Promise.all([message, closed]);
  expect([String(data), code, String(reason)]).toEqual(["last words", 4002, "server says bye"]);
});

test("a close without a code stays one", async () => {
  const socket = await open();
  (await accepted.promise).close(1005, "");
  expect((await once(socket, "close"))[0]).toBe(1005);
});

test("a client that vanishes is heard at the core as an abnormal end", async () => {
  const socket = await open();
  await accepted.promise;
  socket.terminate();
  expect((await closedAtCore.promise)[0]).toBe(1006);
});

test("a message beyond the limit closes its socket with 1009", async () => {
  const socket = await open();
  await accepted.promise;
  socket.send(Buffer.alloc(LIMITS.maxWebSocketMessageBytes + 1));
  const [code] = await once(socket, "close");
  expect(code).toBe(1009);
});
