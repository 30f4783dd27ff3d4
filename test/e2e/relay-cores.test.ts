/** Several cores on one relay: which of them works, and what becomes of the others. */
import { once } from "node:events";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { WebSocket } from "ws";
import * as z from "zod";
import type { Fence, Upgrade } from "../../core/tunnel/handlers.ts";
import { CloseCode } from "../../shared/close-code.ts";
import { LIMITS } from "../../shared/limits.ts";
import type { Fields } from "../../shared/tunnel/fields.ts";
import { createTunnelKey } from "../../shared/tunnel/handshake.ts";
import { connectChaosCore } from "../support/chaos-core.ts";
import { evictRelay } from "../support/evict.ts";
import { becomes } from "../support/invariants.ts";
import {
  aBundle,
  connectCore,
  type TunnelCore,
  type TunnelCoreOptions,
} from "../support/tunnel-core.ts";
import { startWorld, type World } from "./failures/world.ts";

const STORE = "store-of-the-house";
const PATIENCE_MS = 20_000;

let world: World;
let cores: AsyncDisposableStack;
/** All cores of a test have one key: they are one core's, on several machines. */
let shelf: Map<string, string>;

beforeEach(async () => {
  world = await startWorld({ connect: false });
  cores = new AsyncDisposableStack();
  shelf = new Map();
});

afterEach(async () => {
  await cores.disposeAsync();
  await world[Symbol.asyncDispose]();
});

type Mode = "leader" | "standby" | "shared";

/** One that says its name to whoever asks. It waits until it is told to lead. */
async function core(
  name: string,
  mode: Mode,
  change: Partial<TunnelCoreOptions> = {},
): Promise<TunnelCore> {
  return cores.use(
    await connectCore({
      edge: world.edge.url,
      pairing: world.pairing,
      shelf,
      lead: false,
      settings: { mode },
      fetch: () => Promise.resolve(new Response(name)),
      upgrade: async () => signed(name),
      ...change,
    }),
  );
}

/** Answers each message with the name of the core and the message. */
function signed(name: string): Upgrade {
  return {
    accepted: true,
    protocol: undefined,
    survives: true,
    take(socket) {
      socket.listen({
        onMessage: (message, receipt) => receipt.answer(`${name} ${String(message)}`),
        onClose: () => undefined,
      });
    },
  };
}

async function says(one: TunnelCore, text: string): Promise<void> {
  const isSo = async (): Promise<boolean> => one.log.some((line) => line.includes(text));
  if (!(await becomes(isSo, PATIENCE_MS))) throw new Error(`never said: ${text}`);
}

async function leads(one: TunnelCore, epoch: number, store = STORE): Promise<TunnelCore> {
  one.lead({ store, epoch } satisfies Fence);
  await says(one, "edge has our routes and tokens");
  return one;
}

async function who(path = "/who", headers: Record<string, string> = {}): Promise<string> {
  const response = await world.call(path, { headers });
  return response.ok ? response.text() : String(response.status);
}

async function ask(socket: WebSocket, text: string): Promise<string> {
  socket.send(text);
  const [message] = await once(socket, "message");
  return String(message);
}

const State = z.object({
  cores: z.array(z.object({ mode: z.string(), leads: z.boolean(), sockets: z.number() })),
});

async function state(one: TunnelCore): Promise<z.output<typeof State>> {
  return State.parse((await one.tunnel.request(undefined, "GET", "/state")).body);
}

function hello(mode: Mode, store: string, epoch: number): Fields {
  return [
    [":features", "reattach"],
    [":mode", mode],
    [":store", store],
    [":epoch", String(epoch)],
  ];
}

test("a standby that has got the store takes over, and the leader before it is sent away", async () => {
  const first = await leads(await core("first", "leader"), 1);
  const socket = await world.socket();
  expect([await who(), await ask(socket, "a")]).toEqual(["first", "first a"]);
  const second = await core("second", "standby");
  expect(await who()).toBe("first");
  expect((await state(second)).cores).toEqual([
    { mode: "leader", leads: true, sockets: 1 },
    { mode: "standby", leads: false, sockets: 0 },
  ]);
  await leads(second, 2);
  expect([await who(), await ask(socket, "b")]).toEqual(["second", "second b"]);
  await says(first, "the relay refused us: a later epoch leads");
  socket.terminate();
});

test("an epoch that has passed does not work again, nor when there is nobody else", async () => {
  const first = await leads(await core("first", "leader"), 1);
  await first[Symbol.asyncDispose]();
  const second = await leads(await core("second", "standby"), 2);
  const late = await core("late", "leader");
  late.lead({ store: STORE, epoch: 1 });
  await says(late, "stale epoch 1");
  expect(await who()).toBe("second");
  await second[Symbol.asyncDispose]();
  expect(await who()).toBe("503");
});

test("a standby that leads is superseded by the next who has the store, and told so", async () => {
  const standby = await leads(await core("standby", "standby"), 1);
  await leads(await core("leader", "leader"), 2);
  await says(standby, "the relay refused us: a later epoch leads");
  expect(await who()).toBe("leader");
});

test("a standby with a store of its own works while there is no leader, and gives back", async () => {
  const leader = await leads(await core("leader", "leader"), 1);
  const stand = await core("stand-in", "standby");
  stand.lead({ store: "another store", epoch: 1 });
  await says(stand, "relay does not send us its work");
  const socket = await world.socket();
  expect([await who(), await ask(socket, "a")]).toEqual(["leader", "leader a"]);
  await leader[Symbol.asyncDispose]();
  expect([await who(), await ask(socket, "b")]).toEqual(["stand-in", "stand-in b"]);
  await leads(await core("next", "leader"), 2);
  expect([await who(), await ask(socket, "c")]).toEqual(["next", "next c"]);
  expect((await state(stand)).cores.map((one) => [one.mode, one.leads])).toEqual([
    ["standby", false],
    ["leader", true],
  ]);
  socket.terminate();
});

test("a second leader with a store of its own is refused, and says what to do", async () => {
  await leads(await core("first", "leader"), 1);
  await using other = await connectChaosCore({
    edge: world.edge.url,
    pairing: world.pairing,
    key: await known(),
    greets: false,
  });
  const greeted = other.greet(hello("leader", "another store", 1)).catch(() => undefined);
  expect(await other.closed).toMatchObject({ code: CloseCode.notLeader });
  void greeted;
  expect(await who()).toBe("first");
});

test("a leader that has been silent for a minute is in nobody's way", async () => {
  await leads(await core("first", "leader"), 1);
  const key = await known();
  await world.faults.setClock(LIMITS.coreDeadMs + 5_000);
  const ahead = vi.spyOn(Date, "now");
  const real = performance.timeOrigin;
  ahead.mockImplementation(() => Math.round(real + performance.now()) + LIMITS.coreDeadMs + 5_000);
  try {
    await using other = await connectChaosCore({
      edge: world.edge.url,
      pairing: world.pairing,
      key,
      hello: hello("leader", "another store", 1),
    });
    await other.publish(await aBundle());
  } finally {
    ahead.mockRestore();
  }
});

test("cores that share the work have it evenly, or by a header as the bundle says", async () => {
  const bundle = await aBundle({ routing: { policy: "sticky", header: "x-user" } });
  const hold = Promise.withResolvers<void>();
  const allHeld = Promise.withResolvers<void>();
  let holding = 0;
  const held = (name: string) => async (request: Request) => {
    if (new URL(request.url).pathname === "/hold") {
      if ((holding += 1) === 4) allHeld.resolve();
      await hold.promise;
    }
    return new Response(name);
  };
  const options = { lead: true, bundle: () => bundle };
  await core("a", "shared", { ...options, fetch: held("a") });
  await core("b", "shared", { ...options, fetch: held("b") });
  const waiting = [who("/hold"), who("/hold"), who("/hold"), who("/hold")];
  // What comes later counts as work, too.
  await allHeld.promise;
  const users = Array.from({ length: 32 }, (_, index) => `user-${index}`);
  const ask32 = (): Promise<string[]> =>
    Promise.all(users.map((user) => who("/who", { "X-User": user })));
  const [before, after] = [await ask32(), await ask32()];
  expect(after).toEqual(before);
  expect(new Set(before)).toEqual(new Set(["a", "b"]));
  hold.resolve();
  expect((await Promise.all(waiting)).toSorted()).toEqual(["a", "a", "b", "b"]);
});

test("a core that shares the work and goes leaves its clients and webhooks to the others at once", async () => {
  const options = { lead: true };
  const a = await core("a", "shared", options);
  const b = await core("b", "shared", options);
  const sockets = [await world.socket(), await world.socket()];
  const answers = await Promise.all(sockets.map((socket) => ask(socket, "1")));
  // Idle sockets do not count as work: both may be with one of them.
  const [gone, left] = answers.includes("a 1") ? [a, "b"] : [b, "a"];
  await gone[Symbol.asyncDispose]();
  const again = await Promise.all(sockets.map((socket) => ask(socket, "2")));
  expect(new Set(again)).toEqual(new Set([`${left} 2`]));
  for (const socket of sockets) socket.terminate();
});

test("a revoked key is closed with 4403, is not let in again, and nothing wakes it", async () => {
  const mine = await leads(await core("mine", "leader"), 1);
  const { key } = await createTunnelKey();
  const added = await mine.tunnel.request(undefined, "PUT", "/keys", { publicKey: key.publicKey });
  expect(added.status).toBe(204);
  const third = await createTunnelKey();
  const more = { publicKey: third.key.publicKey };
  expect((await mine.tunnel.request(undefined, "PUT", "/keys", more)).status).toBe(409);
  const options = { edge: world.edge.url, pairing: world.pairing, key };
  const polite = await connectChaosCore({ ...options, hello: hello("standby", "theirs", 1) });
  const rude = await connectChaosCore({ ...options, hello: hello("standby", "theirs", 1) });
  rude.deafen();
  expect((await state(mine)).cores).toHaveLength(3);
  const revoked = await mine.tunnel.request(undefined, "DELETE", `/keys/${key.kid}`);
  expect(revoked.status).toBe(204);
  expect((await polite.closed).code).toBe(CloseCode.revoked);
  await expect(connectChaosCore(options)).rejects.toThrow("401");
  // It has not answered the close, and its socket is still there when the relay has slept.
  await evictRelay(world.edge);
  expect((await state(mine)).cores).toHaveLength(1);
  rude.terminate();
  const last = await mine.tunnel.request(undefined, "DELETE", `/keys/${mine.tunnel.key.kid}`);
  expect(last.status).toBe(409);
});

/** A second key of the core that leads. */
async function known(): Promise<Awaited<ReturnType<typeof createTunnelKey>>["key"]> {
  const { key } = await createTunnelKey();
  const asked = await core("asks", "standby");
  const { publicKey } = key;
  const answer = await asked.tunnel.request(undefined, "PUT", "/keys", { publicKey });
  if (answer.status !== 204) throw new Error(`the key was answered with ${answer.status}`);
  await asked[Symbol.asyncDispose]();
  return key;
}
