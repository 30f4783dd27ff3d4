import { expect, test } from "vitest";
import { MAIN, runWorld } from "../../test/support/run-world.ts";
import { fails, type Script, waitsFor } from "../../test/support/scripted-model.ts";
import type { RunEvent } from "./run.ts";

const never = new Promise<void>(() => undefined);
const signal = new AbortController().signal;
const PATIENCE_MS = 20_000;

/** Says something, and then nothing more until it is aborted. */
function begins(text: string): Script {
  return async function* (request, aborted) {
    yield { type: "text", delta: text };
    yield* waitsFor(never)(request, aborted);
  };
}

function is(type: RunEvent["type"], id: string): (event: RunEvent) => boolean {
  return (event) => event.type === type && event.run.id === id;
}

test("a run is answered, kept and told in order", async () => {
  await using w = await runWorld();
  const { fresh, run } = await w.engine.runs.start(w.order("r"));
  expect([fresh, run.status]).toEqual([true, "queued"]);
  const ended = await w.engine.runs.wait("r", PATIENCE_MS, signal);
  expect(ended).toMatchObject({
    status: "ok",
    text: "echo: ask r",
    stop: "end",
    model: "test/scripted",
  });
  expect(w.events.map(({ type }) => type)).toEqual(["queued", "started", "text", "done"]);
  expect(await w.texts()).toEqual(["ask r", "echo: ask r"]);
  expect((await w.store.sessions.find(MAIN))?.lastRun).toMatchObject({ id: "r", status: "ok" });
});

test("the same id is the same run: while it goes on, after it, and in a later process", async () => {
  await using w = await runWorld();
  const gate = Promise.withResolvers<void>();
  w.model.next(waitsFor(gate.promise));
  await w.engine.runs.start(w.order("r"));
  await w.until(is("started", "r"));
  expect(await w.engine.runs.start(w.order("r"))).toMatchObject({
    fresh: false,
    run: { status: "running" },
  });
  gate.resolve();
  await w.engine.runs.wait("r", PATIENCE_MS, signal);
  expect(await w.engine.runs.start(w.order("r"))).toMatchObject({
    fresh: false,
    run: { status: "ok", text: "echo: ask r" },
  });
  await w.restart();
  expect((await w.engine.runs.start(w.order("r"))).fresh).toBe(false);
  expect(w.model.requests).toHaveLength(1);
});

test("two who begin it at the same moment begin one", async () => {
  await using w = await runWorld();
  const both = await Promise.all([1, 2].map(() => w.engine.runs.start(w.order("r"))));
  expect(both.filter(({ fresh }) => fresh)).toHaveLength(1);
  await w.engine.runs.wait("r", PATIENCE_MS, signal);
  expect(w.model.requests).toHaveLength(1);
});

test("an aborted run ends at once, and its session has what was said", async () => {
  await using w = await runWorld();
  w.model.next(begins("Once upon"));
  await w.engine.runs.start(w.order("r"));
  await w.until(is("text", "r"));
  expect(await w.engine.runs.abort({ sessionKey: MAIN })).toEqual(["r"]);
  const ended = await w.engine.runs.wait("r", PATIENCE_MS, signal);
  expect(ended).toMatchObject({ status: "aborted", text: "Once upon" });
  expect(w.events.at(-1)?.type).toBe("aborted");
  expect(await w.texts()).toEqual(["ask r", "Once upon"]);
  expect(await w.engine.runs.abort({ id: "r" })).toEqual([]);
  // The session goes on.
  await w.engine.runs.start(w.order("next"));
  expect(await w.engine.runs.wait("next", PATIENCE_MS, signal)).toMatchObject({ status: "ok" });
});

test("a run that waits is aborted before it begins", async () => {
  await using w = await runWorld();
  w.model.next(begins("…"));
  await w.engine.runs.start(w.order("first"));
  await w.until(is("text", "first"));
  await w.engine.runs.start(w.order("second"));
  expect(await w.engine.runs.abort({ id: "second" })).toEqual(["second"]);
  expect(await w.engine.runs.find("second")).toMatchObject({ status: "aborted" });
  expect(w.engine.runs.active(MAIN).map(({ id }) => id)).toEqual(["first"]);
  await w.engine.runs.abort({ id: "first", sessionKey: "agent:main:another" });
  expect(w.engine.runs.active()).toHaveLength(1);
  await w.engine.runs.abort({ id: "first" });
  await w.until(is("aborted", "first"));
  expect(w.model.requests).toHaveLength(1);
});

test("a run that came to an earlier process and waits is aborted, and everybody is told", async () => {
  await using w = await runWorld();
  w.model.next(waitsFor(never), waitsFor(never));
  await w.engine.runs.start(w.order("a"));
  await w.until(is("started", "a"));
  await w.engine.runs.start(w.order("b"));
  await w.restart();
  await w.until((event) => w.events.indexOf(event) > 2 && is("started", "a")(event));
  const wait = w.engine.runs.wait("b", 600_000, signal);
  expect(await w.engine.runs.abort({ id: "b" })).toEqual(["b"]);
  expect(await wait).toMatchObject({ status: "aborted" });
  await w.until(is("aborted", "b"));
});

test("a turn of anybody can be watched and aborted", async () => {
  await using w = await runWorld();
  w.model.next(begins("Well"));
  const turn = {
    sessionKey: "agent:main:web",
    messages: [{ role: "user" as const, text: "hi" }],
    continues: true,
    via: "http",
  };
  const all = Array.fromAsync(w.engine.conversations.run(turn, signal));
  const { run } = await w.until(({ type }) => type === "text");
  expect(run).toMatchObject({ kind: "http", question: "hi", status: "running" });
  expect(await w.engine.runs.abort({ sessionKey: "agent:main:web" })).toEqual([run.id]);
  expect((await all).at(-1)).toMatchObject({ type: "failed", code: "canceled" });
  expect(await w.texts("agent:main:web")).toEqual(["hi", "Well"]);
  expect(w.engine.runs.active()).toEqual([]);
});

test("a run that a stopped gateway was at goes on in the next one, once", async () => {
  await using w = await runWorld();
  w.model.next(begins("Half an"));
  await w.engine.runs.start(w.order("r"));
  await w.until(is("text", "r"));
  const waiting = w.engine.runs.wait("r", PATIENCE_MS, signal);
  await w.restart();
  expect(await waiting).toMatchObject({ status: "queued" });
  expect(await w.engine.runs.wait("r", PATIENCE_MS, signal)).toMatchObject({ status: "ok" });
  expect(await w.texts()).toEqual(["ask r", "echo: ask r"]);
});

test("whoever waits for a run that does not begin any more is told so", async () => {
  await using w = await runWorld();
  w.model.next(begins("…"));
  await w.engine.runs.start(w.order("first"));
  await w.until(is("text", "first"));
  await w.engine.runs.start(w.order("second"));
  const waiting = w.engine.runs.wait("second", PATIENCE_MS, signal);
  const drained = w.engine.drain(0);
  expect(await waiting).toMatchObject({ status: "queued" });
  await drained;
});

test("a failure ends a run at once, with words for the user, and the question is kept", async () => {
  await using w = await runWorld();
  w.model.next(fails("model_unauthorized", { after: "I th" }));
  await w.engine.runs.start(w.order("r"));
  const ended = await w.engine.runs.wait("r", PATIENCE_MS, signal);
  expect(ended).toMatchObject({ status: "error", error: { code: "model_unauthorized" } });
  expect(await w.engine.runs.find("r")).toMatchObject({ error: ended?.error });
  expect(w.events.at(-1)).toMatchObject({ type: "failed", run: { status: "error" } });
  expect(await w.texts()).toEqual(["ask r", "I th"]);
});

test("a run takes no longer than it may", async () => {
  await using w = await runWorld();
  w.model.next(begins("…"));
  await w.engine.runs.start(w.order("r", { timeoutMs: 20 }));
  const ended = await w.engine.runs.wait("r", PATIENCE_MS, signal);
  expect(ended).toMatchObject({ status: "error", error: { code: "model_timeout" } });
});

test("a run that is not to be kept knows its session and leaves nothing in it", async () => {
  await using w = await runWorld();
  await w.store.append(MAIN, [{ role: "user", text: "before" }], NOTHING, 1);
  await w.engine.runs.start(w.order("r", { keep: false, extraSystem: "Be brief." }));
  await w.engine.runs.wait("r", PATIENCE_MS, signal);
  const said = w.model.requests[0]?.messages.map(({ text }) => text);
  expect(said).toEqual(["Be brief.", "before", "ask r"]);
  expect(await w.texts()).toEqual(["before"]);
});

const NOTHING = { inputTokens: 0, outputTokens: 0 };

test("the model that a session has chosen is asked, unless the run chooses another", async () => {
  await using w = await runWorld();
  await w.store.sessions.patch(MAIN, { settings: { model: "chosen/one" } }, 1);
  await w.engine.runs.start(w.order("a"));
  await w.engine.runs.start(w.order("b", { model: "chosen/two" }));
  await w.engine.runs.wait("b", PATIENCE_MS, signal);
  await w.engine.runs.start(w.order("c", { sessionKey: "agent:main:other" }));
  await w.engine.runs.wait("c", PATIENCE_MS, signal);
  expect(w.asked).toEqual(["chosen/one", "chosen/two", undefined]);
});

test("what the system has to tell stands before the question, and is not kept", async () => {
  const notes = ["System: the door opened"];
  await using w = await runWorld({ systemNotes: async () => notes.splice(0) });
  await w.engine.runs.start(w.order("r"));
  await w.engine.runs.wait("r", PATIENCE_MS, signal);
  expect(w.model.requests[0]?.messages.at(-1)?.text).toBe("System: the door opened\n\nask r");
  expect((await w.texts())[0]).toBe("ask r");
});

test("a wait ends when its time is over, for a run that nobody knows as well", async () => {
  await using w = await runWorld();
  expect(await w.engine.runs.wait("nobody", 1, signal)).toBeUndefined();
  expect(await w.engine.runs.find("nobody")).toBeUndefined();
});

test("while nothing may be begun a run waits, and it is begun once something may", async () => {
  let isOpen = false;
  const looked = Promise.withResolvers<void>();
  const mayBegin = (): boolean => {
    looked.resolve();
    return isOpen;
  };
  await using w = await runWorld({ mayBegin });
  await w.engine.runs.start(w.order("r"));
  await looked.promise;
  expect(w.engine.runs.active()).toMatchObject([{ status: "queued" }]);
  expect(w.model.requests).toEqual([]);
  isOpen = true;
  expect(await w.engine.runs.wait("r", PATIENCE_MS, signal)).toMatchObject({ status: "ok" });
});
