/** Ends that are slow, too many or too loud, and the others beside them. */
import { once } from "node:events";
import { type ClientRequest, type IncomingMessage, request } from "node:http";
import { expect, test } from "vitest";
import type { ClientSocket } from "../../../core/tunnel/handlers.ts";
import { LIMITS } from "../../../shared/limits.ts";
import { bodyOf } from "../../support/invariants.ts";
import { TOKENS } from "../../support/tunnel-core.ts";
import { startWorld, type World } from "./world.ts";
import { until } from "../../support/until.ts";

const MIB = 1024 * 1024;

/** A request of which the test decides when it is written and its answer read. */
function open(world: World, path: string, method = "GET"): ClientRequest {
  const { hostname, port } = world.edge.url;
  const headers = { Authorization: `Bearer ${TOKENS.operator}` };
  const opened = request({ hostname, port, path, method, headers });
  opened.on("error", () => undefined);
  return opened;
}

/** Resolves once `value` no longer changes while other requests go through beside it. */
async function standsStill(world: World, value: () => number): Promise<void> {
  let still = 0;
  for (let before = value(); still < 5; before = value()) {
    expect(await world.echo(still + 1, 100_000)).toBeUndefined();
    still = value() === before ? still + 1 : 0;
  }
}

test("failure 20: a client that does not read a gigabyte makes the core wait, and nobody else", async () => {
  const chunk = new Uint8Array(64 * 1024);
  let made = 0;
  const stopped = Promise.withResolvers<void>();
  await using world = await startWorld({
    fetch: async (incoming) => {
      if (new URL(incoming.url).pathname === "/echo") return new Response(await incoming.bytes());
      return new Response(
        new ReadableStream({
          pull(controller) {
            made += chunk.byteLength;
            if (made > 1024 * MIB) controller.close();
            else controller.enqueue(chunk.slice());
          },
          cancel: () => stopped.resolve(),
        }),
      );
    },
  });
  const slow = open(world, "/gigabyte");
  slow.end();
  const [response]: IncomingMessage[] = await once(slow, "response");
  response?.pause();
  await standsStill(world, () => made);
  // One window, and what the kernel lets the six sockets on the way hold: it grows that under load.
  expect(made).toBeLessThan(64 * MIB);
  slow.destroy();
  await stopped.promise;
  await world.settled();
});

test("failure 21: a client that does not read its socket holds up nobody, and is closed with 1013", async () => {
  const taken = Promise.withResolvers<ClientSocket>();
  const gone = Promise.withResolvers<unknown>();
  await using world = await startWorld({
    upgrade: async () => ({
      accepted: true,
      protocol: undefined,
      survives: true,
      take(socket) {
        socket.listen({ onMessage: (_message, receipt) => receipt.done(), onClose: gone.resolve });
        taken.resolve(socket);
      },
    }),
  });
  const client = await world.socket();
  const closed = once(client, "close");
  client.pause();
  const server = await taken.promise;
  const before = world.proxy.bytes("up");
  // Random, because the runtime compresses for a client that offers it.
  const message = bodyOf(21, 256 * 1024);
  for (let sent = 0; sent < 128 * MIB; sent += message.byteLength) server.send(message);
  await standsStill(world, () => Math.floor((world.proxy.bytes("up") - before) / (8 * MIB)));
  // As above, and what the relay may hold for one client.
  expect(world.proxy.bytes("up") - before).toBeLessThan(64 * MIB);
  await world.faults.setClock(LIMITS.slowClientMs + 1_000);
  await gone.promise;
  client.resume();
  expect((await closed)[0]).toBe(1013);
  await world.settled();
});

test("failure 22: a core that does not read an upload makes its client wait", async () => {
  const read = Promise.withResolvers<void>();
  await using world = await startWorld({
    fetch: async (incoming) => {
      if (new URL(incoming.url).pathname === "/later") await read.promise;
      const bytes = await incoming.bytes();
      return new Response(incoming.url.endsWith("/later") ? String(bytes.byteLength) : bytes);
    },
  });
  await world.reachable();
  const before = world.proxy.bytes("down");
  const upload = open(world, "/later", "POST");
  const answered = once(upload, "response");
  upload.end(new Uint8Array(24 * MIB));
  await until(() => world.proxy.bytes("down") > before + 100_000);
  let echoed = 0;
  await standsStill(world, () => {
    // Less what the requests beside it were.
    echoed = Math.floor((world.proxy.bytes("down") - before) / MIB);
    return Math.floor(echoed / 2);
  });
  expect(world.proxy.bytes("down") - before).toBeLessThan(4 * MIB);
  read.resolve();
  const [response]: IncomingMessage[] = await answered;
  const chunks: string[] = [];
  for await (const part of response ?? []) chunks.push(String(part));
  expect(chunks.join("")).toBe(String(24 * MIB));
  await world.settled();
});

test("failure 23: a client that floods its socket is closed, and the core serves the others", async () => {
  await using world = await startWorld({ connect: false });
  world.proxy.plan = () => ({ down: { bytesPerSecond: 2_000_000 } });
  await world.connect();
  const socket = await world.socket();
  const closed = once(socket, "close");
  const message = new Uint8Array(64 * 1024);
  // Far beyond what the path takes in the time; it ends when the relay has had enough.
  const flood = setInterval(() => {
    // On a busy machine the path takes less; what waits here must not fill this process.
    if (socket.bufferedAmount > 64 * MIB) return;
    for (let index = 0; index < 20; index += 1) socket.send(message);
  }, 5);
  const [code] = await closed;
  clearInterval(flood);
  expect([1008, 1013]).toContain(code);
  expect(await world.echo(23, 1_000)).toBeUndefined();
  await world.settled();
});

test.each([
  ["beyond what we take", LIMITS.maxWebSocketMessageBytes + 1],
  ["beyond what the runtime takes", 33 * MIB],
])(
  "failure 28: a message %s closes its own socket with 1009 and no other",
  async (_name, length) => {
    await using world = await startWorld();
    const other = await world.socket();
    const socket = await world.socket();
    socket.send(new Uint8Array(length));
    const [code, reason] = await once(socket, "close");
    expect(code).toBe(1009);
    if (length < 32 * MIB)
      expect(String(reason)).toContain(String(LIMITS.maxWebSocketMessageBytes));
    other.send("still here");
    expect(String((await once(other, "message"))[0])).toBe("still here");
    other.terminate();
    // The runtime's own word for it.
    await world.settled("Message is too large");
  },
);

test("failure 30: one request too many is refused unsent, and those under way end well", async () => {
  const release = Promise.withResolvers<void>();
  let begun = 0;
  await using world = await startWorld({
    fetch: async (incoming) => {
      if (new URL(incoming.url).pathname === "/echo") return new Response(await incoming.bytes());
      begun += 1;
      await release.promise;
      return new Response("done");
    },
  });
  const many = Array.from({ length: LIMITS.maxStreams }, () => world.call("/wait"));
  await until(() => begun === LIMITS.maxStreams);
  const refused = await world.call("/wait");
  expect(refused.status).toBe(503);
  expect(await refused.json()).toMatchObject({ code: "overloaded", retrySafe: true });
  expect(begun).toBe(LIMITS.maxStreams);
  release.resolve();
  const texts = await Promise.all(many.map(async (answer) => (await answer).text()));
  expect(new Set(texts)).toEqual(new Set(["done"]));
  await world.settled();
});

test("failure 30: one socket too many is refused, and the others stay", async () => {
  await using world = await startWorld();
  await world.faults.setLimits({ maxSockets: 2 });
  const sockets = [await world.socket(), await world.socket()];
  await expect(world.socket()).rejects.toThrow("503");
  for (const socket of sockets) {
    socket.send("here");
    expect(String((await once(socket, "message"))[0])).toBe("here");
    socket.terminate();
  }
  await world.settled();
});
