import * as z from "zod";
import { describe, expect, test } from "vitest";
import type { Channel, ChannelContext, RawEvent } from "../../core/channels/channel.ts";
import { IngressRoute, OutageAlert } from "../../shared/ingress/route.ts";
import { GatewayError } from "../../shared/errors.ts";

/** How the next send goes wrong at the platform. `lost_answer`: it arrives, and we never hear. */
export type SendFault = "rate_limited_7s" | "thrown_out" | "lost_answer" | "never_left";

/** A channel and the fake platform it talks to. Made anew for every test. */
export interface ChannelWorld extends AsyncDisposable {
  readonly channel: Channel;
  /** A direct conversation that the platform knows. */
  readonly conversation: string;
  /** What must not show in any error or log line. */
  readonly secrets: readonly string[];
  /** Everything that was logged. */
  logged(): string;
  /** Somebody writes to us in `conversation`. */
  write(text: string): void;
  /** True once the platform takes everything written as received by us. */
  acknowledged(): boolean;
  /** What arrived in `conversation`, as people see it. */
  arrived(): readonly string[];
  /** Resolves once `holds()`; looked at after every change at the platform. */
  until(holds: () => boolean): Promise<void>;
  failNextSend(fault: SendFault): void;
}

/** A context that keeps in memory and can be told to fail. */
export class TestContext implements ChannelContext {
  readonly kept: RawEvent[] = [];
  /** Called before an event is kept; throw or wait here to hold it up. */
  beforeKeep: (event: RawEvent) => Promise<void> = () => Promise.resolve();
  #base: URL | undefined;
  readonly #listeners = new Set<() => void>();
  #news = Promise.withResolvers<void>();
  #looked = Promise.withResolvers<void>();

  /** The edge comes, goes or moves. */
  setBase(base: string | undefined): void {
    this.#base = base === undefined ? undefined : new URL(base);
    for (const listener of this.#listeners) listener();
  }

  readonly webhookBase = (): URL | undefined => {
    this.#looked.resolve();
    this.#looked = Promise.withResolvers();
    return this.#base;
  };

  /** Resolves when the channel next looks whether there is an edge. */
  looked(): Promise<void> {
    return this.#looked.promise;
  }

  readonly onWebhookBaseChange = (listener: () => void, signal: AbortSignal): void => {
    this.#listeners.add(listener);
    signal.addEventListener("abort", () => this.#listeners.delete(listener), { once: true });
  };

  readonly keep = async (event: RawEvent): Promise<boolean> => {
    await this.beforeKeep(event);
    const isNew = !this.kept.some(({ id }) => id === event.id);
    if (isNew) this.kept.push(event);
    this.#news.resolve();
    this.#news = Promise.withResolvers();
    return isNew;
  };

  /** Resolves once `count` events are kept. */
  async hasKept(count: number): Promise<void> {
    while (this.kept.length < count) await this.#news.promise;
  }
}

/** The promises of the channel port. Every adapter's test calls this. */
export function describeChannel(name: string, make: () => Promise<ChannelWorld>): void {
  describe(`${name} keeps the promises of a channel`, () => {
    receiving(make);
    sending(make);
    describing(make);
  });
}

const never = new AbortController().signal;

function receiving(make: () => Promise<ChannelWorld>): void {
  test("what people write is kept in order, once, and can be read", async () => {
    await using world = await make();
    const context = new TestContext();
    const stop = new AbortController();
    const running = world.channel.run(context, stop.signal);
    for (const text of ["one", "two", "three"]) world.write(text);
    await context.hasKept(3);
    stop.abort();
    await running;
    const messages = context.kept.map(({ payload }) => world.channel.toInbound(payload));
    expect(messages.map((message) => message?.text)).toEqual(["one", "two", "three"]);
    for (const [index, message] of messages.entries()) {
      expect(message).toMatchObject({
        id: context.kept[index]?.id,
        channel: world.channel.id,
        conversation: world.conversation,
        direct: true,
      });
    }
    expect(new Set(context.kept.map(({ lane }) => lane)).size).toBe(1);
  });

  test("nothing is acknowledged before it is kept", async () => {
    await using world = await make();
    const context = new TestContext();
    const reached = Promise.withResolvers<void>();
    const gate = Promise.withResolvers<void>();
    context.beforeKeep = () => {
      reached.resolve();
      return gate.promise;
    };
    const stop = new AbortController();
    const running = world.channel.run(context, stop.signal);
    world.write("hold me");
    await reached.promise;
    expect(world.acknowledged()).toBe(false);
    gate.resolve();
    await world.until(() => world.acknowledged());
    expect(context.kept).toHaveLength(1);
    stop.abort();
    await running;
  });

  test("an event that could not be kept comes again, and only once more", async () => {
    await using world = await make();
    const context = new TestContext();
    let failures = 0;
    context.beforeKeep = () => {
      failures += 1;
      return failures === 1 ? Promise.reject(new Error("disk full")) : Promise.resolve();
    };
    const stop = new AbortController();
    const running = world.channel.run(context, stop.signal);
    world.write("again");
    await world.until(() => world.acknowledged());
    stop.abort();
    await running;
    expect(context.kept).toHaveLength(1);
    expect(failures).toBe(2);
  });

  test("it stops when told to, also before it began", async () => {
    await using world = await make();
    await world.channel.run(new TestContext(), AbortSignal.abort());
  });
}

function sending(make: () => Promise<ChannelWorld>): void {
  test("pieces of a long reply arrive whole and in order", async () => {
    await using world = await make();
    const words = Array.from({ length: 4_000 }, (_, index) => `word${index}`);
    const pieces = world.channel.split(words.join(" "));
    expect(pieces.length).toBeGreaterThan(1);
    const ids = new Set<string>();
    for (const text of pieces) {
      ids.add(await world.channel.send({ conversation: world.conversation, text }, never));
    }
    expect(ids.size).toBe(pieces.length);
    expect(world.arrived().join(" ").split(/\s+/)).toEqual(words);
  });

  test.each([
    ["markup characters", "a < b && c > d [x](y) *z _w `v"],
    ["half an emoji", "broken \uD83D here"],
    ["a very long word", "x".repeat(9_000)],
  ])("a reply with %s arrives", async (_name, text) => {
    await using world = await make();
    for (const piece of world.channel.split(text)) {
      await world.channel.send({ conversation: world.conversation, text: piece }, never);
    }
    expect(world.arrived().join("")).toBe(text.toWellFormed());
  });

  test("blank text is no piece", async () => {
    await using world = await make();
    expect(world.channel.split(" \n\n ")).toEqual([]);
  });

  test("a rate limit says when to come back", async () => {
    await using world = await make();
    world.failNextSend("rate_limited_7s");
    const failure = await failureOfSend(world);
    expect(failure).toBeInstanceOf(GatewayError);
    expect(failure).toMatchObject({ code: "rate_limited", retryAfterMs: 7_000 });
    expect(world.arrived()).toEqual([]);
  });

  test("being thrown out is final", async () => {
    await using world = await make();
    world.failNextSend("thrown_out");
    expect(await failureOfSend(world)).toMatchObject({ code: "forbidden" });
  });

  test("a conversation that does not exist is not found", async () => {
    await using world = await make();
    expect(await failureOfSend(world, "999999")).toMatchObject({ code: "not_found" });
    expect(await failureOfSend(world, "no such thing!")).toMatchObject({ code: "not_found" });
  });

  test("a message that perhaps arrived is no known failure", async () => {
    await using world = await make();
    world.failNextSend("lost_answer");
    const failure = await failureOfSend(world);
    expect(failure).toBeInstanceOf(Error);
    expect(failure).not.toBeInstanceOf(GatewayError);
  });

  test("no secret shows in an error or a log line", async () => {
    await using world = await make();
    const seen: string[] = [];
    for (const fault of ["rate_limited_7s", "thrown_out", "lost_answer", "never_left"] as const) {
      world.failNextSend(fault);
      seen.push(JSON.stringify(everythingOf(await failureOfSend(world))));
    }
    seen.push(world.logged());
    for (const secret of world.secrets) expect(seen.join("\n")).not.toContain(secret);
  });

  test("typing ends with its signal and never rejects", async () => {
    await using world = await make();
    await world.channel.typing(world.conversation, AbortSignal.abort());
    await world.channel.typing("no such thing!", never);
    const stop = new AbortController();
    const typing = world.channel.typing(world.conversation, stop.signal);
    stop.abort();
    await typing;
  });
}

function describing(make: () => Promise<ChannelWorld>): void {
  test("its alert is a request the edge can keep, and there is none for no conversation", async () => {
    await using world = await make();
    const request = await world.channel.alertRequest(world.conversation, "it is away");
    if (request !== undefined) {
      const { url, headers, body } = request;
      const alert = { afterMs: 60_000, url, headers: [...headers], body };
      expect(OutageAlert.safeParse(alert)).toMatchObject({ success: true });
      expect(body).toContain("it is away");
    }
    expect(await world.channel.alertRequest("no such \u0000", "x")).toBeUndefined();
  });

  test("its routes are ones the edge accepts", async () => {
    await using world = await make();
    const routes = await world.channel.ingress();
    expect(z.array(IngressRoute).safeParse(routes)).toMatchObject({ success: true });
    for (const secret of world.secrets) expect(JSON.stringify(routes)).not.toContain(secret);
  });

  test.each([
    ["nothing", ""],
    ["no JSON", "{"],
    ["another shape", '{"hello":"world"}'],
    ["a number", "17"],
  ])("a webhook body that is %s is refused", async (_name, body) => {
    await using world = await make();
    expect(() => world.channel.read(new TextEncoder().encode(body))).toThrow(
      expect.objectContaining({ code: "invalid_request" }),
    );
  });

  test.each([
    ["null", null],
    ["a text", "x"],
    ["an empty object", {}],
  ])("%s is no event of this platform", async (_name, payload) => {
    await using world = await make();
    expect(() => world.channel.toInbound(payload)).toThrow(
      expect.objectContaining({ code: "invalid_request" }),
    );
  });
}

async function failureOfSend(world: ChannelWorld, conversation?: string): Promise<unknown> {
  const message = { conversation: conversation ?? world.conversation, text: "hello" };
  return world.channel.send(message, never).then(
    (id) => `sent as ${id}`,
    (error: unknown) => error,
  );
}

/** All that a careless logger could print of an error: own and inherited, down the causes. */
function everythingOf(error: unknown): unknown[] {
  if (!(error instanceof Error)) return [error];
  const own = Object.getOwnPropertyNames(error).map((name) => Reflect.get(error, name));
  return [String(error), ...own, ...(error.cause === undefined ? [] : everythingOf(error.cause))];
}
