import { validateCronAddParams, validateCronUpdateParams } from "@openclaw/gateway-protocol";
import { expect, test } from "vitest";
import { paramsOf } from "./add.ts";
import { patchOf } from "./edit.ts";
import { agoText, spanText } from "./text.ts";

const NOW = Date.parse("2026-01-01T00:00:00Z");

test.each([
  {
    name: "an interval",
    values: { name: "t1", every: "10m", message: "hi", announce: true, channel: "last" },
    wants: {
      name: "t1",
      schedule: { kind: "every", everyMs: 600_000 },
      sessionTarget: "isolated",
      payload: { kind: "agentTurn", message: "hi" },
      delivery: { mode: "announce", channel: "last" },
    },
  },
  {
    name: "a reminder",
    values: { at: "20m", "system-event": "tea", wake: "next-heartbeat", "delete-after-run": true },
    wants: {
      name: "tea",
      schedule: { kind: "at", at: "2026-01-01T00:20:00.000Z" },
      sessionTarget: "main",
      wakeMode: "next-heartbeat",
      payload: { kind: "systemEvent", text: "tea" },
      deleteAfterRun: true,
    },
  },
  {
    name: "a moment in a zone",
    values: { at: "2026-12-24T18:00", tz: "Europe/Berlin", message: "hi" },
    wants: { schedule: { kind: "at", at: "2026-12-24T17:00:00.000Z" } },
  },
  {
    name: "a crontab that is exact, for an agent and a model",
    values: {
      cron: "0 7 * * 1-5",
      tz: "Europe/Berlin",
      exact: true,
      message: "hi",
      agent: "ops",
      model: "demo/echo",
      "timeout-seconds": "30",
      "no-deliver": true,
      disabled: true,
    },
    wants: {
      enabled: false,
      agentId: "ops",
      schedule: { kind: "cron", expr: "0 7 * * 1-5", tz: "Europe/Berlin", staggerMs: 0 },
      payload: { kind: "agentTurn", message: "hi", model: "demo/echo", timeoutSeconds: 30 },
      delivery: { mode: "none" },
    },
  },
  {
    name: "spread out, in another word",
    values: { cron: "0 * * * *", jitter: "5m", message: "hi" },
    wants: { schedule: { kind: "cron", expr: "0 * * * *", staggerMs: 300_000 } },
  },
])("flags of cron add are what the gateway understands: $name", ({ values, wants }) => {
  const params = paramsOf(values, [], NOW);
  expect(params).toMatchObject(wants);
  expect(validateCronAddParams(params)).toBe(true);
});

test.each([
  { words: ["0 7 * * *", "What is new?"], schedule: { kind: "cron", expr: "0 7 * * *" } },
  { words: ["every 1h", "Look"], schedule: { kind: "every", everyMs: 3_600_000 } },
  { words: ["20m", "Tea"], schedule: { kind: "at", at: "2026-01-01T00:20:00.000Z" } },
])("a schedule is told by how it is written: $words", ({ words, schedule }) => {
  expect(paramsOf({}, words, NOW)).toMatchObject({
    name: words[1],
    schedule,
    payload: { message: words[1] },
  });
});

test.each([
  [{}, []],
  [{ every: "10m" }, []],
  [{ message: "hi" }, []],
  [{ every: "10m", at: "20m", message: "hi" }, []],
  [{ every: "soon", message: "hi" }, []],
  [{ at: "yesterday", message: "hi" }, []],
  [{ every: "1h", message: "hi", "system-event": "x" }, []],
  [{ every: "1h", message: "hi", announce: true, "no-deliver": true }, []],
  [{ every: "1h", message: "hi", "timeout-seconds": "-1" }, []],
  [{}, ["0 7 * * *", "two", "words"]],
] as const)("flags that make no sense are refused: %j %j", (values, words) => {
  expect(() => paramsOf(values, words, NOW)).toThrow();
});

test("flags of cron edit name what changes and nothing else", () => {
  const patch = patchOf(
    {
      every: "5m",
      name: "new",
      "clear-model": true,
      "clear-to": true,
      "clear-agent": true,
      "failure-alert-after": "3",
      disable: true,
    },
    NOW,
  );
  expect(patch).toEqual({
    name: "new",
    agentId: null,
    enabled: false,
    schedule: { kind: "every", everyMs: 300_000 },
    payload: { kind: "agentTurn", model: null },
    delivery: { to: null },
    failureAlert: { after: 3 },
  });
  expect(validateCronUpdateParams({ id: "x", patch })).toBe(true);
  expect(patchOf({ "no-failure-alert": true }, NOW)).toEqual({ failureAlert: false });
  expect(() => patchOf({}, NOW)).toThrow("nothing to change");
  expect(() => patchOf({ enable: true, disable: true }, NOW)).toThrow("exclude each other");
});

test.each([
  [0, "0ms"],
  [250, "250ms"],
  [90_000, "1m30s"],
  [5_400_000, "1h30m"],
  [90_061_000, "1d1h"],
] as const)("a span is written: %d", (ms, text) => {
  expect(spanText(ms)).toBe(text);
  expect(agoText(NOW + ms, NOW)).toBe(`in ${text}`);
});
