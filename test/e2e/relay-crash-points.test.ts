/** A client's messages at every point at which a core may die, and cores that keep to nothing. */
import { once } from "node:events";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { WebSocket } from "ws";
import { utf8 } from "../../shared/bytes.ts";
import { CloseCode } from "../../shared/close-code.ts";
import { LIMITS } from "../../shared/limits.ts";
import { decodeFields, type Fields, fieldOf } from "../../shared/tunnel/fields.ts";
import { Flag, type Frame, frame, FrameType, ResetCode } from "../../shared/tunnel/frame.ts";
import { type ChaosCore, connectChaosCore, head } from "../support/chaos-core.ts";
import { aBundle } from "../support/tunnel-core.ts";
import { startWorld, type World } from "./failures/world.ts";
import { until } from "../support/until.ts";

const STORE = "store-of-the-house";

let world: World;
let key: ChaosCore["key"] | undefined;
let epoch = 0;

beforeEach(async () => {
  world = await startWorld({ connect: false });
  key = undefined;
});
afterEach(() => world[Symbol.asyncDispose]());

/** A core of the next epoch that takes up clients, and does nothing by itself. */
async function chaos(): Promise<ChaosCore> {
  epoch += 1;
  const hello: Fields = [
    [":features", "reattach"],
    [":mode", "leader"],
    [":store", STORE],
    [":epoch", String(epoch)],
  ];
  const known = key === undefined ? {} : { key };
  const options = { edge: world.edge.url, pairing: world.pairing, hello, ...known };
  const core = await connectChaosCore(options);
  key = core.key;
  await core.publish(await aBundle());
  return core;
}

async function takeOpen(core: ChaosCore): Promise<{ id: number; fields: Fields }> {
  const opened = await core.take(FrameType.wsOpen);
  const fields = decodeFields(opened.payload);
  if (!fields.ok) throw new Error("the relay sent a bad head");
  return { id: opened.stream, fields: fields.value };
}

const accept = (id: number): Frame =>
  frame(
    FrameType.wsAccept,
    id,
    head([
      [":status", "101"],
      [":survives", "1"],
    ]),
  );

const say = (id: number, text: string, flags: number, answers = 0): Frame =>
  frame(FrameType.wsMessage, id, utf8(text), { flags: flags | Flag.text, ext: answers });

async function hear(core: ChaosCore): Promise<string> {
  return Buffer.from((await core.take(FrameType.wsMessage)).payload).toString();
}

/** A client that a core of ours has accepted, and all that it was told. */
async function client(core: ChaosCore): Promise<{ socket: WebSocket; id: number; got: string[] }> {
  const opening = world.socket();
  const { id } = await takeOpen(core);
  core.send(accept(id));
  const socket = await opening;
  const got: string[] = [];
  socket.on("message", (message: Buffer) => got.push(message.toString()));
  return { socket, id, got };
}

// What the core had done with message 2 of 3 when it was killed, and what the next one is told.
test.each<[string, (id: number) => Frame[], string[], string[]]>([
  ["nothing", () => [], ["one", "two", "three"], []],
  [
    "said it is done",
    (id) => [frame(FrameType.wsAck, id, undefined, { ext: 2 })],
    ["one", "three"],
    [],
  ],
  ["answered", (id) => [say(id, "2!", Flag.fin, 2)], ["one", "three"], ["2!"]],
  ["answered half", (id) => [say(id, "2 and a ha", 0)], ["one", "two", "three"], []],
  [
    "said something else",
    (id) => [say(id, "by the way", Flag.fin)],
    ["one", "two", "three"],
    ["by the way"],
  ],
  [
    "said it is done with one that never was",
    (id) => [frame(FrameType.wsAck, id, undefined, { ext: 77 })],
    ["one", "two", "three"],
    [],
  ],
  [
    "said it twice",
    (id) => [frame(FrameType.wsAck, id, undefined, { ext: 2 }), say(id, "2!", Flag.fin, 2)],
    ["one", "three"],
    ["2!"],
  ],
])(
  "a core that dies when it has %s leaves the rest to the next",
  async (_name, last, rest, told) => {
    const first = await chaos();
    const { socket, id, got } = await client(first);
    for (const text of ["one", "two", "three"]) socket.send(text);
    expect([await hear(first), await hear(first), await hear(first)]).toEqual([
      "one",
      "two",
      "three",
    ]);
    first.send(frame(FrameType.wsState, id, utf8("kept"), { flags: Flag.fin }), ...last(id));
    first.send(frame(FrameType.ping, 0));
    await first.take(FrameType.pong);
    first.terminate();
    await using second = await chaos();
    const again = await takeOpen(second);
    expect(fieldOf(again.fields, ":attach")).toBe("1");
    expect(Buffer.from(fieldOf(again.fields, ":state") ?? "", "base64url").toString()).toBe("kept");
    second.send(accept(again.id));
    const heard: string[] = [];
    while (heard.length < rest.length) heard.push(await hear(second));
    expect(heard).toEqual(rest);
    // Numbered from 1 again.
    for (const [index, text] of rest.entries()) {
      second.send(say(again.id, `${text}!`, Flag.fin, index + 1));
    }
    const expected = [...told, ...rest.map((text) => `${text}!`)];
    await until(() => got.length >= expected.length);
    expect(got).toEqual(expected);
    socket.terminate();
  },
);

test.each([
  ["that does not lead", ResetCode.notLeader],
  ["that takes no more", ResetCode.refused],
])("a client that is offered to a core %s waits for another", async (_name, code) => {
  const first = await chaos();
  const { socket } = await client(first);
  socket.send("hello?");
  await hear(first);
  first.terminate();
  const second = await chaos();
  const { id } = await takeOpen(second);
  second.send(frame(FrameType.reset, id, undefined, { ext: code }));
  second.send(frame(FrameType.ping, 0));
  await second.take(FrameType.pong);
  expect(second.waiting.filter(({ type }) => type === FrameType.wsOpen)).toEqual([]);
  second.terminate();
  await using third = await chaos();
  const again = await takeOpen(third);
  third.send(accept(again.id));
  expect(await hear(third)).toBe("hello?");
  socket.terminate();
});

test("a core that takes a client up without promising to be outlived is not outlived", async () => {
  const first = await chaos();
  const { socket } = await client(first);
  const closed = once(socket, "close");
  socket.send("hello?");
  await hear(first);
  first.terminate();
  const second = await chaos();
  const { id } = await takeOpen(second);
  second.send(frame(FrameType.wsAccept, id, head([[":status", "101"]])));
  expect(await hear(second)).toBe("hello?");
  second.terminate();
  expect((await closed)[0]).toBe(CloseCode.restart);
});

test("a core that floods a socket with notes and words for nobody costs nobody else anything", async () => {
  await using core = await chaos();
  const { socket, id, got } = await client(core);
  const note = utf8("\u00ff".repeat(LIMITS.maxNoteBytes / 2));
  for (let index = 0; index < 2_000; index += 1) {
    core.send(
      frame(FrameType.wsState, id, note, { flags: Flag.fin }),
      frame(FrameType.wsAck, id, undefined, { ext: index }),
    );
  }
  core.send(say(id, "done", Flag.fin, 9));
  await until(() => got.includes("done"));
  // Words before the answer, to a request that is still open.
  const opening = world.socket("/second");
  const second = await takeOpen(core);
  core.send(
    say(second.id, "too early", Flag.fin),
    frame(FrameType.wsState, second.id, note, { flags: Flag.fin }),
  );
  core.send(accept(second.id), say(second.id, "in time", Flag.fin));
  expect(String((await once(await opening, "message"))[0])).toBe("in time");
  socket.terminate();
});
