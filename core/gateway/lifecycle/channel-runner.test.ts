import { once } from "node:events";
import pino from "pino";
import { expect, test } from "vitest";
import { GatewayError } from "../../../shared/errors.ts";
import type { Channel, ChannelContext } from "../../channels/channel.ts";
import { ChannelRunner } from "./channel-runner.ts";

const CONTEXT: ChannelContext = {
  keep: async () => true,
  webhookBase: () => undefined,
  onWebhookBaseChange: () => undefined,
};

/** A platform that tells when it is begun with and left. */
function platform(id: string, events: string[], run?: Channel["run"]): Channel {
  return {
    id,
    async run(context, signal) {
      events.push(`begin ${id}`);
      await (run?.(context, signal) ?? (signal.aborted || once(signal, "abort")));
      events.push(`end ${id}`);
    },
    ingress: async () => [],
    read: () => [],
    toInbound: () => undefined,
    split: (text) => [text],
    send: async () => "1",
    alertRequest: async () => undefined,
    typing: async () => undefined,
  };
}

function world(first: readonly Channel[]) {
  const stop = new AbortController();
  let now = 0;
  let channels = first;
  const runner = new ChannelRunner({
    channels: () => channels,
    contextFor: () => CONTEXT,
    stop: stop.signal,
    clock: {
      now: () => (now += 1),
      wait: async () => undefined,
    },
    random: () => 0.5,
    log: pino({ level: "silent" }),
  });
  return {
    runner,
    become: (next: readonly Channel[]) => (channels = next),
    [Symbol.asyncDispose]: async () => {
      stop.abort();
      await runner.settled();
    },
  };
}

test("what is new in the settings starts, what is gone stops, and the others do not notice", async () => {
  const events: string[] = [];
  const [a, b, c] = ["a", "b", "c"].map((id) => platform(id, events));
  if (a === undefined || b === undefined || c === undefined) throw new Error("three are made");
  await using it = world([a, b]);
  await it.runner.sync();
  it.become([b, c]);
  await it.runner.sync();
  expect(events).toEqual(["begin a", "begin b", "end a", "begin c"]);
  expect(it.runner.stateOf("a")).toMatchObject({ running: false });
  expect(it.runner.stateOf("c")).toMatchObject({ running: true });
});

test("another account of a channel begins when the one before it has ended", async () => {
  const events: string[] = [];
  await using it = world([platform("a", events)]);
  await it.runner.sync();
  it.become([platform("a", events)]);
  await it.runner.sync();
  expect(events).toEqual(["begin a", "end a", "begin a"]);
});

test("a channel that somebody stopped stays stopped until somebody starts it", async () => {
  const events: string[] = [];
  await using it = world([platform("a", events)]);
  await it.runner.sync();
  await it.runner.stop("a");
  await it.runner.sync();
  expect(events).toEqual(["begin a", "end a"]);
  expect(it.runner.stateOf("a")).toMatchObject({ running: false });
  await it.runner.start("a");
  await it.runner.start("a");
  expect(events).toEqual(["begin a", "end a", "begin a"]);
});

test("a restart ends it before it begins anew", async () => {
  const events: string[] = [];
  await using it = world([platform("a", events)]);
  await it.runner.sync();
  await Promise.all([it.runner.restart("a"), it.runner.sync()]);
  expect(events).toEqual(["begin a", "end a", "begin a"]);
});

test("a channel that is not configured cannot be started, and the next call is served", async () => {
  await using it = world([]);
  await expect(it.runner.start("x")).rejects.toMatchObject({ code: "not_found" });
  await expect(it.runner.restart("x")).rejects.toMatchObject({ code: "not_found" });
  await it.runner.sync();
});

test("one that was refused for good is not running, and says why", async () => {
  const refusal = new GatewayError("unauthenticated", "the token is revoked");
  await using it = world([platform("a", [], () => Promise.reject(refusal))]);
  await it.runner.sync();
  await it.runner.settled();
  expect(it.runner.stateOf("a")).toMatchObject({
    running: false,
    error: "the token is revoked",
    falls: 1,
  });
});

test("what comes in is noted, and the text of a bug is not", async () => {
  let fell = false;
  const run: Channel["run"] = async ({ keep }, signal) => {
    await keep({ id: "1", lane: "l", payload: {} });
    if (!fell) {
      fell = true;
      throw new Error("secret");
    }
    if (!signal.aborted) await once(signal, "abort");
  };
  await using it = world([platform("a", [], run)]);
  await it.runner.sync();
  await expect.poll(() => it.runner.stateOf("a").falls).toBe(1);
  const { receivedAt, error } = it.runner.stateOf("a");
  expect(receivedAt).toBeGreaterThan(0);
  expect(error).not.toContain("secret");
});
