import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pino } from "pino";
import { expect, test } from "vitest";
import { ManualClock } from "../../../test/support/clock.ts";
import { loadSettings } from "../../config/resolve.ts";
import { Bell } from "../../conversation/bell.ts";
import { CONFIG_CHANGED } from "../../methods/system/restart.ts";
import { Restarts } from "./restarts.ts";
import type { Job } from "./under-way.ts";

const DEADLINE_MS = 300_000;

async function someSettings() {
  const home = await mkdtemp(join(tmpdir(), "restarts-"));
  const env = { OPENCLAW_GATEWAY_TOKEN: "a-gateway-token-of-some-length" };
  const loaded = await loadSettings({ env, cwd: home, home, flags: {}, uid: undefined });
  await rm(home, { recursive: true });
  if (!loaded.ok) throw new Error(loaded.error.reason);
  return loaded.value;
}

/** A gateway whose work is what the test says. */
async function world({ deferralMs = DEADLINE_MS }: { deferralMs?: number } = {}) {
  const settings = await someSettings();
  const clock = new ManualClock();
  const change = new Bell();
  const stop = new AbortController();
  const lines: string[] = [];
  const log = pino(
    { level: "info" },
    { write: (line: string) => void lines.push(JSON.parse(line).msg) },
  );
  const tries: (number | undefined)[] = [];
  let jobs: readonly Job[] = [];
  let fails: Error | undefined;
  let began = 0;
  const restarts = new Restarts({
    host: {
      jobs: () => jobs,
      changed: (signal) => change.heard(signal),
      deferralMs: () => deferralMs,
      async begin(patienceMs) {
        tries.push(patienceMs);
        if (fails !== undefined) throw fails;
        // What does not end by itself is cut off only by whoever has no patience.
        return patienceMs !== undefined && jobs.length > 0 ? undefined : settings;
      },
      began: () => (began += 1),
    },
    clock,
    signal: stop.signal,
    log,
  });
  return {
    settings,
    restarts,
    clock,
    stop,
    lines,
    tries,
    began: () => began,
    fail: (error: Error) => (fails = error),
    work(...since: readonly number[]) {
      jobs = since.map((ms) => ({ kind: "http", since: clock.now() - ms }));
      change.ring();
    },
  };
}

test("with nothing under way it begins at once", async () => {
  const it = await world();
  expect(await it.restarts.want({ reason: "a" })).toBe(it.settings);
  expect([it.tries, it.began(), it.restarts.pending]).toEqual([[2_000], 1, undefined]);
});

test("a turn that goes on is waited for, and whoever asks is told so at once", async () => {
  const it = await world();
  it.work(5_000);
  expect(await it.restarts.want({ reason: "a" })).toBeUndefined();
  expect(it.restarts.pending).toEqual({
    reasons: ["a"],
    since: it.clock.now(),
    deadline: it.clock.now() + DEADLINE_MS,
    phase: "deferred",
    waitsFor: "1 under way (1 http), the oldest for 5 s",
  });
  expect(it.tries).toEqual([]);
  it.work();
  await it.restarts.settled;
  expect([it.tries, it.began()]).toEqual([[2_000], 1]);
});

test("a second wish meanwhile is the same restart", async () => {
  const it = await world();
  it.work(5_000);
  await it.restarts.want({ reason: "a" });
  expect(await it.restarts.want({ reason: "b" })).toBeUndefined();
  expect(it.restarts.pending?.reasons).toEqual(["a", "b"]);
  it.work();
  await it.restarts.settled;
  expect(it.began()).toBe(1);
});

test("after a try in vain new work is left alone for a while, and at the deadline nothing is waited for", async () => {
  const it = await world();
  it.work(0);
  expect(await it.restarts.want({ reason: "a" })).toBeUndefined();
  expect(it.tries).toEqual([2_000]);
  await it.clock.waiting(6_000);
  it.work(0);
  await it.clock.waiting(6_000);
  it.clock.advance(6_000);
  await it.clock.waiting(DEADLINE_MS - 6_000);
  it.work(0);
  await it.clock.waiting(30_000);
  expect(it.tries).toEqual([2_000, 10_000]);
  it.clock.advance(30_000);
  await it.clock.waiting(DEADLINE_MS - 36_000);
  it.clock.advance(DEADLINE_MS - 36_000);
  await it.restarts.settled;
  expect(it.tries).toEqual([2_000, 10_000, undefined]);
  expect(it.lines).toContain("restart was put off long enough");
});

test("without a deadline it waits as long as it takes", async () => {
  const it = await world({ deferralMs: 0 });
  it.work(5_000);
  await it.restarts.want({ reason: "a" });
  it.clock.advance(10 * DEADLINE_MS);
  expect(it.restarts.pending).toMatchObject({ phase: "deferred", deadline: undefined });
  it.work();
  await it.restarts.settled;
  expect(it.began()).toBe(1);
});

test("whoever does not mind what is cut off has the one that waits begin", async () => {
  const it = await world();
  it.work(5_000);
  await it.restarts.want({ reason: "a" });
  await it.restarts.want({ reason: "b", forced: true });
  await it.restarts.settled;
  expect([it.tries, it.began()]).toEqual([[undefined], 1]);
});

test("one for later says so until then", async () => {
  const it = await world();
  const wanted = it.restarts.want({ reason: "a", delayMs: 50 });
  await it.clock.waiting(50);
  expect(it.restarts.pending?.phase).toBe("scheduled");
  it.clock.advance(50);
  expect(await wanted).toBe(it.settings);
});

test("one that is wanted now does not wait as long as the one that was for later", async () => {
  const it = await world();
  const later = it.restarts.want({ reason: "a", delayMs: 3_600_000 });
  it.work(5_000);
  await it.restarts.want({ reason: CONFIG_CHANGED });
  expect(await later).toBeUndefined();
  expect(it.restarts.pending?.deadline).toBe(it.clock.now() + DEADLINE_MS);
});

test("a change that is taken back needs no restart, unless somebody else has asked for one", async () => {
  const it = await world();
  it.work(5_000);
  await it.restarts.want({ reason: CONFIG_CHANGED });
  await it.restarts.want({ reason: "b" });
  it.restarts.withdraw(CONFIG_CHANGED);
  expect(it.restarts.pending?.reasons).toEqual(["b"]);
  it.restarts.withdraw("b");
  await it.restarts.settled;
  expect([it.began(), it.restarts.pending]).toEqual([0, undefined]);
});

test("an end of the gateway ends the waiting, and there is no restart after it", async () => {
  const it = await world();
  it.work(5_000);
  await it.restarts.want({ reason: "a" });
  it.stop.abort();
  await it.restarts.settled;
  expect([it.began(), it.restarts.pending]).toEqual([0, undefined]);
  expect(await it.restarts.want({ reason: "b" })).toBeUndefined();
});

test("one that fails is told to whoever waits for it, and another one may be wanted", async () => {
  const it = await world();
  it.fail(new Error("no such port"));
  await expect(it.restarts.want({ reason: CONFIG_CHANGED })).rejects.toThrow("no such port");
  expect(it.lines).not.toContain("restart failed");
  await expect(it.restarts.want({ reason: "a" })).rejects.toThrow("no such port");
  expect(it.lines).toContain("restart failed");
});
