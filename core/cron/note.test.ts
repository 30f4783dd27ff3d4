import { expect, test } from "vitest";
import { NOTE_SOURCE } from "../conversation/hook.ts";
import { noteHandler } from "./note.ts";
import { SystemEvents } from "./system-events.ts";

const item = (payload: unknown) => ({
  id: "1",
  source: NOTE_SOURCE,
  lane: "wake",
  payload,
  attempt: 1,
  receivedAt: 0,
});

function world() {
  const facts = new Map<string, string>();
  const events = new SystemEvents(
    { get: async (key) => facts.get(key), set: async (key, value) => void facts.set(key, value) },
    () => 0,
  );
  const handle = noteHandler(events, () => "main");
  return {
    events,
    take: (payload: unknown) => handle(item(payload), new AbortController().signal),
  };
}

test("what a webhook says waits for the next prompt, as a stranger's words, once", async () => {
  const { events, take } = world();
  const payload = { kind: "wake", text: "x".repeat(200_000), mode: "next-heartbeat" };
  expect(await take(payload)).toMatchObject({ do: "finish" });
  await take(payload);
  const [note, other] = await events.drain("agent:main:main");
  expect(other).toBeUndefined();
  expect(note).toMatch(/came from an event of the system, not from a person/);
  // Its frame is closed however long it is.
  expect(note).toMatch(/--- [\w-]+$/);
});

test("what is no such webhook is given up", async () => {
  expect(await world().take({ kind: "agent", message: "x" })).toMatchObject({ do: "bury" });
  expect(await world().take("what")).toMatchObject({ do: "bury" });
});
