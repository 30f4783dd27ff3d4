/** A core that does not keep to the protocol, and a relay that stays well. */
import { once } from "node:events";
import { afterAll, beforeAll, expect, test } from "vitest";
import { WebSocket } from "ws";
import { concat, utf8 } from "../../../shared/bytes.ts";
import { LIMITS } from "../../../shared/limits.ts";
import { encodeAnswer, readDelivery } from "../../../shared/tunnel/delivery.ts";
import { decodeFields } from "../../../shared/tunnel/fields.ts";
import {
  encodeFrames,
  encodeOffset,
  Flag,
  frame,
  FrameType,
  GoAwayCode,
} from "../../../shared/tunnel/frame.ts";
import { type ChaosCore, connectChaosCore, head } from "../../support/chaos-core.ts";
import { aBundle, TOKENS } from "../../support/tunnel-core.ts";
import { startWorld, type World } from "./world.ts";

let world: World;
let key: ChaosCore["key"];

beforeAll(async () => {
  world = await startWorld({ connect: false });
  const first = await connectChaosCore({ edge: world.edge.url, pairing: world.pairing });
  ({ key } = first);
  await first.publish(await aBundle());
  await first[Symbol.asyncDispose]();
});
afterAll(() => world[Symbol.asyncDispose]());

function connect(): Promise<ChaosCore> {
  return connectChaosCore({ edge: world.edge.url, pairing: world.pairing, key });
}

/** A frame of a type that our own encoder has no name for. */
function unknownFrame(type: number, stream: number): Uint8Array {
  const bytes = encodeFrames([frame(FrameType.ping, stream, utf8("what is this"))]);
  bytes[0] = type;
  return bytes;
}

test.each([0, 1])(
  "failure 18: a frame that nobody knows and that does not matter is skipped (stream %i)",
  async (stream) => {
    await using core = await connect();
    core.sendBytes(unknownFrame(0x7f, stream));
    core.send(frame(FrameType.ping, 0, utf8("still there")));
    expect(Buffer.from((await core.take(FrameType.pong)).payload).toString()).toBe("still there");
  },
);

const HELLO = frame(FrameType.hello, 0, head([[":instance", "again-and-again"]]));

// Each row is something that no core of ours would send.
test.each<[string, (core: ChaosCore) => unknown]>([
  ["failure 18: an unknown frame that matters", (core) => core.sendBytes(unknownFrame(0xff, 0))],
  ["failure 19: a header cut short", (core) => core.sendBytes(new Uint8Array(11).fill(0x85))],
  [
    "failure 19: a payload cut short",
    (core) => core.sendBytes(encodeFrames([frame(FrameType.ping, 0, utf8("hello"))]).slice(0, -1)),
  ],
  [
    "failure 19: a control frame that is too long",
    (core) => core.send(frame(FrameType.ping, 0, new Uint8Array(LIMITS.maxReasonBytes + 1))),
  ],
  ["failure 19: a second greeting", (core) => core.send(HELLO)],
  [
    "failure 19: data on a stream that was never opened",
    (core) => core.send(frame(FrameType.data, 9_999, utf8("x"))),
  ],
  [
    "failure 19: a stream with an id of the relay's",
    (core) =>
      core.send(
        frame(
          FrameType.open,
          101,
          head([
            [":method", "PUT"],
            [":path", "/x"],
          ]),
        ),
      ),
  ],
  [
    "failure 19: a request without a stream",
    (core) =>
      core.send(
        frame(
          FrameType.open,
          0,
          head([
            [":method", "PUT"],
            [":path", "/x"],
          ]),
        ),
      ),
  ],
  [
    "failure 19: an offset of seven bytes",
    (core) => core.send(frame(FrameType.maxData, 0, encodeOffset(5).slice(1))),
  ],
  [
    "failure 19: an offset beyond every number",
    (core) => core.send(frame(FrameType.maxData, 0, new Uint8Array(8).fill(0xff))),
  ],
  [
    "failure 19: more than the window allows",
    async (core) => {
      // A client that leaves its answer unread until all is over: one that left would give credit.
      const unread = world.call("/v1/models").catch(() => undefined);
      void core.closed.then(async () => (await unread)?.body?.cancel()).catch(() => undefined);
      const { stream } = await core.take(FrameType.open);
      core.send(frame(FrameType.headers, stream, head([[":status", "200"]])));
      const piece = frame(FrameType.data, stream, new Uint8Array(LIMITS.maxFrameBytes));
      // More than all the buffers on the way to that client could swallow.
      for (let index = 0; index < 400; index += 1) core.send(piece, piece, piece);
    },
  ],
])("%s ends the connection with 1002, and the next core is welcome", async (_name, misbehave) => {
  await using core = await connect();
  await misbehave(core);
  const goAway = await core.take(FrameType.goAway);
  expect(goAway.ext).toBe(GoAwayCode.protocol);
  expect((await core.closed).code).toBe(1002);
  await using next = await connect();
  next.send(frame(FrameType.ping, 0));
  await next.take(FrameType.pong);
});

test("failure 19: a message beyond the limit is not even read to its end", async () => {
  await using core = await connect();
  core.sendBytes(new Uint8Array(LIMITS.maxMessageBytes + 1));
  expect([1002, 1009]).toContain((await core.closed).code);
});

test("failure 19: text that is no heartbeat is answered with 1003", async () => {
  await using core = await connect();
  core.sendBytes("hello?");
  expect((await core.closed).code).toBe(1003);
});

/** What DELIVER on a frame names. */
function deliveryOf(payload: Uint8Array): { readonly id: string; readonly token: string } {
  const fields = decodeFields(payload);
  const read = fields.ok ? readDelivery(fields.value) : undefined;
  if (read?.ok !== true) throw new Error("not a delivery");
  return read.value;
}

function ack(stream: number, { id, token }: { readonly id: string; readonly token: string }) {
  const answer = { id, token, duplicate: false, retryAfterMs: 0, reason: "" };
  return frame(FrameType.ack, stream, encodeAnswer(answer));
}

test("failure 45: acknowledgements that are lost, doubled and out of order lose nothing", async () => {
  // Lost: the webhook is with the core, its answer never arrives.
  await using first = await connect();
  const lost = world.webhook(100);
  const seen = deliveryOf((await first.take(FrameType.deliver)).payload);
  first.terminate();
  expect((await lost).status).toBe(200);
  for (const number of [101, 102]) expect((await world.webhook(number, number)).status).toBe(200);
  expect((await world.health()).spooled).toBe(3);

  await using second = await connect();
  const again = await Promise.all([1, 2, 3].map(() => second.take(FrameType.deliver)));
  const ids = again.map(({ payload }) => deliveryOf(payload).id);
  expect(ids).toEqual([seen.id, "telegram:101", "telegram:102"]);
  // Out of order, and each one twice.
  for (const { stream, payload } of again.toReversed()) {
    const answer = ack(stream, deliveryOf(payload));
    second.send(answer, answer);
  }
  second.send(frame(FrameType.ping, 0));
  await second.take(FrameType.pong);
  expect((await world.health()).spooled).toBe(0);
  // And one for a stream that never was a webhook ends nothing.
  second.send(ack(again[0]?.stream ?? 1, { id: "telegram:100", token: "1" }));
  second.send(frame(FrameType.ping, 0));
  await second.take(FrameType.pong);
});

async function acceptedSocket(core: ChaosCore): Promise<[WebSocket, number]> {
  const url = new URL("/gateway", world.edge.url);
  url.protocol = "ws:";
  const headers = { Authorization: `Bearer ${TOKENS.operator}` };
  const socket = new WebSocket(url, { headers });
  const { stream } = await core.take(FrameType.wsOpen);
  core.send(frame(FrameType.wsAccept, stream, head([[":status", "101"]])));
  await once(socket, "open");
  return [socket, stream];
}

const LONGEST = "ü".repeat(61) + "x";

// What the core says, and what a client may be told of it; it reads 1005 when there is no code.
test.each<[string, number, string, number, string]>([
  ["no code", 0, "", 1005, ""],
  ["1005, which means none", 1005, "", 1005, ""],
  ["1006, which nobody may send", 1006, "gone", 1011, "gone"],
  ["1015, which nobody may send", 1015, "tls", 1011, "tls"],
  ["a code of nobody", 999, "odd", 1011, "odd"],
  ["a code of its own", 4711, "mine", 4711, "mine"],
  ["the longest reason", 1000, LONGEST, 1000, LONGEST],
])(
  "failure 53: %s of the core becomes a legal close, and nobody is stuck",
  async (_name, code, reason, told, toldReason) => {
    await using core = await connect();
    const [socket, stream] = await acceptedSocket(core);
    core.send(frame(FrameType.wsClose, stream, utf8(reason), { ext: code }));
    const [closeCode, closeReason] = await once(socket, "close");
    expect([closeCode, String(closeReason)]).toEqual([told, toldReason]);
  },
);

test("failure 54: a header with a line break in it never reaches a client", async () => {
  await using core = await connect();
  const answer = world.call("/v1/models");
  const { stream } = await core.take(FrameType.open);
  const good = head([
    [":status", "200"],
    ["x-split", "a--Set-Cookie: evil=1"],
  ]);
  const bad = concat([good]);
  bad.set(utf8("\r\n"), Buffer.from(bad).indexOf("--"));
  core.send(frame(FrameType.headers, stream, bad, { flags: Flag.end }));
  const response = await answer;
  expect([response.status, response.headers.get("Set-Cookie")]).toEqual([502, null]);
  expect(await response.json()).toMatchObject({ code: "bad_response" });
  // A fault of one stream: the connection goes on.
  core.send(frame(FrameType.ping, 0));
  await core.take(FrameType.pong);
});
