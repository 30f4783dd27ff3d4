import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Delivered, Delivery } from "../../core/tunnel/handlers.ts";
import { randomToken } from "../../shared/bytes.ts";
import { callEdge, type EdgeWithCore, startEdgeWithCore } from "../support/edge-with-core.ts";
import { aBundle, connectCore } from "../support/tunnel-core.ts";
import { webhookSenders } from "../support/webhook-senders/all.ts";
import { startKeyServer } from "../support/webhook-senders/key-server.ts";
import {
  routeOf,
  type Sender,
  type Sent,
  type SentEvent,
} from "../support/webhook-senders/sender.ts";
import { answerOf, attempt, forgeries, itemsOf } from "../support/webhook-senders/trial.ts";

const keys = await startKeyServer();
const senders = await webhookSenders(keys);
const bundle = await aBundle({ routes: senders.map(routeOf) });

afterAll(() => keys[Symbol.asyncDispose]());

/** Does each event once, as a store with unique ids. */
class Desk {
  readonly #done = new Set<string>();
  readonly work: Delivery[] = [];

  readonly deliver = (delivery: Delivery): Promise<Delivered> => {
    const fresh = delivery.items.filter(({ id }) => !this.#done.has(id));
    if (fresh.length === 0) return Promise.resolve("duplicate");
    for (const { id } of fresh) this.#done.add(id);
    this.work.push(delivery);
    return Promise.resolve("committed");
  };

  of({ name }: Sender): Delivery[] {
    return this.work.filter(({ route }) => route === name);
  }
}

const desk = new Desk();
const shelf = new Map<string, string>();
let world: EdgeWithCore;

beforeAll(async () => {
  world = await startEdgeWithCore(
    { bundle: () => bundle, deliver: desk.deliver, shelf },
    // Coarse limits of an address are no part of a signature: all senders here have the same one.
    { bindings: { SEAL_KEY: randomToken() }, rateLimits: false },
  );
});
afterAll(() => world[Symbol.asyncDispose]());

function post({ name }: Sender, sent: Sent, requestId?: string): Promise<Response> {
  const headers = new Headers(sent.headers);
  if (requestId !== undefined) headers.set("X-Request-Id", requestId);
  const body = sent.method === "GET" ? {} : { body: sent.body };
  return callEdge(world.edge.url, `/hooks/${name}${sent.query}`, {
    method: sent.method,
    headers,
    ...body,
  });
}

function draft({ name }: Sender, change: Parameters<typeof attempt>[1] = {}) {
  return attempt(new URL(`/hooks/${name}`, world.edge.url).href, change);
}

describe.each(senders)("$name", (sender) => {
  test("a genuine webhook is with the core, byte for byte, and has this sender's own answer", async () => {
    const sent = await sender.send(1, draft(sender));
    expect(await answerOf(await post(sender, sent))).toMatchObject(sent.answer);
    const [delivery, ...more] = desk.of(sender);
    expect(more).toEqual([]);
    expect(delivery).toMatchObject({
      route: sender.name,
      verified: sender.scheme,
      secret: 0,
      method: sent.method,
      query: sent.query,
      attempts: 0,
    });
    expect(Buffer.from(delivery?.body ?? []).equals(sent.body)).toBe(true);
    expect(itemsOf(sender, delivery, sent)).toEqual(sent.items);
    const secret = new Set(sender.secretHeaders?.map((name) => name.toLowerCase()));
    for (const [name, value] of new Headers(sent.headers)) {
      // What opens a door goes no further than the edge; a bearer token is such a thing, too.
      const isKept = !secret.has(name) && name !== "authorization";
      expect([name, delivery?.headers.get(name)]).toEqual([name, isKept ? value : null]);
    }
  });

  test("the same one again is answered the same, and done once", async () => {
    const sent = await sender.send(2, draft(sender));
    const before = desk.of(sender).length;
    for (const time of [1, 2, 3]) {
      const answer = await answerOf(await post(sender, sent));
      expect({ time, ...answer }).toMatchObject({ time, ...sent.answer });
    }
    expect(desk.of(sender)).toHaveLength(before + 1);
  });

  test("the second of two live secrets is as good, and the core is told which it was", async () => {
    const sent = await sender.send(3, draft(sender, { key: "second" }));
    expect(await answerOf(await post(sender, sent))).toMatchObject(sent.answer);
    expect(desk.of(sender).at(-1)).toMatchObject({ secret: 1, verified: sender.scheme });
  });

  test("whatever is wrong with it, a forged one has the same answer, and nothing is delivered", async () => {
    const before = desk.of(sender).length;
    const answers: unknown[] = [];
    for (const { what, sent } of await forgeries(sender, (change) => draft(sender, change))) {
      const response = await post(sender, sent, "the-same-for-all");
      answers.push({ what, status: response.status, body: await response.text() });
    }
    const [first] = answers;
    expect(first).toMatchObject({ status: 401 });
    for (const answer of answers) {
      expect(answer).toEqual({ ...Object(first), what: expect.any(String) });
    }
    expect(desk.of(sender)).toHaveLength(before);
  });
});

describe.each(senders.filter(({ handshakes }) => handshakes !== undefined))("$name", (sender) => {
  test("a test of the address is answered and is no event", async () => {
    const before = desk.of(sender).length;
    for (const one of (await sender.handshakes?.(draft(sender))) ?? []) {
      const answer = await answerOf(await post(sender, one));
      expect({ what: one.what, ...answer }).toMatchObject({ what: one.what, ...one.answer });
    }
    for (const one of (await sender.handshakes?.(draft(sender, { key: "stranger" }))) ?? []) {
      const { status } = await answerOf(await post(sender, one));
      expect([one.what, status]).toEqual([one.what, one.method === "GET" ? 403 : 401]);
    }
    expect(desk.of(sender)).toHaveLength(before);
  });
});

test("keys that web tokens are checked by are asked for once, whatever was sent", () => {
  // Bot Framework's configuration and its keys, Google's certificates, Google's keys.
  expect(keys.asked).toBe(4);
});

describe("while the core is away", () => {
  const kept = new Map<string, SentEvent>();

  beforeAll(async () => {
    await world.core[Symbol.asyncDispose]();
    desk.work.length = 0;
  });

  test.each(senders)("$name: is answered as ever, because it is kept", async (sender) => {
    const sent = await sender.send(4, draft(sender));
    kept.set(sender.name, sent);
    expect(await answerOf(await post(sender, sent))).toMatchObject(sent.answer);
    expect(await answerOf(await post(sender, sent))).toMatchObject(sent.answer);
  });

  test("all of it is delivered once it is back, byte for byte and once", async () => {
    await using core = await connectCore({
      edge: world.edge.url,
      pairing: world.pairing,
      shelf,
      bundle: () => bundle,
      deliver: desk.deliver,
    });
    await core.delivered(kept.size);
    for (const sender of senders) {
      const sent = kept.get(sender.name);
      const [delivery, ...more] = desk.of(sender);
      expect([sender.name, more]).toEqual([sender.name, []]);
      expect(Buffer.from(delivery?.body ?? []).equals(sent?.body ?? Buffer.of(1))).toBe(true);
      expect(itemsOf(sender, delivery, sent)).toEqual(sent?.items);
      const { method, query } = sent ?? {};
      expect(delivery).toMatchObject({ verified: sender.scheme, secret: 0, method, query });
    }
  });
});
