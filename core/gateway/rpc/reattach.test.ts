import { expect, test } from "vitest";
import { Secret } from "../../../shared/secret.ts";
import { EdgeSocket } from "../../../test/support/edge-socket.ts";
import type { Caller } from "../../tunnel/handlers.ts";
import { Authenticator } from "../auth/auth.ts";
import { Connection, type ConnectionParts } from "./connection.ts";
import { Connections } from "./connections.ts";
import { EDGE_TICK_INTERVAL_MS } from "./hello.ts";
import type { Kept } from "./kept.ts";
import { Lockout } from "../auth/lockout.ts";
import type { Method } from "../../methods/method.ts";
import { tunnelHandlers } from "../tunnel-handlers.ts";

const NOW = 1_700_000_000_000;
const REQUEST = new Request("http://edge.example/ws");
const CALLER: Caller = {
  principal: { subject: "operator", scopes: ["operator"] },
  requestId: "r-1",
  ip: "192.0.2.1",
  via: "edge",
};

interface Core {
  readonly connections: Connections;
  readonly upgrade: (socket: EdgeSocket) => Promise<void>;
  /** @returns Whether it was accepted. */
  readonly reattach: (socket: EdgeSocket, caller?: Caller) => Promise<boolean>;
}

const echo: Method = { scope: "operator.read", call: (params) => params };

const PARTS: ConnectionParts = {
  authenticator: new Authenticator(
    { credentials: [new Secret("the-token")], exemptLoopback: false },
    new Lockout(),
    () => NOW,
  ),
  methods: new Map([["echo", echo]]),
  snapshot: () => ({}),
  version: "1.2.3",
  now: () => NOW,
};

/** A core as the tunnel sees it. */
function core(methods: Record<string, Method> = {}): Core {
  const connections = new Connections({
    ...PARTS,
    methods: new Map(Object.entries({ echo, ...methods })),
  });
  const handlers = tunnelHandlers({
    fetch: () => new Response(),
    connections,
    deliver: () => Promise.resolve("committed"),
    bundle: () => ({ verifiers: [], routes: [], rate: { perSecond: 1, burst: 1 } }),
  });
  return {
    connections,
    async upgrade(socket) {
      const upgrade = await handlers.upgrade(REQUEST, CALLER);
      if (!upgrade.accepted) throw new Error("refused");
      expect(upgrade.survives).toBe(true);
      upgrade.take(socket);
    },
    async reattach(socket, caller = CALLER) {
      const upgrade = await handlers.reattach(REQUEST, caller, socket.kept);
      if (upgrade.accepted) upgrade.take(socket);
      return upgrade.accepted;
    },
  };
}

const CONNECT = {
  type: "req",
  id: "c",
  method: "connect",
  params: {
    minProtocol: 4,
    maxProtocol: 4,
    client: { id: "cli", version: "1", platform: "linux", mode: "cli" },
    scopes: ["operator.read"],
    auth: { token: "a-credential-the-edge-took" },
  },
};

function request(id: string, method = "echo", params: unknown = { id }): object {
  return { type: "req", id, method, params };
}

/** Lets answers that are ready come out. */
function settled(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

/** A client that has connected to a core of its own. */
async function connected(first: Core): Promise<EdgeSocket> {
  const socket = new EdgeSocket();
  await first.upgrade(socket);
  socket.say(CONNECT);
  await settled();
  expect(socket.heard.at(-1)).toMatchObject({ type: "res", id: "c", ok: true });
  return socket;
}

test("a client goes on with the next core as if nothing had been", async () => {
  const before = await connected(core());
  before.cut();
  const after = before.next();
  expect(await core().reattach(after)).toBe(true);
  expect(after.heard).toEqual(before.heard);
  after.say(request("1"));
  await settled();
  expect(after.heard.at(-1)).toEqual({ type: "res", id: "1", ok: true, payload: { id: "1" } });
  expect(after.unanswered).toEqual([]);
});

test("what the next core told before it had a client is told that one, once, and nobody else", async () => {
  const before = await connected(core());
  before.cut();
  const second = core();
  const other = await connected(second);
  second.connections.publish("chat", { state: "delta" }, { droppable: true });
  second.connections.publish("chat", { state: "final" });
  second.connections.publish("config.changed", {}, { scope: "operator.admin" });
  second.connections.publish("session.message", {}, { topic: "not wanted" });
  const after = before.next();
  await second.reattach(after);
  const told = after.heard.slice(before.heard.length);
  expect(told).toEqual([
    expect.objectContaining({ event: "chat", payload: { state: "final" }, seq: 1 }),
  ]);
  expect(other.heard).toHaveLength(4);
  // Handed over again, by a relay that was away: they have heard it.
  for (const socket of [after, other]) {
    const again = socket.next();
    await second.reattach(again);
    expect(again.heard).toEqual(socket.heard);
  }
});

test("the next core knows that a client is in before the client does", async () => {
  const socket = new EdgeSocket();
  const order: string[] = [];
  socket.keep = (state) => void order.push(`kept ${JSON.parse(state).state}`);
  socket.send = (message) => void order.push(`sent ${JSON.parse(String(message)).type}`);
  await core().upgrade(socket);
  socket.say(CONNECT);
  await settled();
  expect(order).toEqual(["kept handshake", "sent event", "kept open", "sent res"]);
});

test("what is kept holds no credential", async () => {
  const { kept } = await connected(core());
  expect(Object.keys(JSON.parse(kept)).toSorted().join(" ")).toBe(
    "client connection requestId role scopes seq state topics",
  );
  expect(kept).not.toContain("a-credential");
});

test("a request that was under way when a core died is answered once, by the next one", async () => {
  const never: Method = { scope: "operator.read", call: () => new Promise(() => undefined) };
  const before = await connected(core({ slow: never }));
  before.say(request("answered"));
  before.say(request("lost", "slow"));
  await settled();
  before.cut();
  const after = before.next();
  await core({ slow: echo }).reattach(after);
  await settled();
  const answers = after.heard.flatMap((frame) =>
    JSON.stringify(frame).includes('"res"') ? [frame] : [],
  );
  expect(answers).toMatchObject([{ id: "c" }, { id: "answered" }, { id: "lost", ok: true }]);
  expect(after.unanswered).toEqual([]);
});

test("a connect that comes again because its answer was lost is answered again", async () => {
  const before = await connected(core());
  const { connId } = helloOf(before);
  before.cut();
  const after = before.next();
  // The core had noted that the client is in, and died before its greeting left.
  after.heard.length = 0;
  after.unanswered.push(JSON.stringify(CONNECT));
  await core().reattach(after);
  expect(after.heard).toMatchObject([{ type: "res", id: "c", ok: true }]);
  expect(helloOf(after).connId).toBe(connId);
  expect(after.unanswered).toEqual([]);
});

test("only the connect that let a client in is answered a second time", async () => {
  const before = await connected(core());
  before.cut();
  const after = before.next();
  await core().reattach(after);
  after.say({ ...CONNECT, id: "another" });
  await settled();
  expect(after.heard.at(-1)).toMatchObject({ id: "another", ok: false });
});

test("a client that was challenged keeps its challenge", async () => {
  const before = new EdgeSocket();
  await core().upgrade(before);
  before.cut();
  const after = before.next();
  await core().reattach(after);
  expect(after.heard).toEqual([before.heard[0], before.heard[0]]);
  after.say(CONNECT);
  await settled();
  expect(after.heard.at(-1)).toMatchObject({ type: "res", id: "c", ok: true });
});

test("a client that no core has spoken to is challenged", async () => {
  const socket = new EdgeSocket();
  expect(await core().reattach(socket)).toBe(true);
  expect(socket.heard).toMatchObject([{ event: "connect.challenge" }]);
});

test("events are counted on, and each number is kept before its event leaves", () => {
  const origin = { via: "edge", caller: CALLER } as const;
  const watcher = { onOpen: () => undefined, onIdle: () => undefined, onClose: () => undefined };
  const { signal } = new AbortController();
  const host = { parts: () => PARTS, paused: none, held: none, patience: () => signal };
  const client = { clientId: "cli", mode: "cli", version: "1", platform: "linux" };
  const named = { connection: "1", requestId: "c", role: "operator", scopes: [], topics: [] };
  const kept: Kept = { ...named, state: "open", client, seq: 7 };
  const order: string[] = [];
  const socket = new EdgeSocket();
  socket.keep = (state) => void order.push(`kept ${JSON.parse(state).seq}`);
  socket.send = (message) => void order.push(`sent ${JSON.parse(String(message)).seq}`);
  const connection = new Connection(socket, origin, host, watcher, kept);
  connection.emit("news", {});
  connection.emit("news", {});
  expect(order).toEqual(["kept 8", "sent 8", "kept 9", "sent 9"]);
});

test.each([
  ["not JSON", "{"],
  ["of a shape that nobody wrote", '{"state":"open"}'],
  ["too much to have been kept", "{}"],
])("a client of which the kept state is %s is refused", async (_name, kept) => {
  const socket = new EdgeSocket();
  socket.kept = kept;
  expect(await core().reattach(socket)).toBe(false);
});

test("scopes too long to be kept leave a state that is refused", async () => {
  const socket = new EdgeSocket();
  await core().upgrade(socket);
  const scopes = Array.from({ length: 64 }, (_, index) => `scope-${index}`.padEnd(100, "x"));
  socket.say({ ...CONNECT, params: { ...CONNECT.params, scopes } });
  await settled();
  expect(socket.heard.at(-1)).toMatchObject({ ok: true });
  expect(await core().reattach(socket.next())).toBe(false);
});

test("a caller who is no operator any more gets none of the scopes back", async () => {
  const before = await connected(core());
  before.cut();
  const after = before.next();
  const guest: Caller = { ...CALLER, principal: { subject: "guest", scopes: ["chat"] } };
  await core().reattach(after, guest);
  after.say(request("1"));
  await settled();
  expect(after.heard.at(-1)).toMatchObject({ id: "1", error: { code: "FORBIDDEN" } });
});

test("clients at the edge are told to expect no ticks, and are left to the relay at the end", async () => {
  const first = core();
  const socket = await connected(first);
  expect(helloOf(socket).tickIntervalMs).toBe(EDGE_TICK_INTERVAL_MS);
  // Doubled, as clients do, it must still be a delay that a 32-bit timer can wait.
  expect(EDGE_TICK_INTERVAL_MS * 2).toBeLessThan(2 ** 31);
  const count = socket.heard.length;
  await first.connections.close();
  expect([socket.heard.length, socket.closed]).toEqual([count, undefined]);
});

test("a drain waits for the requests under way", async () => {
  const asked = Promise.withResolvers<unknown>();
  const slow: Method = { scope: "operator.read", call: () => asked.promise };
  const first = core({ slow });
  const socket = await connected(first);
  await first.connections.settle(60_000);
  socket.say(request("1", "slow"));
  const settling = first.connections.settle(60_000);
  asked.resolve({});
  await settling;
  expect(socket.heard.at(-1)).toMatchObject({ id: "1", ok: true });
});

function helloOf({ heard }: EdgeSocket): { connId: string; tickIntervalMs: number } {
  const text = heard.map((frame) => JSON.stringify(frame)).find((one) => one.includes("hello-ok"));
  const { payload } = JSON.parse(text ?? "{}");
  return { connId: payload.server.connId, tickIntervalMs: payload.policy.tickIntervalMs };
}

function none(): undefined {
  return undefined;
}
