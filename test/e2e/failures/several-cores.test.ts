/** Two cores where one is enough: at once, by mistake, out of date, and with a key that was revoked. */
import { expect, onTestFinished, test } from "vitest";
import * as z from "zod";
import { decodeFields, type Fields, fieldOf } from "../../../shared/tunnel/fields.ts";
import { Flag, type Frame, frame, FrameType, GoAwayCode } from "../../../shared/tunnel/frame.ts";
import { createTunnelKey } from "../../../shared/tunnel/handshake.ts";
import { type ChaosCore, connectChaosCore, head } from "../../support/chaos-core.ts";
import { callEdge } from "../../support/edge-with-core.ts";
import { evictRelay } from "../../support/evict.ts";
import type { FaultProxy } from "../../support/fault-proxy.ts";
import { aBundle, connectCore, machineOf, TOKENS } from "../../support/tunnel-core.ts";
import { startWorld, type World } from "./world.ts";

function fieldsOf({ payload }: Frame): Fields {
  const fields = decodeFields(payload);
  if (!fields.ok) throw new Error("not a head");
  return fields.value;
}

/** A core of this store that leads in this epoch, or wants to. */
function claim(store: string, epoch: number): Fields {
  return [
    [":mode", "leader"],
    [":store", store],
    [":epoch", String(epoch)],
  ];
}

interface Two {
  readonly world: World;
  readonly connect: (hello: Fields) => Promise<ChaosCore>;
}

/** An edge that one key may come to, and its bundle. */
async function twoWith(bundle: Parameters<typeof aBundle>[0] = {}): Promise<Two> {
  const world = await startWorld({ connect: false });
  onTestFinished(() => world[Symbol.asyncDispose]());
  const { edge, pairing } = world;
  const first = await connectChaosCore({ edge: edge.url, pairing });
  await first.publish(await aBundle(bundle));
  await first[Symbol.asyncDispose]();
  const { key } = first;
  return {
    world,
    connect: async (hello) => {
      const core = await connectChaosCore({ edge: edge.url, pairing, key, greets: false });
      onTestFinished(() => core[Symbol.asyncDispose]());
      core.hello(hello);
      return core;
    },
  };
}

/** A request that this core gets, and answers. */
async function serve(world: World, core: ChaosCore, text: string): Promise<string> {
  const answer = world.call("/v1/models");
  const { stream } = await core.take(FrameType.open);
  core.send(
    frame(FrameType.headers, stream, head([[":status", "200"]])),
    frame(FrameType.data, stream, new TextEncoder().encode(text), { flags: Flag.end }),
  );
  return (await answer).text();
}

test("failure 32: two sockets of cores that come at once have a session each, and both outlive a sleep", async () => {
  const { world, connect } = await twoWith();
  const cores = await Promise.all([connect([[":mode", "shared"]]), connect([[":mode", "shared"]])]);
  const welcomes = await Promise.all(cores.map((core) => core.take(FrameType.welcome)));
  const sessions = welcomes.map((welcome) => fieldOf(fieldsOf(welcome), ":session"));
  expect(new Set(sessions).size).toBe(2);
  await world.log.counted("core_connected", 3);
  const awake = world.log.count("relay_awake");
  for (let round = 1; round <= 2; round += 1) {
    await evictRelay(world.edge);
    // Each is answered on its own socket, and with its own words.
    for (const [index, core] of cores.entries()) {
      core.send(frame(FrameType.ping, 0, new TextEncoder().encode(`core ${index}`)));
    }
    for (const [index, core] of cores.entries()) {
      const { payload } = await core.take(FrameType.pong);
      expect(Buffer.from(payload).toString()).toBe(`core ${index}`);
    }
    await world.log.counted("relay_awake", awake + round);
  }
  // Two requests at once: one for each of them, as both have none.
  const answers = [world.call("/a"), world.call("/b")];
  const opened = await Promise.all(cores.map((core) => core.take(FrameType.open)));
  for (const [index, { stream }] of opened.entries()) {
    const done = frame(FrameType.headers, stream, head([[":status", "204"]]), { flags: Flag.end });
    cores[index]?.send(done);
  }
  expect((await Promise.all(answers)).map(({ status }) => status)).toEqual([204, 204]);
});

test.each([
  ["another store", "store-b", 1, "another core leads, with a store of its own"],
  ["the same epoch of the same store", "store-a", 1, "another core leads in epoch 1"],
])(
  "failure 33: a second machine with the same key and %s is refused, and the first goes on",
  async (_name, store, epoch, reason) => {
    const { world, connect } = await twoWith();
    const first = await connect(claim("store-a", 1));
    await first.take(FrameType.welcome);
    const second = await connect(claim(store, epoch));
    const goAway = await second.take(FrameType.goAway);
    expect(goAway.ext).toBe(GoAwayCode.superseded);
    const { code, reason: told } = await second.closed;
    expect([code, told.startsWith(reason)]).toEqual([4409, true]);
    await world.log.counted("core_refused", 1);
    expect(await serve(world, first, "still the first")).toBe("still the first");
  },
);

const State = z.object({ cores: z.array(z.object({ leads: z.boolean(), epoch: z.number() })) });

/** Two real ends of the tunnel on one store, the first one on a path that can stand still. */
async function leaderAndNext(proxy: FaultProxy, world: World) {
  const shelf = new Map<string, string>();
  const { store } = machineOf(shelf);
  const begun = Promise.withResolvers<void>();
  const release = Promise.withResolvers<void>();
  const stale = await connectCore({
    edge: new URL(`http://127.0.0.1:${proxy.port}/`),
    pairing: world.pairing,
    shelf,
    fetch: async () => {
      begun.resolve();
      await release.promise;
      return new Response("of the stale leader");
    },
  });
  onTestFinished(() => stale[Symbol.asyncDispose]());
  const next = async () => {
    const core = await connectCore({
      edge: world.edge.url,
      pairing: world.pairing,
      shelf,
      fetch: () => Promise.resolve(new Response("of the leader")),
    });
    onTestFinished(() => core[Symbol.asyncDispose]());
    return core;
  };
  return { store, stale, begun: begun.promise, release: release.resolve, next };
}

test("failure 34: a leader that was stopped and comes back is fenced, and its answers are not heard", async () => {
  await using world = await startWorld({ connect: false });
  const { stale, begun, release, next } = await leaderAndNext(world.proxy, world);
  const pending = callEdge(world.edge.url, "/a", { token: TOKENS.operator });
  await begun;
  // It stands still, and what it says from now on waits with it.
  world.proxy.stall();
  release();
  const leader = await next();
  // Its request ends with the lead it was given under, not with what it says later.
  const lost = await pending;
  expect([lost.status, lost.headers.get("X-Gw-Error")]).toEqual([502, "core_lost"]);
  world.proxy.resume();
  await stale.logged("a later epoch leads");
  const after = await callEdge(world.edge.url, "/b", { token: TOKENS.operator });
  expect(await after.text()).toBe("of the leader");
  const { body } = await leader.tunnel.request(undefined, "GET", "/state");
  expect(State.parse(body).cores).toEqual([{ leads: true, epoch: 2 }]);
});

test("failure 34: a leader of an older epoch does not get in again", async () => {
  const { world, connect } = await twoWith();
  const leader = await connect(claim("store-a", 7));
  await leader.take(FrameType.welcome);
  const stale = await connect(claim("store-a", 6));
  const { code, reason } = await stale.closed;
  expect([code, reason.startsWith("stale epoch 6")]).toEqual([4409, true]);
  // Nor when nobody else is there, nor when the relay has forgotten all but what is written down.
  await leader[Symbol.asyncDispose]();
  await evictRelay(world.edge, "close");
  const again = await connect(claim("store-a", 6));
  expect((await again.closed).code).toBe(4409);
  const newer = await connect(claim("store-a", 8));
  await newer.take(FrameType.welcome);
  expect(await serve(world, newer, "of the newer")).toBe("of the newer");
});

test("failure 40: a key that is revoked is shut out at once, and its open connection is closed", async () => {
  const { world, connect } = await twoWith();
  const core = await connect(claim("store-a", 1));
  await core.take(FrameType.welcome);
  const { key } = await createTunnelKey();
  await core.ask("PUT", "/keys", { publicKey: key.publicKey });
  const { edge, pairing } = world;
  const other = { edge: edge.url, pairing, key };
  const second = await connectChaosCore({
    ...other,
    hello: [
      [":mode", "standby"],
      [":epoch", "0"],
    ],
  });
  onTestFinished(() => second[Symbol.asyncDispose]());

  expect(await core.ask("DELETE", `/keys/${key.kid}`)).toBe("204");
  const goAway = await second.take(FrameType.goAway);
  expect(goAway.ext).toBe(GoAwayCode.revoked);
  expect((await second.closed).code).toBe(4403);
  await expect(connectChaosCore(other)).rejects.toThrow("401");
  expect(await serve(world, core, "still here")).toBe("still here");
});
