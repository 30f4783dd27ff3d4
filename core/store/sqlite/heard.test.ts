import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { RunEnd } from "../entry.ts";
import type { SessionEntry } from "../entry.ts";
import { openSqliteStore } from "./open.ts";

const NOW = 1_790_000_000_000;
const END: RunEnd = {
  status: "ok",
  startedAt: NOW,
  endedAt: NOW,
  text: "",
  stop: "end",
  error: undefined,
  usage: undefined,
  model: "p/m",
};

async function world() {
  const stateDir = mkdtempSync(join(tmpdir(), "sallyport-heard-"));
  const open = () => openSqliteStore({ stateDir, now: () => NOW });
  let store = await open();
  return {
    get store() {
      return store;
    },
    async reopen() {
      await store[Symbol.asyncDispose]();
      store = await open();
    },
    keep: (...ids: string[]) =>
      store.keep(ids.map((id) => ({ id, source: "s", lane: "l", payload: id, receivedAt: NOW }))),
    taken: async () => (await store.take(9, NOW)).map(({ id }) => id),
    behind: async (id: string) => (await store.behind(id, 9)).map((item) => item.id),
    async [Symbol.asyncDispose]() {
      await store[Symbol.asyncDispose]();
      rmSync(stateDir, { recursive: true });
    },
  };
}

function entry(...heard: NonNullable<SessionEntry["heard"]>): SessionEntry {
  const usage = { inputTokens: 1, outputTokens: 1 };
  return { sessionKey: "s", messages: [{ role: "user", text: "m" }], usage, at: NOW, heard };
}

test("what waits behind a running item is seen in its order, and goes on waiting", async () => {
  await using w = await world();
  await w.keep("a", "b", "c");
  expect(await w.behind("a")).toEqual([]);
  expect(await w.taken()).toEqual(["a"]);
  expect(await w.behind("a")).toEqual(["b", "c"]);
  expect(await w.store.behind("a", 1)).toMatchObject([{ id: "b", payload: "b", source: "s" }]);
  expect(await w.behind("b")).toEqual([]);
  expect(await w.taken()).toEqual([]);
});

test("what a turn has heard ends with it, and its lane goes on behind it", async () => {
  await using w = await world();
  await w.keep("a", "b", "c", "d");
  await w.taken();
  await w.store.finish("a", [], entry({ id: "b" }, { id: "c" }, { id: "gone" }));
  expect(await w.taken()).toEqual(["d"]);
  expect(await w.keep("b")).toEqual([]);
  await w.reopen();
  expect(await w.taken()).toEqual(["d"]);
});

test("a turn that has not ended when the process does takes nothing with it", async () => {
  await using w = await world();
  await w.keep("a", "b");
  await w.taken();
  await w.reopen();
  expect(await w.taken()).toEqual(["a"]);
  expect(await w.behind("a")).toEqual(["b"]);
});

test("a run that was heard has ended with the run that heard it", async () => {
  await using w = await world();
  const begin = (id: string) =>
    w.store.runs.begin({ id, kind: "chat", sessionKey: "s", acceptedAt: NOW, payload: id });
  await begin("one");
  const { run } = await begin("two");
  await w.store.take(9, NOW);
  const heard = { id: run.item, run: { id: "two", end: END } };
  await w.store.runs.finish("one", END, { entry: entry(heard) });
  expect((await w.store.runs.find("two"))?.end).toMatchObject({ status: "ok" });
  expect(await w.store.runs.open(9)).toEqual([]);
  expect(await w.store.take(9, NOW)).toEqual([]);
});

test("a run that is taken back while another of its lane is worked on leaves that one alone", async () => {
  await using w = await world();
  const begin = (id: string) =>
    w.store.runs.begin({ id, kind: "chat", sessionKey: "s", acceptedAt: NOW, payload: id });
  await begin("one");
  const { run } = await begin("two");
  await w.store.take(9, NOW);
  const aborted = { ...END, status: "aborted" } as const;
  expect(await w.store.runs.cancel("two", aborted)).toBe(true);
  expect(await w.store.take(9, NOW)).toEqual([]);
  await w.store.runs.finish("one", END, {
    entry: entry({ id: run.item, run: { id: "two", end: END } }),
  });
  expect((await w.store.runs.find("two"))?.end).toMatchObject({ status: "aborted" });
});
