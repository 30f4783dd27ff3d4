import { expect, test } from "vitest";
import { type CronWorld, cronWorld } from "../../test/support/cron-world.ts";
import { SystemEvents } from "./system-events.ts";

const START = Date.parse("2026-01-01T00:00:00Z");
const OWNER = { channel: "telegram", to: "7" };
const MAIN = "agent:main:main";

/** Time as it goes by, and not in one jump: what is late by a minute is let go. */
async function walk(world: CronWorld, ms: number): Promise<void> {
  for (let left = ms; left > 0; left -= 50_000) await world.pass(Math.min(left, 50_000));
}

function config(heartbeat: object): object {
  return { agents: { defaults: { heartbeat } } };
}

test("without a heartbeat in the config there is none", async () => {
  await using world = await cronWorld({}, START);
  await world.pass(24 * 3_600_000);
  expect(await world.scheduler.jobs()).toEqual([]);
  expect(world.begun.size).toBe(0);
});

test("an alert is told to the owner, an acknowledgement to nobody", async () => {
  await using world = await cronWorld(config({ every: "30m" }), START);
  world.routes.owner = OWNER;
  world.ending = () => ({ status: "ok", text: "The disk is full", error: undefined });
  await world.scheduler.jobs();
  await walk(world, 30 * 60_000);
  expect([...world.told.values()]).toMatchObject([
    { channel: "telegram", conversation: "7", text: "The disk is full" },
  ]);
  expect(await world.scheduler.heartbeats.last()).toMatchObject({ status: "sent", to: "7" });
  world.ending = () => ({ status: "ok", text: "**HEARTBEAT_OK** all fine", error: undefined });
  await walk(world, 30 * 60_000);
  expect(world.told.size).toBe(1);
  expect(await world.scheduler.heartbeats.last()).toMatchObject({ status: "ok-token" });
  const [first] = world.begun.values();
  expect(first).toMatchObject({ kind: "heartbeat", sessionKey: MAIN });
  expect(first?.message).toContain("HEARTBEAT_OK");
});

test("outside of its hours it is quiet", async () => {
  const activeHours = { start: "08:00", end: "20:00", timezone: "Europe/Berlin" };
  await using world = await cronWorld(config({ every: "1h", activeHours }), START);
  await world.scheduler.jobs();
  await walk(world, 24 * 3_600_000);
  expect(world.begun.size).toBe(12);
  expect(await world.scheduler.heartbeats.last()).toMatchObject({ reason: "quiet-hours" });
});

test("a checklist without tasks asks for nothing, unless something waits to be told", async () => {
  await using world = await cronWorld(config({ every: "1h" }), START);
  world.checklist = "# Heartbeat\n\n- [ ]\n";
  await world.scheduler.jobs();
  await walk(world, 3_600_000);
  expect(world.begun.size).toBe(0);
  await new SystemEvents(world.store, world.clock.now).enqueue(MAIN, "the door is open", "1");
  await walk(world, 3_600_000);
  expect([...world.begun.values()][0]?.message).toContain("the door is open");
  await walk(world, 3_600_000);
  expect(world.begun.size).toBe(1);
});

test("an interval that has changed counts at once, and 0m is never", async () => {
  await using world = await cronWorld(config({ every: "1h" }), START);
  await world.scheduler.jobs();
  world.configure(config({ every: "10m" }));
  await world.pass(1_000);
  await walk(world, 10 * 60_000);
  expect(world.begun.size).toBe(1);
  world.configure(config({ every: "0m" }));
  await world.pass(1_000);
  await walk(world, 2 * 3_600_000);
  expect(world.begun.size).toBe(1);
  world.configure({});
  await world.pass(1_000);
  expect(await world.scheduler.jobs()).toEqual([]);
});

test("heartbeats are switched off and on", async () => {
  await using world = await cronWorld(config({ every: "10m" }), START);
  await world.scheduler.setHeartbeats(false);
  await walk(world, 3_600_000);
  expect(world.begun.size).toBe(0);
  await world.scheduler.setHeartbeats(true);
  await walk(world, 10 * 60_000);
  expect(world.begun.size).toBe(1);
});

test("heartbeats that passed while nothing ran are not made up for", async () => {
  await using world = await cronWorld(
    { ...config({ every: "1h" }), cron: { missedRuns: "all" } },
    START,
  );
  await world.scheduler.jobs();
  await world.pass(10 * 3_600_000 + 30 * 60_000);
  expect(world.begun.size).toBeLessThanOrEqual(1);
});

test("calls to wake an agent while it is woken are one more turn, with all that waits", async () => {
  await using world = await cronWorld({}, START);
  const events = new SystemEvents(world.store, world.clock.now);
  await events.enqueue(MAIN, "first", "1");
  await events.enqueue(MAIN, "second", "2");
  await world.scheduler.heartbeats.wake("main", MAIN, new AbortController().signal);
  const [turn] = world.begun.values();
  expect(turn?.message).toMatch(/first[\s\S]*second/);
  await world.scheduler.heartbeats.wake("main", MAIN, new AbortController().signal);
  expect(world.begun.size).toBe(1);
  expect(await events.count(MAIN)).toBe(0);
});
