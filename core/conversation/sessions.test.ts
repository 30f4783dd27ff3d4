import { expect, test } from "vitest";
import { MAIN, runWorld } from "../../test/support/run-world.ts";
import { fails, says, waitsFor } from "../../test/support/scripted-model.ts";

const signal = new AbortController().signal;
const never = new Promise<void>(() => undefined);
const USAGE = { inputTokens: 0, outputTokens: 0 };

function exchange(count: number) {
  return Array.from({ length: count }, (_, index) => [
    { role: "user" as const, text: `q${index}` },
    { role: "assistant" as const, text: `a${index}`, toolCalls: [] },
  ]).flat();
}

test("a reset ends what goes on, and what it leaves stays with the old session", async () => {
  await using w = await runWorld();
  w.model.next(waitsFor(never));
  await w.engine.runs.start(w.order("r"));
  await w.until(({ type }) => type === "started");
  const before = await w.store.sessions.patch(MAIN, { label: "mine" }, 1);
  const after = await w.engine.sessions.reset(MAIN);
  expect(after).toMatchObject({ label: "mine", previousId: before.sessionId, messageCount: 0 });
  expect(await w.engine.runs.find("r")).toMatchObject({ status: "aborted" });
  const old = await w.store.sessions.page(before.sessionId, { limit: 9 });
  expect(old?.messages.map(({ message }) => message.text)).toEqual(["ask r"]);
  expect(await w.texts()).toEqual([]);
});

test("a summary stands for all but the newest turns, and is itself summarised later", async () => {
  await using w = await runWorld();
  await w.store.append(MAIN, exchange(4), USAGE, 1);
  w.model.next(says("SUMMARY ONE"), says("SUMMARY TWO"));
  expect(await w.engine.sessions.compact(MAIN, signal, { keep: 3 })).toMatchObject({
    compacted: true,
    summarised: 4,
  });
  expect(w.model.requests[0]?.messages.at(-1)?.text).toContain("q1");
  expect(w.model.requests[0]?.messages.at(-1)?.text).not.toContain("q2");
  await w.store.append(MAIN, exchange(2), USAGE, 2);
  expect(await w.engine.sessions.compact(MAIN, signal, { keep: 2 })).toMatchObject({
    compacted: true,
  });
  expect(w.model.requests[1]?.messages.at(-1)?.text).toContain("SUMMARY ONE");
  await w.engine.runs.start(w.order("r"));
  await w.engine.runs.wait("r", 20_000, signal);
  const said = w.model.requests[2]?.messages.map(({ text }) => text) ?? [];
  expect(said[0]).toContain("SUMMARY TWO");
  expect(said.slice(2)).toEqual(["q1", "a1", "ask r"]);
});

test("a session that cannot be compacted is left as it is, with the reason", async () => {
  await using w = await runWorld();
  expect(await w.engine.sessions.compact(MAIN, signal)).toMatchObject({
    compacted: false,
    reason: "no such session",
  });
  await w.store.append(MAIN, exchange(2), USAGE, 1);
  expect(await w.engine.sessions.compact(MAIN, signal, { keep: 4 })).toMatchObject({
    reason: "nothing to compact",
  });
  w.model.next(fails("model_unauthorized"));
  expect(await w.engine.sessions.compact(MAIN, signal, { keep: 1 })).toMatchObject({
    reason: "model_unauthorized happened",
  });
  w.model.next(says(""));
  expect(await w.engine.sessions.compact(MAIN, signal, { keep: 1 })).toMatchObject({
    compacted: false,
  });
  expect((await w.store.sessions.find(MAIN))?.compactions).toBe(0);
});

test("a removed session ends its runs, and comes back empty", async () => {
  await using w = await runWorld();
  await w.store.append(MAIN, exchange(1), USAGE, 1);
  const { sessionId } = (await w.store.sessions.find(MAIN)) ?? {};
  expect(await w.engine.sessions.remove(MAIN)).toBe(sessionId);
  await w.engine.runs.start(w.order("r"));
  await w.engine.runs.wait("r", 20_000, signal);
  expect(await w.texts()).toEqual(["ask r", "echo: ask r"]);
});
