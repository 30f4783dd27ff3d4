import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";
import { request } from "node:http";
import { expect, test } from "vitest";
import { startConnectProxy } from "./fault-proxy-connect.ts";
import { type Plan, startFaultProxy } from "./fault-proxy.ts";
import { Random } from "./random.ts";

interface Echo extends AsyncDisposable {
  readonly port: number;
  /** The server's end of each connection. */
  readonly sockets: Socket[];
}

/** Sends back what it gets, and ends when its client does. */
async function startEcho(): Promise<Echo> {
  const sockets: Socket[] = [];
  const server: Server = createServer((socket) => {
    sockets.push(socket);
    socket.on("error", () => undefined);
    socket.pipe(socket);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new TypeError("not a TCP address");
  return {
    port: address.port,
    sockets,
    async [Symbol.asyncDispose]() {
      const closed = once(server, "close");
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

/** How a connection ended, and everything that came before. */
async function drain(socket: Socket): Promise<{ readonly bytes: Buffer; readonly end: string }> {
  const chunks: Buffer[] = [];
  let end = "closed";
  socket.on("data", (chunk: Buffer) => chunks.push(chunk));
  socket.on("error", (error: NodeJS.ErrnoException) => {
    end = error.code ?? error.message;
  });
  socket.on("end", () => {
    end = "ended";
  });
  await once(socket, "close").catch(() => undefined);
  return { bytes: Buffer.concat(chunks), end };
}

async function world(plan?: (index: number) => Plan) {
  const parts = new AsyncDisposableStack();
  const echo = parts.use(await startEcho());
  const proxy = parts.use(
    await startFaultProxy({ target: echo.port, ...(plan === undefined ? {} : { plan }) }),
  );
  return {
    echo,
    proxy,
    dial: () => connect({ host: "127.0.0.1", port: proxy.port }),
    [Symbol.asyncDispose]: () => parts.disposeAsync(),
  };
}

async function read(socket: Socket, bytes: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let got = 0;
  while (got < bytes) {
    const [chunk] = await once(socket, "data");
    chunks.push(chunk);
    got += chunk.length;
  }
  return Buffer.concat(chunks);
}

test("without a plan every byte passes both ways, and both ends end in order", async () => {
  await using it = await world();
  const body = new Random(1).bytes(3_000_000);
  const socket = it.dial();
  socket.end(body);
  const { bytes, end } = await drain(socket);
  expect([bytes.equals(body), end]).toEqual([true, "ended"]);
  await it.proxy.waitForSilence();
  expect([it.proxy.accepted, it.proxy.bytes("up"), it.proxy.bytes("down")]).toEqual([
    1, 3_000_000, 3_000_000,
  ]);
});

test.each([
  ["up", "reset", "ECONNRESET"],
  ["down", "reset", "ECONNRESET"],
  ["up", "end", "ended"],
  ["down", "end", "ended"],
] as const)(
  "a cut %s by %s happens after exactly so many bytes",
  async (direction, how, expected) => {
    const atByte = 70_001;
    await using it = await world(() => ({ [direction]: { cut: { atByte, how } } }));
    const socket = it.dial();
    socket.write(new Uint8Array(200_000));
    const { bytes, end } = await drain(socket);
    expect(end).toBe(expected);
    expect(it.proxy.bytes(direction)).toBe(atByte);
    if (direction === "down" && how === "end") expect(bytes.length).toBe(atByte);
  },
);

test("a path that drops both ways tells neither end of anything", async () => {
  await using it = await world();
  const socket = it.dial();
  socket.write("first");
  expect(String(await read(socket, 5))).toBe("first");
  it.proxy.drop();
  let heard = "";
  socket.on("data", (chunk) => {
    heard += String(chunk);
  });
  socket.write("lost");
  it.echo.sockets[0]?.end("also lost");
  // The server is gone for good; another connection shows that its end had time to arrive.
  it.proxy.resume();
  const other = it.dial();
  other.write("ping");
  await read(other, 4);
  expect([heard, socket.readyState, it.proxy.open]).toEqual(["", "open", 2]);
  socket.destroy();
  other.destroy();
});

test("a path that drops one way passes the other", async () => {
  await using it = await world();
  const socket = it.dial();
  socket.write("a");
  await read(socket, 1);
  it.proxy.drop("down");
  const [server] = it.echo.sockets;
  socket.write("b");
  if (server === undefined) throw new Error("no connection");
  const [chunk] = await once(server, "data");
  expect(String(chunk)).toBe("b");
  expect(it.proxy.bytes("down")).toBe(1);
  socket.destroy();
});

test("what is stalled waits, and arrives whole and in order later", async () => {
  await using it = await world();
  const body = new Random(2).bytes(2_000_000);
  const socket = it.dial();
  await it.proxy.waitForConnections(1);
  it.proxy.stall("down");
  socket.write(body);
  const [server] = it.echo.sockets.length > 0 ? it.echo.sockets : [];
  if (server !== undefined) await once(server, "data");
  expect(it.proxy.bytes("down")).toBe(0);
  it.proxy.resume();
  expect((await read(socket, body.length)).equals(body)).toBe(true);
  socket.destroy();
});

test("a delay comes before each byte and changes no order", async () => {
  await using it = await world(() => ({ down: { delayMs: 30 } }));
  const body = new Random(3).bytes(500_000);
  const socket = it.dial();
  const startedAt = performance.now();
  socket.write(body);
  expect((await read(socket, body.length)).equals(body)).toBe(true);
  expect(performance.now() - startedAt).toBeGreaterThanOrEqual(29);
  socket.destroy();
});

test("a throttled path is as slow as it says, and holds its sender back", async () => {
  await using it = await world(() => ({ up: { bytesPerSecond: 1_000_000 } }));
  const body = new Random(4).bytes(200_000);
  const socket = it.dial();
  const startedAt = performance.now();
  socket.write(body);
  expect((await read(socket, body.length)).equals(body)).toBe(true);
  expect(performance.now() - startedAt).toBeGreaterThanOrEqual(150);
  socket.destroy();
});

test("who is refused is reset, and the next plan lets the next one in", async () => {
  await using it = await world((index) => ({ refuse: index === 0 }));
  expect((await drain(it.dial())).end).toBe("ECONNRESET");
  const socket = it.dial();
  socket.write("in");
  expect(String(await read(socket, 2))).toBe("in");
  socket.destroy();
});

test.each([
  ["reset", "ECONNRESET"],
  ["end", "ended"],
] as const)(
  "all that stands is severed by %s, and later connections stand",
  async (how, expected) => {
    await using it = await world();
    const socket = it.dial();
    socket.write("x");
    await read(socket, 1);
    const ended = drain(socket);
    it.proxy.sever(how);
    expect((await ended).end).toBe(expected);
    const next = it.dial();
    next.write("y");
    expect(String(await read(next, 1))).toBe("y");
    next.destroy();
  },
);

test("another target takes the next connections", async () => {
  await using it = await world();
  await using second = await startEcho();
  it.proxy.target = second.port;
  const socket = it.dial();
  socket.write("z");
  await read(socket, 1);
  expect([it.echo.sockets.length, second.sockets.length]).toEqual([0, 1]);
  socket.destroy();
});

test("a server that is not there looks like one", async () => {
  await using it = await world();
  await it.echo[Symbol.asyncDispose]();
  expect((await drain(it.dial())).end).toBe("ECONNRESET");
});

async function connectThrough(
  proxy: number,
  path: string,
  headers: Record<string, string> = {},
): Promise<{ readonly status: number | undefined; readonly socket: Socket }> {
  const asking = request({ host: "127.0.0.1", port: proxy, method: "CONNECT", path, headers });
  asking.end();
  const [response, socket] = await once(asking, "connect");
  return { status: response.statusCode, socket };
}

test("an HTTP proxy tunnels to where it is asked to, and says so", async () => {
  await using echo = await startEcho();
  await using proxy = await startConnectProxy();
  const { status, socket } = await connectThrough(proxy.port, `127.0.0.1:${echo.port}`);
  expect(status).toBe(200);
  socket.write("through");
  expect(String(await read(socket, 7))).toBe("through");
  expect(proxy.asked).toEqual([`127.0.0.1:${echo.port}`]);
  socket.destroy();
});

test("an HTTP proxy with a password answers 407 without it and tunnels with it", async () => {
  await using echo = await startEcho();
  await using proxy = await startConnectProxy({ credentials: "me:secret", target: echo.port });
  const refused = await connectThrough(proxy.port, "edge.example:443");
  expect([refused.status, proxy.refused]).toEqual([407, 1]);
  refused.socket.destroy();
  const basic = `Basic ${Buffer.from("me:secret").toString("base64")}`;
  const { status, socket } = await connectThrough(proxy.port, "edge.example:443", {
    "Proxy-Authorization": basic,
  });
  expect(status).toBe(200);
  socket.destroy();
});
