import pino from "pino";
import { expect, test } from "vitest";
import { pair } from "../../../test/support/session-pair.ts";
import { utf8 } from "../../../shared/bytes.ts";
import { LIMITS } from "../../../shared/limits.ts";
import { deliveryFields, readAnswer } from "../../../shared/tunnel/delivery.ts";
import type { Stream } from "../../../shared/tunnel/stream.ts";
import type { Delivered, Delivery, TunnelHandlers } from "../handlers.ts";
import { createMetrics } from "../metrics.ts";
import { takeDelivery } from "./take-delivery.ts";

const head = {
  route: "github",
  receivedAt: 1,
  requestId: "request-1",
  token: "t",
  verified: "github",
  secret: 0,
  method: "POST",
  query: "",
  ip: "",
  syncMs: 0,
  attempts: 0,
};

function never(): never {
  throw new Error("not asked for");
}

/** A core whose handler ends when a test says so, and the relay's end of the tunnel to it. */
function world() {
  const metrics = createMetrics();
  const taken: { delivery: Delivery; end: (result: Delivered) => void }[] = [];
  const handlers: TunnelHandlers = {
    fetch: never,
    upgrade: never,
    reattach: never,
    bundle: never,
    deliver(delivery) {
      const { promise, resolve } = Promise.withResolvers<Delivered>();
      taken.push({ delivery, end: resolve });
      return promise;
    },
  };
  const service = { metrics, handlers, log: pino({ level: "silent" }), edgeNow: () => 2 };
  const joined = pair({ onOpen: (stream, fields) => takeDelivery(stream, fields, service) });
  const open = (id: string): { stream: Stream; answers: string[] } => {
    const items = [{ id, lane: "l" }];
    const fields = deliveryFields({ ...head, id, items }, []);
    const stream = joined.relay.openStream("delivery", fields);
    if (stream === undefined) throw new Error("no room");
    const answers: string[] = [];
    stream.listen((event) => {
      if (event.type === "ack") answers.push("ack");
      if (event.type === "nack")
        answers.push(`nack ${event.code} ${readAnswer(event.fields).reason}`);
      if (event.type === "reset") answers.push(`reset ${event.code}`);
    });
    return { stream, answers };
  };
  return { metrics, taken, joined, open };
}

test("a webhook is handed over whole, and its bytes count until it is answered", async () => {
  const { metrics, taken, joined, open } = world();
  const { stream, answers } = open("a");
  stream.write(utf8("hello "));
  stream.write(utf8("you"));
  joined.settle();
  expect(metrics.heldBytes).toBe(9);
  stream.end();
  joined.settle();
  expect(taken[0]?.delivery).toMatchObject({ id: "a", body: utf8("hello you") });
  taken[0]?.end("committed");
  await expect.poll(() => metrics.heldBytes).toBe(0);
  joined.settle();
  expect(answers).toEqual(["ack"]);
});

test("what the core cannot hold is put off, and what it holds already is not harmed", async () => {
  const { metrics, taken, joined, open } = world();
  const body = new Uint8Array(LIMITS.maxWebhookBytes);
  const all = ["a", "b", "c", "d"].map((id) => {
    const opened = open(id);
    opened.stream.write(body);
    opened.stream.end();
    joined.settle();
    return opened;
  });
  expect(taken.map(({ delivery }) => delivery.id)).toEqual(["a", "b", "c"]);
  expect(all.map(({ answers }) => answers)).toEqual([
    [],
    [],
    [],
    ["nack 1 the core holds as much as it can"],
  ]);
  for (const { end } of taken) end("committed");
  await expect.poll(() => metrics.heldBytes).toBe(0);
  joined.settle();
  const again = open("d");
  again.stream.write(body);
  again.stream.end();
  joined.settle();
  expect(taken.at(-1)?.delivery.body).toHaveLength(body.byteLength);
});

test("a webhook that is cut off holds nothing", () => {
  const { metrics, joined, open } = world();
  const { stream } = open("a");
  stream.write(new Uint8Array(1_000));
  joined.settle();
  expect(metrics.heldBytes).toBe(1_000);
  stream.reset(1, "");
  joined.settle();
  expect(metrics.heldBytes).toBe(0);
});
