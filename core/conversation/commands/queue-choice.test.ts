import { expect, test } from "vitest";
import { QUEUE_DEFAULTS } from "../queue.ts";
import { chooseQueue, queueText } from "./queue-choice.ts";

test.each([
  ["collect", { queueMode: "collect" }],
  [
    "Collect debounce:0.5s cap:25 drop:summarize",
    { queueMode: "collect", queueDebounceMs: 500, queueCap: 25, queueDrop: "summarize" },
  ],
  ["debounce:1500", { queueDebounceMs: 1_500 }],
  ["drop:old debounce:2m", { queueDrop: "old", queueDebounceMs: 120_000 }],
  ["default", { queueMode: null, queueDebounceMs: null, queueCap: null, queueDrop: null }],
  ["reset cap:3", { queueMode: null, queueDebounceMs: null, queueCap: 3, queueDrop: null }],
])("/queue %s", (args, settings) => {
  expect(chooseQueue(args)).toEqual({ ok: true, settings, said: expect.any(String) });
});

test.each([
  "later",
  "collect now",
  "cap:0",
  "cap:9999",
  "cap:1.5",
  "debounce:2h",
  "debounce:-1",
  "debounce:1d",
  "debounce:",
  "drop:all",
  "collect cap:1:2",
  "collect toString:1",
])("/queue %s changes nothing", (args) => {
  expect(chooseQueue(args)).toMatchObject({ ok: false });
});

test("what is in effect is shown, with the word of the channel", () => {
  const config = { ...QUEUE_DEFAULTS, byChannel: { telegram: "collect" } } as const;
  expect(queueText({ queueCap: 3 }, config, "telegram")).toContain(
    "collect, after 500 ms of quiet, at most 3 at once",
  );
  expect(queueText({ queueMode: "steer" }, config, undefined)).toContain(": steer,");
});
