/** Requests that find no core and wait in the relay for one. */
import { request } from "node:http";
import { afterEach, beforeEach, expect, test } from "vitest";
import { utf8 } from "../../shared/bytes.ts";
import type { Fields } from "../../shared/tunnel/fields.ts";
import { decodeFields, fieldOf } from "../../shared/tunnel/fields.ts";
import {
  Flag,
  type Frame,
  frame,
  FrameType,
  GoAwayCode,
  ResetCode,
} from "../../shared/tunnel/frame.ts";
import { type ChaosCore, connectChaosCore, head } from "../support/chaos-core.ts";
import { bodyOf } from "../support/invariants.ts";
import { aBundle, TOKENS } from "../support/tunnel-core.ts";
import { startWorld, type World } from "./failures/world.ts";
import { until } from "../support/until.ts";

let world: World;
let key: ChaosCore["key"] | undefined;
let epoch = 0;

beforeEach(async () => {
  world = await startWorld({ connect: false });
  key = undefined;
});
afterEach(() => world[Symbol.asyncDispose]());

function hello(mode: string, at: number): Fields {
  return [
    [":features", "reattach"],
    [":mode", mode],
    [":store", "store-of-the-house"],
    [":epoch", String(at)],
  ];
}

/** A core of the next epoch that answers nothing by itself. */
async function chaos(): Promise<ChaosCore> {
  epoch += 1;
  const known = key === undefined ? {} : { key };
  const options = { edge: world.edge.url, pairing: world.pairing, ...known };
  const core = await connectChaosCore({ ...options, hello: hello("leader", epoch) });
  key = core.key;
  await core.publish(await aBundle());
  return core;
}

/** One that waits for the storage. */
function standby(): Promise<ChaosCore> {
  const known = key === undefined ? {} : { key };
  const options = { edge: world.edge.url, pairing: world.pairing, ...known };
  return connectChaosCore({ ...options, hello: hello("standby", 0) });
}

/** The next request's stream and path. */
async function takeRequest(core: ChaosCore): Promise<{ id: number; path: string }> {
  const opened = await core.take(FrameType.open);
  const fields = decodeFields(opened.payload);
  return { id: opened.stream, path: fields.ok ? (fieldOf(fields.value, ":path") ?? "") : "" };
}

function answer(id: number): Frame {
  return frame(FrameType.headers, id, head([[":status", "204"]]), { flags: Flag.end });
}

/** The core goes without a word, and the relay knows it. */
async function lose(core: ChaosCore): Promise<void> {
  core.terminate();
  await until(async () => !(await world.health()).connected);
}

/** Waits until what was sent to the edge before is with the relay. */
async function settled(): Promise<void> {
  for (let round = 0; round < 20; round += 1) await world.health();
}

test("uploads that wait are not read, and come to the next core whole", async () => {
  await world.connect();
  await world.disconnect();
  const seeds = [1, 2, 3, 4];
  const uploads = seeds.map((seed) => world.echo(seed, 3_000_000 + seed));
  await settled();
  await world.connect();
  expect(await Promise.all(uploads)).toEqual(seeds.map(() => undefined));
});

test("a request whose client leaves while it waits is never sent", async () => {
  await lose(await chaos());
  await world.faults.setLimits({ maxParked: 1 });
  const { hostname, port } = world.edge.url;
  const headers = { Authorization: `Bearer ${TOKENS.operator}` };
  const leaves = request({ hostname, port, path: "/leaves", headers });
  leaves.on("error", () => undefined);
  leaves.end();
  await settled();
  const left = new Promise((resolve) => leaves.once("close", resolve));
  leaves.destroy();
  await left;
  // There is room for one: whoever finds it is there after the other has left.
  let stays = world.call("/stays");
  while ((await Promise.race([stays, settled()])) !== undefined) stays = world.call("/stays");
  await using core = await chaos();
  const { id, path } = await takeRequest(core);
  core.send(answer(id));
  expect([path, (await stays).status]).toEqual(["/stays", 204]);
  expect(core.waiting.filter(({ type }) => type === FrameType.open)).toEqual([]);
});

test("so many wait and no more: the next is told at once", async () => {
  await lose(await chaos());
  await world.faults.setLimits({ maxParked: 3 });
  const waiting = [1, 2, 3].map((number) => world.call(`/${number}`));
  await settled();
  const refused = await world.call("/4");
  expect(refused.status).toBe(503);
  expect(JSON.parse(await refused.text())).toMatchObject({ code: "core_offline", hop: "relay" });
  expect(refused.headers.get("Retry-After")).toBe("5");
  await using core = await chaos();
  for (let count = 0; count < waiting.length; count += 1) {
    core.send(answer((await takeRequest(core)).id));
  }
  expect((await Promise.all(waiting)).map(({ status }) => status)).toEqual([204, 204, 204]);
});

test("a request that comes after a GOAWAY waits for the next core; those before it are answered", async () => {
  const first = await chaos();
  const before = world.call("/before");
  const begun = await takeRequest(first);
  first.send(frame(FrameType.goAway, 0, undefined, { ext: GoAwayCode.shutdown }));
  await first.take(FrameType.drained);
  const after = world.call("/after");
  await settled();
  expect(first.waiting.filter(({ type }) => type === FrameType.open)).toEqual([]);
  await using second = await chaos();
  const waited = await takeRequest(second);
  expect([begun.path, waited.path]).toEqual(["/before", "/after"]);
  second.send(answer(waited.id));
  first.send(answer(begun.id));
  expect([(await before).status, (await after).status]).toEqual([204, 204]);
  first.terminate();
});

test("a request waits while a standby may get the storage", async () => {
  await lose(await chaos());
  await using stand = await standby();
  await world.faults.setClock(6_000);
  // The grace of the leader is over: this one waits for the standby alone.
  const answered = world.call("/x");
  await settled();
  const id = 2;
  epoch += 1;
  stand.send(
    frame(
      FrameType.open,
      id,
      head([
        [":method", "PUT"],
        [":path", "/lead"],
      ]),
    ),
    frame(FrameType.data, id, utf8(JSON.stringify({ store: "store-of-the-house", epoch })), {
      flags: Flag.end,
    }),
  );
  stand.send(answer((await takeRequest(stand)).id));
  expect((await answered).status).toBe(204);
});

test.each([
  ["that does not lead", ResetCode.notLeader],
  ["that refuses it", ResetCode.refused],
])("a request for a core %s is sent once more, to another", async (_name, code) => {
  const first = await chaos();
  const asked = world.call("/x");
  const { id } = await takeRequest(first);
  first.send(
    frame(FrameType.goAway, 0, undefined, { ext: GoAwayCode.shutdown }),
    frame(FrameType.reset, id, undefined, { ext: code }),
  );
  await first.take(FrameType.drained);
  await using second = await chaos();
  second.send(answer((await takeRequest(second)).id));
  expect((await asked).status).toBe(204);
  first.terminate();
});

test.each([
  ["reset for no reason", ResetCode.coreError, 502],
  ["stopped before it had answered", ResetCode.draining, 502],
  ["lost", undefined, 502],
])(
  "a request that was %s may have been executed, and is not sent again",
  async (_name, code, status) => {
    const first = await chaos();
    const asked = world.call("/x");
    const { id } = await takeRequest(first);
    await using second = await standby();
    if (code === undefined) first.terminate();
    else first.send(frame(FrameType.reset, id, undefined, { ext: code }));
    expect((await asked).status).toBe(status);
    await using third = await chaos();
    await settled();
    const sent = [second, third].flatMap(({ waiting }) => waiting.map(({ type }) => type));
    expect(sent).not.toContain(FrameType.open);
    first.terminate();
  },
);

test("a relay that has died with a core connected makes requests wait for it, once", async () => {
  const first = await chaos();
  await world.faults.abort();
  await first.closed;
  const asked = world.call("/x", { method: "POST", body: bodyOf(5, 1_000) });
  await settled();
  await using second = await chaos();
  const { id } = await takeRequest(second);
  second.send(answer(id));
  expect((await asked).status).toBe(204);
  await lose(second);
  // Lost in its lifetime, not by its death: after this it expects nobody.
  await world.faults.abort();
  const refused = await world.call("/y");
  expect(refused.status).toBe(503);
});
