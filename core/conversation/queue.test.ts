import { expect, test } from "vitest";
import { capped, QUEUE_DEFAULTS, queueRules } from "./queue.ts";

const CONFIG = {
  ...QUEUE_DEFAULTS,
  byChannel: { telegram: "collect" },
  debounceMsByChannel: { telegram: 9 },
} as const;

test("a message's own wish counts before its session's, then its channel's, then the gateway's", () => {
  const settings = { queueMode: "interrupt" };
  expect(queueRules(settings, CONFIG, "telegram", "followup").mode).toBe("followup");
  expect(queueRules(settings, CONFIG, "telegram").mode).toBe("interrupt");
  expect(queueRules({}, CONFIG, "telegram")).toMatchObject({ mode: "collect", debounceMs: 9 });
  expect(queueRules({}, CONFIG, "constructor").mode).toBe("steer");
  expect(queueRules({}, CONFIG)).toEqual({
    mode: "steer",
    debounceMs: 500,
    cap: 20,
    drop: "summarize",
  });
});

test("what a session has that makes no sense counts for nothing", () => {
  const settings = { queueMode: "later", queueDebounceMs: -1, queueCap: 0, queueDrop: "all" };
  expect(queueRules(settings, CONFIG)).toEqual(queueRules({}, CONFIG));
  const sound = { queueDebounceMs: 0, queueCap: 2, queueDrop: "old" };
  expect(queueRules(sound, CONFIG)).toMatchObject({ debounceMs: 0, cap: 2, drop: "old" });
});

test.each([
  ["summarize", 1, 3, "[1 earlier messages, shortened]\n- a b"],
  ["old", 1, 3, undefined],
  ["new", 0, 2, undefined],
] as const)("of more than one turn takes, %s leaves %s to %s", (drop, from, to, note) => {
  expect(capped(["a\n b", "c", "d"], { cap: 2, drop })).toEqual({ from, to, note });
});

test("a message that is left out is a short line, cut between characters", () => {
  const { note } = capped(["🏰".repeat(200), "x"], { cap: 1, drop: "summarize" });
  expect(note?.isWellFormed()).toBe(true);
  expect(note?.length).toBeLessThan(220);
});
