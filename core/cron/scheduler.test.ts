import { expect, test } from "vitest";
import { cronWorld } from "../../test/support/cron-world.ts";
import { Random } from "../../test/support/random.ts";
import type { CronDefinition, CronSchedule, MissedRuns } from "../store/cron-job.ts";
import { dueTimes } from "./schedule.ts";

const HOUR = 3_600_000;
const START = Date.parse("2026-01-01T00:00:00Z");

function job(schedule: CronSchedule, more: Partial<CronDefinition> = {}): CronDefinition {
  return {
    name: "test",
    enabled: true,
    schedule,
    sessionTarget: "isolated",
    wakeMode: "now",
    payload: { kind: "agentTurn", message: "hello" },
    delivery: { mode: "none" },
    ...more,
  };
}

/** All due times of a schedule within (after, until]. */
function allDue(schedule: CronSchedule, id: string, after: number, end: number): number[] {
  const due = dueTimes(schedule, id, "UTC");
  if (!due.ok) throw new Error(due.error.message);
  const found: number[] = [];
  for (let at = due.value.next(after); at !== undefined && at <= end; at = due.value.next(at)) {
    found.push(at);
  }
  return found;
}

const dueOf = (ids: Iterable<string>): number[] =>
  [...ids].map((id) => Number(id.split(":")[2])).toSorted((a, b) => a - b);

test.each([
  {
    name: "every six hours in Berlin",
    schedule: { kind: "cron", expr: "0 */6 * * *", tz: "Europe/Berlin", staggerMs: 0 },
  },
  {
    name: "half past two in New York",
    schedule: { kind: "cron", expr: "30 2 * * *", tz: "America/New_York", staggerMs: 0 },
  },
  { name: "every seven hours", schedule: { kind: "every", everyMs: 7 * HOUR, anchorMs: START } },
] satisfies { name: string; schedule: CronSchedule }[])(
  "over a year of restarts and kills at any await each due time is run exactly once: $name",
  async ({ schedule }) => {
    const draws = new Random(7);
    const random = (): number => draws.u32() / 2 ** 32;
    await using world = await cronWorld({ cron: { missedRuns: "all" } }, START);
    const { id } = await world.scheduler.add("job", job(schedule));
    const end = START + 365 * 24 * HOUR;
    while (world.clock.now() < end) {
      const dice = random();
      if (dice < 0.6) world.killAfter(Math.floor(random() * 8), random);
      if (dice > 0.9) await world.restart();
      await world.pass(Math.floor(random() * 36 * HOUR));
    }
    const due = allDue(schedule, id, START, world.clock.now());
    expect(due.length).toBeGreaterThan(360);
    expect(dueOf(world.begun.keys())).toEqual(due);
    const kept = await world.records("job");
    const oldest = kept[0]?.claim.dueMs ?? 0;
    expect(kept.map(({ claim }) => claim.dueMs)).toEqual(due.filter((at) => at >= oldest));
    expect(kept.every(({ record }) => record.status === "ok")).toBe(true);
  },
  60_000,
);

test.each([
  { missed: "skip", runs: [] },
  { missed: "once", runs: [9] },
  { missed: "all", runs: [1, 2, 3, 4, 5, 6, 7, 8, 9] },
] satisfies { missed: MissedRuns; runs: number[] }[])(
  "due times missed while nothing ran: $missed",
  async ({ missed, runs }) => {
    await using world = await cronWorld({ cron: { missedRuns: missed } }, START);
    await world.scheduler.add("job", job({ kind: "every", everyMs: HOUR, anchorMs: START }));
    await world.pass(9.5 * HOUR);
    expect(dueOf(world.begun.keys()).map((at) => (at - START) / HOUR)).toEqual(runs);
    await world.pass(0.5 * HOUR);
    expect(dueOf(world.begun.keys()).map((at) => (at - START) / HOUR)).toEqual([...runs, 10]);
  },
);

test("of very many missed due times the newest hundred are made up for", async () => {
  await using world = await cronWorld({ cron: { missedRuns: "all" } }, START);
  await world.scheduler.add("job", job({ kind: "every", everyMs: 60_000, anchorMs: START }));
  await world.pass(500 * 60_000);
  const due = dueOf(world.begun.keys()).map((at) => (at - START) / 60_000);
  expect(due).toEqual(Array.from({ length: 100 }, (_none, index) => 401 + index));
});

test("a clock that jumps ahead and back runs no due time twice, and none too late", async () => {
  await using world = await cronWorld({}, START);
  await world.scheduler.add("job", job({ kind: "every", everyMs: HOUR, anchorMs: START }));
  await world.pass(HOUR);
  await world.pass(1_000 * 24 * HOUR);
  world.clock.advance(-1_000 * 24 * HOUR);
  await world.pass(1_000);
  await world.pass(HOUR);
  const due = dueOf(world.begun.keys()).map((at) => (at - START) / HOUR);
  expect(due).toEqual([1, 2, 24_001]);
});

test("a small step back of the clock runs nothing again", async () => {
  await using world = await cronWorld({}, START);
  await world.scheduler.add("job", job({ kind: "every", everyMs: HOUR, anchorMs: START }));
  await world.pass(2 * HOUR);
  world.clock.advance(-90 * 60_000);
  await world.pass(2 * HOUR);
  const due = dueOf(world.begun.keys()).map((at) => (at - START) / HOUR);
  expect(due).toEqual([2]);
  await world.pass(HOUR);
  expect(world.begun.size).toBe(2);
});

test("what happens once is run late rather than never, and goes when it has succeeded", async () => {
  await using world = await cronWorld({ cron: { missedRuns: "skip" } }, START);
  const at = new Date(START + HOUR).toISOString();
  await world.scheduler.add("job", job({ kind: "at", at }, { deleteAfterRun: true }));
  await world.pass(50 * HOUR);
  expect([...world.begun.keys()]).toEqual([`cron:job:${START + HOUR}`]);
  expect(await world.scheduler.jobs()).toEqual([]);
  expect(await world.records("job")).toHaveLength(1);
});

test("a failure that passes is tried again, at most three times; then the job is kept and off", async () => {
  await using world = await cronWorld({}, START);
  const error = { code: "model_overloaded", message: "The model is overloaded" } as const;
  world.ending = () => ({ status: "error", text: "", error });
  const at = new Date(START + HOUR).toISOString();
  await world.scheduler.add("job", job({ kind: "at", at }, { deleteAfterRun: true }));
  await world.pass(HOUR);
  expect(world.begun.size).toBe(1);
  await world.pass(30_000);
  expect(world.begun.size).toBe(2);
  await world.pass(10 * HOUR);
  await world.pass(10 * HOUR);
  expect(world.begun.size).toBe(3);
  const [left] = await world.scheduler.jobs();
  expect(left?.definition.enabled).toBe(false);
  expect(left?.state).toMatchObject({ lastStatus: "error", consecutiveErrors: 3 });
});

test("a failure that stays is not tried again", async () => {
  await using world = await cronWorld({}, START);
  const error = { code: "model_unauthorized", message: "The key was refused" } as const;
  world.ending = () => ({ status: "error", text: "", error });
  const at = new Date(START + HOUR).toISOString();
  await world.scheduler.add("job", job({ kind: "at", at }));
  await world.pass(10 * HOUR);
  await world.pass(10 * HOUR);
  expect(world.begun.size).toBe(1);
});

test("failures in a row make a job pause, and success ends that", async () => {
  await using world = await cronWorld({}, START);
  const error = { code: "model_unauthorized", message: "no" } as const;
  world.ending = () => ({ status: "error", text: "", error });
  await world.scheduler.add("job", job({ kind: "every", everyMs: 10_000, anchorMs: START }));
  await world.pass(10_000);
  expect((await world.scheduler.find("job"))?.state.nextRunAtMs).toBe(START + 40_000);
  await world.pass(30_000);
  expect((await world.scheduler.find("job"))?.state.nextRunAtMs).toBe(START + 100_000);
  world.ending = () => ({ status: "ok", text: "fine", error: undefined });
  await world.pass(60_000);
  expect((await world.scheduler.find("job"))?.state).toMatchObject({
    nextRunAtMs: START + 110_000,
    consecutiveErrors: 0,
  });
});

test("whoever hears a job's answers hears of its failures, not more often than set", async () => {
  await using world = await cronWorld({ cron: { failureAlert: { cooldownMs: HOUR } } }, START);
  const error = { code: "internal", message: "it broke" } as const;
  world.ending = () => ({ status: "error", text: "", error });
  const delivery = { mode: "announce", channel: "telegram", to: "42" } as const;
  await world.scheduler.add("job", job({ kind: "every", everyMs: 20 * 60_000 }, { delivery }));
  for (let count = 0; count < 12; count += 1) await world.pass(20 * 60_000);
  const alerts = [...world.told.values()];
  expect(alerts.length).toBeGreaterThanOrEqual(3);
  expect(alerts.length).toBeLessThanOrEqual(5);
  expect(alerts[0]).toMatchObject({ channel: "telegram", conversation: "42" });
  expect(alerts[0]?.text).toContain("2 times in a row: it broke");
});

test.each([
  {
    text: "All quiet",
    told: "All quiet",
    record: { deliveryStatus: "delivered", delivered: true },
  },
  {
    text: "NO_REPLY",
    told: undefined,
    record: { deliveryStatus: "not-delivered", deliverySuppressionReason: "no-reply" },
  },
])("an answer is told where its job says: $text", async ({ text, told, record }) => {
  await using world = await cronWorld({}, START);
  world.ending = () => ({ status: "ok", text, error: undefined });
  const delivery = { mode: "announce", channel: "telegram", to: "42" } as const;
  await world.scheduler.add("job", job({ kind: "every", everyMs: HOUR }, { delivery }));
  await world.pass(HOUR);
  expect([...world.told.values()].map((notice) => notice.text)).toEqual(told ? [told] : []);
  const [kept] = await world.records("job");
  expect(kept?.record).toMatchObject({ completionStatus: "succeeded", ...record });
});

test("an answer with nowhere to go fails the run's completion and says what to do", async () => {
  await using world = await cronWorld({}, START);
  await world.scheduler.add(
    "job",
    job({ kind: "every", everyMs: HOUR }, { delivery: { mode: "announce" } }),
  );
  await world.pass(HOUR);
  const [kept] = await world.records("job");
  expect(kept?.record).toMatchObject({ status: "ok", completionStatus: "failed" });
  expect(kept?.record.deliveryError).toContain("delivery.to");
});

test("no more runs go on at once than set, and what waits comes after", async () => {
  await using world = await cronWorld({ cron: { maxConcurrentRuns: 2 } }, START);
  world.ending = () => undefined;
  for (let number = 0; number < 5; number += 1) {
    await world.scheduler.add(`job${number}`, job({ kind: "every", everyMs: HOUR }));
  }
  world.clock.advance(HOUR);
  await until(() => world.begun.size === 2);
  await world.scheduler.jobs();
  expect(world.begun.size).toBe(2);
  world.ending = () => ({ status: "ok", text: "", error: undefined });
  await world.quiet();
  expect(world.begun.size).toBe(5);
});

test("jobs stand still while the config says so, and go on when it does not", async () => {
  await using world = await cronWorld({ cron: { enabled: false } }, START);
  await world.scheduler.add("job", job({ kind: "every", everyMs: HOUR }));
  world.clock.advance(3 * HOUR);
  await world.scheduler.jobs();
  expect(world.begun.size).toBe(0);
  world.configure({});
  await world.pass(1_000);
  expect(world.begun.size).toBe(1);
});

test("a job changed while it runs is as it was changed afterwards", async () => {
  await using world = await cronWorld({}, START);
  world.ending = () => undefined;
  await world.scheduler.add("job", job({ kind: "every", everyMs: HOUR }));
  world.clock.advance(HOUR);
  await until(() => world.begun.size === 1);
  await world.scheduler.update("job", ({ definition }) => ({ ...definition, name: "renamed" }));
  world.ending = () => ({ status: "ok", text: "", error: undefined });
  await world.quiet();
  const after = await world.scheduler.find("job");
  expect(after?.definition.name).toBe("renamed");
  expect(after?.state.lastStatus).toBe("ok");
});

test("a job removed while it runs ends quietly", async () => {
  await using world = await cronWorld({}, START);
  world.ending = () => undefined;
  await world.scheduler.add("job", job({ kind: "every", everyMs: HOUR }));
  world.clock.advance(HOUR);
  await until(() => world.begun.size === 1);
  await world.scheduler.remove("job");
  world.ending = () => ({ status: "ok", text: "", error: undefined });
  await world.quiet();
  expect(await world.scheduler.jobs()).toEqual([]);
});

test("a run asked for by hand leaves the schedule alone", async () => {
  await using world = await cronWorld({}, START);
  const added = await world.scheduler.add("job", job({ kind: "every", everyMs: HOUR }));
  const id = await world.scheduler.runNow(added);
  await world.quiet();
  expect([...world.begun.keys()]).toEqual([id]);
  expect((await world.scheduler.find("job"))?.state.nextRunAtMs).toBe(START + HOUR);
});

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
}

test("while nothing may be begun no job is, and what was missed is handled as it says", async () => {
  await using world = await cronWorld({}, START);
  await world.scheduler.add("job", job({ kind: "every", everyMs: HOUR, anchorMs: START }));
  world.isHeld = true;
  await world.pass(5 * HOUR + 1);
  expect(world.begun.size).toBe(0);
  world.isHeld = false;
  await world.pass(1_000);
  expect(dueOf(world.begun.keys())).toEqual([START + 5 * HOUR]);
});
