import { expect, test } from "vitest";
import { Random } from "../../test/support/random.ts";
import { pair } from "../../test/support/session-pair.ts";
import { concat } from "../bytes.ts";
import { LIMITS } from "../limits.ts";
import { IncomingBody, sendBody } from "./body.ts";
import { ResetCode } from "./frame.ts";
import type { Stream } from "./stream.ts";

/** A stream both ends hold, the far one read through an `IncomingBody`. */
function joinedStream() {
  const far: { stream?: Stream; body?: IncomingBody } = {};
  const joined = pair({
    onOpen: (stream) => {
      const body = new IncomingBody(stream, () => stream.stop());
      stream.listen((event) => {
        if (event.type === "data") body.push(event.bytes);
        else if (event.type === "end") body.end();
        else if (event.type === "reset") body.fail(new Error(event.reason));
      });
      Object.assign(far, { stream, body });
    },
  });
  const near = joined.relay.openStream("http", [[":method", "POST"]]);
  joined.settle();
  if (near === undefined || far.body === undefined || far.stream === undefined) {
    throw new Error("refused");
  }
  near.listen(() => undefined);
  return { joined, near, far: far.stream, body: far.body };
}

/** Yields until all microtasks and web stream jobs have run. */
function turn(): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const { port1, port2 } = new MessageChannel();
  port1.addEventListener("message", () => {
    port1.close();
    resolve();
  });
  port1.start();
  port2.postMessage(undefined);
  return promise;
}

test("a long body arrives whole through windows that are much smaller", async () => {
  const { joined, near, far, body } = joinedStream();
  const random = new Random(5);
  const chunks = Array.from({ length: 40 }, () => random.bytes(random.size(200_000)));
  const left = chunks.toReversed();
  const source = new ReadableStream<Uint8Array>({
    pull: (controller) => {
      const chunk = left.pop();
      if (chunk === undefined) controller.close();
      else controller.enqueue(chunk);
    },
  });
  const sent = sendBody(source, near, new AbortController().signal, "cancel");
  const read = new Response(body.toWeb()).bytes();
  far.sendHead(new Uint8Array(2), true);
  while (!far.over || joined.core.bufferedBytes > 0) {
    joined.settle();
    expect(joined.core.bufferedBytes).toBeLessThanOrEqual(LIMITS.maxStreamWindowBytes);
    await turn();
  }
  await sent;
  expect(await read).toEqual(concat(chunks));
  expect([joined.relay.bufferedBytes, joined.core.bufferedBytes]).toEqual([0, 0]);
});

test("a body that nobody reads makes its source wait", async () => {
  const { joined, near } = joinedStream();
  let pulled = 0;
  const source = new ReadableStream<Uint8Array>({
    pull: (controller) => {
      pulled += 50_000;
      controller.enqueue(new Uint8Array(50_000));
    },
  });
  const over = new AbortController();
  const sent = sendBody(source, near, over.signal, "cancel");
  for (let turns = 0; turns < 50; turns += 1) {
    joined.settle();
    await turn();
  }
  expect(pulled).toBeLessThan(LIMITS.streamWindowBytes + 256 * 1024);
  near.reset(ResetCode.cancel);
  over.abort();
  await sent;
});

test("a reader that leaves stops the source, and the end that crosses it is no accident", async () => {
  const { joined, near, body } = joinedStream();
  const reader = body.toWeb().getReader();
  const first = reader.read();
  near.write(Uint8Array.of(1));
  joined.settle();
  expect((await first).value).toEqual(Uint8Array.of(1));
  const second = reader.read();
  await reader.cancel();
  expect((await second).done).toBe(true);
  near.write(Uint8Array.of(2));
  near.end();
  expect(() => joined.settle()).not.toThrow();
  expect([near.stopped, joined.core.bufferedBytes]).toEqual([true, 0]);
});

test("a peer that wants no more has the source cancelled", async () => {
  const { joined, near, far } = joinedStream();
  const cancelled = Promise.withResolvers<unknown>();
  const source = new ReadableStream<Uint8Array>({ cancel: (why) => cancelled.resolve(why) });
  const over = new AbortController();
  near.listen((event) => {
    if (event.type === "stop") over.abort("enough");
  });
  const sent = sendBody(source, near, over.signal, "cancel");
  far.stop();
  joined.settle();
  await sent;
  expect(await cancelled.promise).toBe("enough");
});

test("a body that is cut short fails at its reader, and what had come is not passed off as all", async () => {
  const { joined, near, body } = joinedStream();
  near.write(Uint8Array.of(1));
  joined.settle();
  const read = new Response(body.toWeb()).bytes();
  near.reset(ResetCode.cancel, "client left");
  joined.settle();
  await expect(read).rejects.toThrow("client left");
});

test("a source that fails is an error of the sender's", async () => {
  const { near } = joinedStream();
  const source = new ReadableStream<Uint8Array>({
    pull: () => Promise.reject(new Error("disk on fire")),
  });
  const sent = sendBody(source, near, new AbortController().signal, "cancel");
  await expect(sent).rejects.toThrow("disk on fire");
});

test("a body that has come whole is taken at once", () => {
  const { joined, near, body } = joinedStream();
  near.write(Uint8Array.of(1, 2));
  near.write(Uint8Array.of(3));
  near.end();
  joined.settle();
  expect([body.complete, body.bytes]).toEqual([true, 3]);
  expect(body.take()).toEqual(Uint8Array.of(1, 2, 3));
  expect(joined.core.bufferedBytes).toBe(0);
});
