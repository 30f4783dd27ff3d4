import { expect, test } from "vitest";
import { noted } from "../conversation/history.ts";
import { SystemEvents } from "./system-events.ts";

function memory() {
  const facts = new Map<string, string>();
  return {
    get: async (key: string) => facts.get(key),
    set: async (key: string, value: string) => void facts.set(key, value),
  };
}

const AT = Date.parse("2026-01-01T00:00:00Z");

test("events are told once, oldest first", async () => {
  const events = new SystemEvents(memory(), () => AT);
  await Promise.all(["a", "b", "c"].map((text) => events.enqueue("main", text, text)));
  expect(await events.drain("main")).toEqual(
    ["a", "b", "c"].map((text) => `System: [2026-01-01T00:00:00.000Z] ${text}`),
  );
  expect(await events.drain("main")).toEqual([]);
});

test("the same event waits once, and another session has its own", async () => {
  const events = new SystemEvents(memory(), () => AT);
  expect(await events.enqueue("main", "a", "1")).toBe(true);
  expect(await events.enqueue("main", "a", "1")).toBe(false);
  await events.enqueue("other", "b", "1");
  expect(await events.count("main")).toBe(1);
});

test("of very many the newest are kept", async () => {
  const events = new SystemEvents(memory(), () => AT);
  for (let count = 0; count < 100; count += 1) {
    await events.enqueue("main", `event ${count}`, String(count));
  }
  const lines = await events.peek("main");
  expect(lines).toHaveLength(20);
  expect(lines.at(-1)).toBe("event 99");
});

test("what is held for a prompt is nobody else's, and waits again when that comes to nothing", async () => {
  const store = memory();
  const events = new SystemEvents(store, () => AT);
  await events.enqueue("main", "a", "1");
  const held = await events.hold("main");
  expect(await events.drain("main")).toEqual([]);
  // The process ends here: the next one has it again.
  expect(await new SystemEvents(store, () => AT).count("main")).toBe(1);
  await events.settle("main", held, false);
  const again = await events.hold("main");
  expect(again.lines).toHaveLength(1);
  await events.settle("main", again, true);
  expect(await events.count("main")).toBe(0);
});

test("the model reads once who speaks, and then the question", async () => {
  const events = new SystemEvents(memory(), () => AT);
  await events.enqueue("main", "the door opened", "1");
  const [message] = noted([{ role: "user", text: "hi" }], await events.drain("main"));
  expect(message?.text).toBe("System: [2026-01-01T00:00:00.000Z] the door opened\n\nhi");
});
