import { expect, test } from "vitest";
import { MAIN, runWorld, type RunWorld } from "../../test/support/run-world.ts";
import { echo, says, type Script, waitsFor } from "../../test/support/scripted-model.ts";
import type { Tool } from "../agents/tool.ts";
import { systemClock } from "../channels/clock.ts";
import { Following } from "./following.ts";
import { LiveRuns } from "./live-runs.ts";
import { QUEUE_DEFAULTS } from "./queue.ts";
import type { RunEvent, RunOrder } from "./run.ts";

const PATIENCE_MS = 20_000;
const signal = new AbortController().signal;

/** Asks for the tool. */
const calls: Script = async function* () {
  yield { type: "tool_call", call: { id: "c", name: "look", input: "{}" } };
  yield { type: "done", stop: "tool_calls", usage: { inputTokens: 3, outputTokens: 2 } };
};

const noKey: Script = async function* () {
  yield { type: "failed", code: "model_unauthorized", message: "no key", retryAfterMs: undefined };
};

/** A tool that runs until it is let go, and tells when it has begun. */
function slowTool() {
  const begun = Promise.withResolvers<void>();
  const gate = Promise.withResolvers<void>();
  const tool: Tool = {
    spec: { name: "look", description: "", parameters: {} },
    async run() {
      begun.resolve();
      await gate.promise;
      return "seen";
    },
  };
  return { tool, begun: begun.promise, go: gate.resolve };
}

/** Tells when the model is asked, and answers when the gate opens. */
function asked(gate: Promise<void>, then: Script = echo) {
  const reached = Promise.withResolvers<void>();
  const script: Script = async function* (request, aborted) {
    reached.resolve();
    yield* waitsFor(gate, then)(request, aborted);
  };
  return { script, reached: reached.promise };
}

function is(type: RunEvent["type"], id: string): (event: RunEvent) => boolean {
  return (event) => event.type === type && event.run.id === id;
}

async function start(w: RunWorld, id: string, more: Partial<RunOrder> = {}): Promise<void> {
  await w.engine.runs.start(w.order(id, more));
}

function ended(w: RunWorld, id: string) {
  return w.engine.runs.wait(id, PATIENCE_MS, signal);
}

const roles = (w: RunWorld, request: number) =>
  w.model.requests[request]?.messages.map(({ role, text }) => `${role}: ${text}`);

test("what is said while a tool runs is told to the model before it is asked again", async () => {
  const slow = slowTool();
  await using w = await runWorld({ tools: [slow.tool] });
  w.model.next(calls, says("both"));
  await start(w, "a");
  await slow.begun;
  await start(w, "b");
  await start(w, "c");
  slow.go();
  expect(await ended(w, "a")).toMatchObject({ status: "ok", text: "both" });
  expect(await ended(w, "b")).toMatchObject({ status: "ok", text: "" });
  expect(await ended(w, "c")).toMatchObject({ status: "ok" });
  expect(roles(w, 1)).toEqual([
    "user: ask a",
    "assistant: ",
    "tool: seen",
    "user: ask b",
    "user: ask c",
  ]);
  expect(await w.texts()).toEqual(["ask a", "", "seen", "ask b", "ask c", "both"]);
  // Nothing of it is run again by a later process.
  await w.restart();
  await start(w, "d");
  await ended(w, "d");
  expect(w.model.requests).toHaveLength(3);
});

test("a turn that asks its model no more leaves what is said to a turn of its own", async () => {
  await using w = await runWorld();
  const gate = Promise.withResolvers<void>();
  w.model.next(waitsFor(gate.promise));
  await start(w, "a");
  await w.until(is("started", "a"));
  await start(w, "b");
  gate.resolve();
  expect(await ended(w, "b")).toMatchObject({ status: "ok", text: "echo: ask b" });
  expect(await w.texts()).toEqual(["ask a", "echo: ask a", "ask b", "echo: ask b"]);
});

test.each<[string, Partial<RunOrder>]>([
  ["wishes to be a turn of its own", { queueMode: "followup" }],
  ["wants another model", { model: "test/other" }],
  ["is answered elsewhere", { deliver: { channel: "telegram", to: "1" } }],
  ["is a program's", { kind: "agent" }],
])(
  "a message that %s is not told to the turn under way, nor is what stands behind it",
  async (_name, more) => {
    const slow = slowTool();
    await using w = await runWorld({ tools: [slow.tool] });
    w.model.next(calls);
    await start(w, "a");
    await slow.begun;
    await start(w, "b", more);
    await start(w, "c");
    slow.go();
    await ended(w, "c");
    const said = (await w.texts()).filter((text) => text.startsWith("ask"));
    expect(said).toEqual(["ask a", "ask b", "ask c"]);
    expect(w.model.requests[1]?.messages.at(-1)?.role).toBe("tool");
    expect(w.model.requests).toHaveLength(4);
  },
);

test("messages that are collected are one turn, each of them kept", async () => {
  await using w = await runWorld({ queue: { mode: "collect", debounceMs: 0 } });
  const gate = Promise.withResolvers<void>();
  w.model.next(waitsFor(gate.promise));
  await start(w, "a");
  await w.until(is("started", "a"));
  for (const id of ["b", "c", "d"]) await start(w, id);
  gate.resolve();
  expect(await ended(w, "b")).toMatchObject({ status: "ok", text: "echo: ask d" });
  expect(await ended(w, "d")).toMatchObject({ status: "ok", text: "" });
  expect(await w.texts()).toEqual([
    "ask a",
    "echo: ask a",
    "ask b",
    "ask c",
    "ask d",
    "echo: ask d",
  ]);
  expect(w.model.requests).toHaveLength(2);
  expect(w.engine.runs.active()).toEqual([]);
});

test("of more than one turn takes, the oldest are told in a line each", async () => {
  await using w = await runWorld({ queue: { mode: "collect", debounceMs: 0, cap: 1 } });
  const gate = Promise.withResolvers<void>();
  w.model.next(waitsFor(gate.promise));
  await start(w, "a");
  await w.until(is("started", "a"));
  for (const id of ["b", "c", "d"]) await start(w, id);
  gate.resolve();
  await ended(w, "d");
  const [, , first, note, last] = await w.texts();
  expect([first, last]).toEqual(["ask b", "ask d"]);
  expect(note).toBe("[1 earlier messages, shortened]\n- ask c");
});

test("a message that interrupts ends the turn under way, and is answered", async () => {
  await using w = await runWorld({ queue: { mode: "interrupt" } });
  const never = new Promise<void>(() => undefined);
  w.model.next(async function* (request, aborted) {
    yield { type: "text", delta: "Once upon" };
    yield* waitsFor(never)(request, aborted);
  });
  await start(w, "a");
  await w.until(is("text", "a"));
  await start(w, "b");
  expect(await ended(w, "a")).toMatchObject({ status: "aborted", text: "Once upon" });
  expect(await ended(w, "b")).toMatchObject({ status: "ok", text: "echo: ask b" });
  expect(await w.texts()).toEqual(["ask a", "Once upon", "ask b", "echo: ask b"]);
});

test("a message of its own wish interrupts where others wait", async () => {
  await using w = await runWorld({ queue: { mode: "followup" } });
  const never = new Promise<void>(() => undefined);
  w.model.next(waitsFor(never));
  await start(w, "a");
  await w.until(is("started", "a"));
  await start(w, "b", { queueMode: "interrupt" });
  expect(await ended(w, "a")).toMatchObject({ status: "aborted" });
  expect(await ended(w, "b")).toMatchObject({ status: "ok" });
});

test("a session chooses for itself", async () => {
  await using w = await runWorld();
  await w.store.sessions.patch(MAIN, { settings: { queueMode: "collect", queueDebounceMs: 0 } }, 1);
  const gate = Promise.withResolvers<void>();
  w.model.next(waitsFor(gate.promise));
  await start(w, "a");
  await w.until(is("started", "a"));
  await start(w, "b");
  await start(w, "c");
  gate.resolve();
  await ended(w, "c");
  expect(w.model.requests).toHaveLength(2);
});

test("a message that is collected in a later process than it came to has an end that is told", async () => {
  await using w = await runWorld({ queue: { mode: "collect", debounceMs: 0 } });
  w.model.next(waitsFor(new Promise<void>(() => undefined)));
  await start(w, "a");
  await w.until(is("started", "a"));
  await start(w, "b");
  await start(w, "c");
  await w.restart();
  // Both are told, and whoever waits is woken: no wait ends here because its time is over.
  const waits = ["b", "c"].map((id) => w.engine.runs.wait(id, 600_000, signal));
  await w.until(is("done", "b"));
  await w.until(is("done", "c"));
  for (const end of await Promise.all(waits)) expect(end).toMatchObject({ status: "ok" });
  expect(w.model.requests).toHaveLength(2);
});

test("a process that is stopped in a turn that was told more loses none of it", async () => {
  const slow = slowTool();
  await using w = await runWorld({ tools: [slow.tool] });
  const second = asked(new Promise<void>(() => undefined));
  w.model.next(calls, second.script);
  await start(w, "a");
  await slow.begun;
  await start(w, "b");
  slow.go();
  await second.reached;
  await w.restart();
  expect(await ended(w, "b")).toMatchObject({ status: "ok", text: "echo: ask b" });
  expect(await w.texts()).toEqual(["ask a", "echo: ask a", "ask b", "echo: ask b"]);
});

test("a told message that fails with its turn is over with it", async () => {
  const slow = slowTool();
  await using w = await runWorld({ tools: [slow.tool] });
  w.model.next(calls, noKey, echo);
  await start(w, "a");
  await slow.begun;
  await start(w, "b");
  slow.go();
  expect(await ended(w, "a")).toMatchObject({ status: "error" });
  expect(await ended(w, "b")).toMatchObject({ status: "error", error: { message: "no key" } });
  expect(await w.texts()).toEqual(["ask a", "ask b"]);
});

test("a turn that is ended while it waits for more takes nobody with it", async () => {
  const collecting = Promise.withResolvers<void>();
  let isAwaited = false;
  const queue = {
    get mode() {
      if (isAwaited) collecting.resolve();
      return "collect" as const;
    },
    debounceMs: 600_000,
  };
  await using w = await runWorld({ queue });
  const gate = Promise.withResolvers<void>();
  w.model.next(waitsFor(gate.promise));
  await start(w, "x");
  await w.until(is("started", "x"));
  await start(w, "a");
  await start(w, "b");
  isAwaited = true;
  gate.resolve();
  await collecting.promise;
  expect(await w.engine.runs.abort({ id: "a" })).toEqual(["a"]);
  expect(await ended(w, "a")).toMatchObject({ status: "aborted" });
  expect(await ended(w, "b")).toMatchObject({ status: "ok", text: "echo: ask b" });
});

test("a message that cannot be read now takes none of those before it", async () => {
  await using w = await runWorld({ mayBegin: () => false });
  const items = ["a", "b", "c"].map((id) => {
    return { id, source: "telegram", lane: "l", payload: id, receivedAt: 1 };
  });
  await w.store.keep(items);
  await w.store.take(1, 1);
  let broken = "c";
  const following = new Following(
    {
      store: w.store,
      live: new LiveRuns(() => 1),
      queue: () => QUEUE_DEFAULTS,
      clock: systemClock,
    },
    {
      item: { id: "a" },
      sessionKey: MAIN,
      channel: "telegram",
      async read({ id }) {
        if (id === broken) throw new Error("disk full");
        return { id, message: { role: "user", text: id }, run: undefined };
      },
    },
  );
  const entry = {
    sessionKey: MAIN,
    messages: [],
    usage: { inputTokens: 0, outputTokens: 0 },
    at: 1,
  };
  await expect(following.steer()).rejects.toThrow("disk full");
  expect(following.ending(entry).heard).toBeUndefined();
  broken = "";
  expect(await following.steer()).toMatchObject([{ text: "b" }, { text: "c" }]);
  expect(following.ending(entry).heard).toEqual([{ id: "b" }, { id: "c" }]);
});

test("a message that was told and then taken back ends no second time", async () => {
  const slow = slowTool();
  await using w = await runWorld({ tools: [slow.tool] });
  const gate = Promise.withResolvers<void>();
  const second = asked(gate.promise, says("done"));
  w.model.next(calls, second.script);
  await start(w, "a");
  await slow.begun;
  await start(w, "b");
  slow.go();
  await second.reached;
  expect(await w.engine.runs.abort({ id: "b" })).toEqual(["b"]);
  gate.resolve();
  expect(await ended(w, "a")).toMatchObject({ status: "ok" });
  expect(await ended(w, "b")).toMatchObject({ status: "aborted" });
  expect(w.engine.runs.active()).toEqual([]);
});
