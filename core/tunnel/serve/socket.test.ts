import { expect, test } from "vitest";
import { toBase64Url, utf8 } from "../../../shared/bytes.ts";
import { type Fields, fieldOf } from "../../../shared/tunnel/fields.ts";
import type { Stream } from "../../../shared/tunnel/stream.ts";
import type { StreamEvent } from "../../../shared/tunnel/stream-event.ts";
import { type FakeLink, requestFieldsOf } from "../../../test/support/fake-edge.ts";
import { fakeEdgeWithCore } from "../../../test/support/fake-edge-with-core.ts";
import type { TunnelCoreOptions } from "../../../test/support/tunnel-core.ts";
import type { ClientSocket, Receipt, Upgrade } from "../handlers.ts";
import { until } from "../../../test/support/until.ts";

interface Taken {
  readonly socket: ClientSocket;
  readonly messages: (string | Uint8Array)[];
  readonly receipts: Receipt[];
  readonly closes: [number, string][];
}

/** Accepts a client and remembers what it says. */
function accept(survives: boolean, protocol?: string): { upgrade: Upgrade; taken: Promise<Taken> } {
  const { promise, resolve } = Promise.withResolvers<Taken>();
  const take = (socket: ClientSocket): void => {
    const taken: Taken = { socket, messages: [], receipts: [], closes: [] };
    socket.listen({
      onMessage(message, receipt) {
        taken.messages.push(message);
        taken.receipts.push(receipt);
      },
      onClose: (code, reason) => taken.closes.push([code, reason]),
    });
    resolve(taken);
  };
  return { upgrade: { accepted: true, protocol, survives, take }, taken: promise };
}

async function relayWith(options: Partial<TunnelCoreOptions>): Promise<FakeLink> {
  const { edge } = await fakeEdgeWithCore(options);
  return edge.link(1);
}

/** A client's socket at the relay, and all that the core says on it. */
function open(link: FakeLink, extra: Fields = []): { stream: Stream; events: StreamEvent[] } {
  const stream = link.session.openStream("websocket", requestFieldsOf("/gateway", extra));
  if (stream === undefined) throw new Error("the stream was refused");
  const events: StreamEvent[] = [];
  stream.listen((event) => {
    events.push(event);
    if (event.type === "message") stream.consume(event.bytes);
  });
  return { stream, events };
}

function headOf(events: readonly StreamEvent[]): Fields | undefined {
  for (const event of events) if (event.type === "head") return event.fields;
  return undefined;
}

test("an answer carries the number of the message it answers, whatever the order", async () => {
  const client = accept(true, "chat.v1");
  const link = await relayWith({ upgrade: () => Promise.resolve(client.upgrade) });
  const { stream, events } = open(link);
  const { messages, receipts, socket } = await client.taken;
  for (const text of ["one", "two", "three"]) stream.sendMessage(text);
  await until(() => messages.length === 3);
  receipts[1]?.answer("to two");
  receipts[0]?.answer("to one");
  receipts[0]?.answer("more to one");
  receipts[0]?.done();
  receipts[2]?.done();
  socket.send("to nobody");
  await until(() => events.length === 6);
  expect(headOf(events)).toEqual([
    [":status", "101"],
    [":survives", "1"],
    ["sec-websocket-protocol", "chat.v1"],
  ]);
  expect(
    events.flatMap((event) =>
      event.type === "message" ? [`${String(event.message)} ${event.answers}`] : [],
    ),
  ).toEqual(["to two 2", "to one 1", "more to one 0", "to nobody 0"]);
  expect(events.filter(({ type }) => type === "taken")).toEqual([{ type: "taken", receipt: 3 }]);
});

test("a client of which nothing is kept gets no numbers, and nothing is left for the next core", async () => {
  const client = accept(false);
  const link = await relayWith({ upgrade: () => Promise.resolve(client.upgrade) });
  const { stream, events } = open(link);
  const { messages, receipts, socket } = await client.taken;
  socket.keep("a state");
  stream.sendMessage("one");
  stream.sendMessage("two");
  await until(() => messages.length === 2);
  receipts[0]?.done();
  receipts[1]?.answer("to two");
  await until(() => events.some(({ type }) => type === "message"));
  expect(headOf(events)).toEqual([[":status", "101"]]);
  expect(events.slice(1)).toEqual([{ type: "message", message: "to two", bytes: 6, answers: 0 }]);
});

test("a client may send on only as fast as its messages are dealt with", async () => {
  const client = accept(true);
  const link = await relayWith({ upgrade: () => Promise.resolve(client.upgrade) });
  const { stream } = open(link);
  const { messages, receipts } = await client.taken;
  const message = new Uint8Array(50_000).fill(1);
  for (let index = 0; index < 20; index += 1) stream.sendMessage(message);
  await until(() => messages.length === 5);
  expect(stream.queuedBytes).toBeGreaterThan(600_000);
  for (let index = 0; index < 20; index += 1) {
    await until(() => receipts.length > index);
    receipts[index]?.done();
  }
  expect([messages.length, stream.queuedBytes]).toEqual([20, 0]);
});

test("what is left for the next core reaches the relay, the newest last", async () => {
  const client = accept(true);
  const link = await relayWith({ upgrade: () => Promise.resolve(client.upgrade) });
  const { events } = open(link);
  const { socket } = await client.taken;
  socket.keep("first");
  socket.keep("zweite, später");
  await until(() => events.length === 3);
  expect(events.slice(1)).toEqual([
    { type: "state", state: "first" },
    { type: "state", state: "zweite, später" },
  ]);
  expect(() => socket.keep("x".repeat(2_049))).toThrow(RangeError);
});

test("a client of another core comes with what that one kept and the protocol it chose", async () => {
  const client = accept(true, "chat.v1");
  const seen: unknown[] = [];
  const link = await relayWith({
    reattach: (request, { requestId }, kept) => {
      seen.push(kept, request.headers.get("Sec-WebSocket-Protocol"), requestId.length);
      return Promise.resolve(client.upgrade);
    },
  });
  const attach: Fields = [
    [":attach", "1"],
    [":state", toBase64Url(utf8("behalten: ä"))],
    [":protocol", "chat.v1"],
  ];
  const { stream, events } = open(link, attach);
  const { messages, receipts } = await client.taken;
  expect(seen).toEqual(["behalten: ä", "chat.v1", 36]);
  // Numbered anew: this is the first that this core gets.
  stream.sendMessage("again");
  await until(() => messages.length === 1);
  receipts[0]?.answer("done");
  await until(() => events.some(({ type }) => type === "message"));
  expect(events.at(-1)).toMatchObject({ message: "done", answers: 1 });
});

test("a client that the next core does not want is refused", async () => {
  const link = await relayWith({
    reattach: () =>
      Promise.resolve({ accepted: false, response: new Response("who?", { status: 410 }) }),
  });
  const { events } = open(link, [[":attach", "1"]]);
  await until(() => events.some(({ type }) => type === "end"));
  expect(fieldOf(headOf(events) ?? [], ":status")).toBe("410");
});

test("the end of a connection ends each socket once, and what is said after it is ignored", async () => {
  const client = accept(true);
  const link = await relayWith({ upgrade: () => Promise.resolve(client.upgrade) });
  const { stream } = open(link);
  const { socket, messages, receipts, closes } = await client.taken;
  stream.sendMessage("one");
  await until(() => messages.length === 1);
  link.socket.terminate();
  await until(() => closes.length > 0);
  receipts[0]?.answer("too late");
  socket.keep("too late");
  socket.send("too late");
  socket.close(1000, "too late");
  expect(closes).toEqual([[1006, "lost"]]);
  expect(socket.drained()).toBeUndefined();
});

test("a slow client shows in what waits, until it has left", async () => {
  const client = accept(true);
  const link = await relayWith({ upgrade: () => Promise.resolve(client.upgrade) });
  const stream = link.session.openStream("websocket", requestFieldsOf("/gateway"));
  const held: number[] = [];
  stream?.listen((event) => {
    if (event.type === "message") held.push(event.bytes);
  });
  const { socket } = await client.taken;
  for (let index = 0; index < 8; index += 1) socket.send(new Uint8Array(60_000));
  await until(() => held.length === 4);
  expect(socket.bufferedBytes).toBeGreaterThan(200_000);
  const drained = socket.drained();
  expect(drained).toBeDefined();
  const freed = until(() => {
    for (const bytes of held.splice(0)) stream?.consume(bytes);
    return socket.bufferedBytes === 0;
  });
  await Promise.all([drained, freed]);
  expect(socket.drained()).toBeUndefined();
});
