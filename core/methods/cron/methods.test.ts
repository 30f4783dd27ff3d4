import { randomUUID } from "node:crypto";
import { validateCronAddParams } from "@openclaw/gateway-protocol";
import * as schemas from "@openclaw/gateway-protocol/schema";
import type { TSchema } from "typebox";
import { Check, Errors } from "typebox/value";
import { expect, test } from "vitest";
import { type CronWorld, cronWorld } from "../../../test/support/cron-world.ts";
import { commandLineContext } from "../command-line.ts";
import { cronMethods } from "./methods.ts";

const START = Date.parse("2026-01-01T00:00:00Z");

/** As the real command line sends it. */
const JOB = {
  name: "t1",
  enabled: true,
  schedule: { kind: "every", everyMs: 600_000 },
  sessionTarget: "isolated",
  wakeMode: "now",
  payload: { kind: "agentTurn", message: "say hi" },
  delivery: { mode: "announce", channel: "telegram", to: "42" },
};

type Call = (name: string, params?: object) => Promise<Record<string, unknown>>;

function callsOf(world: CronWorld): Call {
  const methods = new Map(
    cronMethods({
      scheduler: async () => world.scheduler,
      store: world.store.cron,
      routes: {
        last: async () => undefined,
        owner: async () => undefined,
        channels: () => ["telegram"],
      },
      agents: () => ["main"],
      storePath: "/state/sallyport.sqlite",
      now: world.clock.now,
      newId: randomUUID,
    }),
  );
  const context = commandLineContext(new AbortController().signal);
  return async (name, params = {}) => {
    const answer = await methods.get(name)?.call(params, context);
    // As it comes over a socket: what is undefined is not there.
    return Object(JSON.parse(JSON.stringify(answer)));
  };
}

function fitting(schema: TSchema, value: unknown): void {
  expect(
    [...Errors(schema, value)].map(({ instancePath, message }) => [instancePath, message]),
  ).toEqual([]);
  expect(Check(schema, value)).toBe(true);
}

test("what a job is from its making to its end fits the published schemas", async () => {
  await using world = await cronWorld({}, START);
  const call = callsOf(world);
  expect(validateCronAddParams(JOB)).toBe(true);
  const made = await call("cron.add", JOB);
  fitting(schemas.CronAddResultSchema, made);
  const id = String(made["id"]);
  expect(made).toMatchObject({
    nextRunAtMs: START + 600_000,
    deliveryPreview: { detail: "telegram:42" },
  });

  await world.pass(600_000);
  const got = await call("cron.get", { jobId: id });
  fitting(schemas.CronJobSchema, got);
  expect(got).toMatchObject({ lastRunStatus: "ok", lastDeliveryStatus: "delivered" });

  const { entries, ...page } = await call("cron.runs", { id, limit: 50 });
  expect(page).toEqual({ total: 1, offset: 0, limit: 50, hasMore: false, nextOffset: null });
  for (const entry of Array.isArray(entries) ? entries : []) {
    fitting(schemas.CronRunLogEntrySchema, entry);
  }

  const patch = { schedule: { kind: "cron", expr: "0 7 * * *", tz: "Europe/Berlin" } };
  const changed = await call("cron.update", { id, patch });
  fitting(schemas.CronJobSchema, changed);
  expect(changed["configRevision"]).not.toBe(made["configRevision"]);

  const { ok, enqueued, runId } = await call("cron.run", { id });
  expect([ok, enqueued]).toEqual([true, true]);
  await world.quiet();
  expect(await call("cron.runs", { runId: String(runId), scope: "all" })).toMatchObject({
    total: 1,
  });
  expect(await call("cron.run", { id, mode: "due" })).toEqual({
    ok: true,
    ran: false,
    reason: "not-due",
  });
  expect(await call("cron.remove", { id })).toEqual({ ok: true, removed: true });
  expect(await call("cron.remove", { id })).toEqual({ ok: true, removed: false });
  const actions = world.published.map(({ payload }) => Object(payload).action);
  expect(actions).toEqual([
    "added",
    "started",
    "finished",
    "updated",
    "started",
    "finished",
    "removed",
  ]);
});

test("events carry jobs and runs that fit the published schemas", async () => {
  await using world = await cronWorld({}, START);
  await callsOf(world)("cron.add", JOB);
  await world.pass(600_000);
  for (const { payload } of world.published) {
    const { job, action, ...rest } = Object(JSON.parse(JSON.stringify(payload)));
    if (job !== undefined) fitting(schemas.CronJobSchema, job);
    if (action === "finished") fitting(schemas.CronRunLogEntrySchema, { ...rest, action });
  }
});

test("a list comes in pages of one snapshot", async () => {
  await using world = await cronWorld({}, START);
  const call = callsOf(world);
  for (const name of ["c", "a", "b"]) await call("cron.add", { ...JOB, name });
  await call("cron.add", { ...JOB, name: "off", enabled: false });
  const first = await call("cron.list", { limit: 2, sortBy: "name" });
  expect(first).toMatchObject({ total: 3, hasMore: true, nextOffset: 2, offset: 0, limit: 2 });
  const last = await call("cron.list", { limit: 2, offset: 2, sortBy: "name" });
  expect(last).toMatchObject({ hasMore: false, nextOffset: null });
  expect(last["snapshotRevision"]).toBe(first["snapshotRevision"]);
  const names = [first, last].flatMap(({ jobs }) => (Array.isArray(jobs) ? jobs : []));
  expect(names.map(({ name }) => name)).toEqual(["a", "b", "c"]);
  expect(await call("cron.list", { includeDisabled: true })).toMatchObject({ total: 4 });
  expect(await call("cron.list", { enabled: "disabled" })).toMatchObject({ total: 1 });
  expect(await call("cron.list", { query: "OFF", enabled: "all" })).toMatchObject({ total: 1 });
  const changed = await call("cron.list", {});
  await call("cron.add", { ...JOB, name: "d" });
  expect((await call("cron.list", {}))["snapshotRevision"]).not.toBe(changed["snapshotRevision"]);
});

test("the status says where jobs are kept and when the next is due", async () => {
  await using world = await cronWorld({}, START);
  const call = callsOf(world);
  await call("cron.add", JOB);
  expect(await call("cron.status")).toEqual({
    enabled: true,
    triggersEnabled: false,
    storePath: "/state/sallyport.sqlite",
    storage: "sqlite",
    sqlitePath: "/state/sallyport.sqlite",
    jobs: 1,
    nextWakeAtMs: START + 600_000,
  });
});

test("scratch is kept with a revision, and two who change it do not undo each other", async () => {
  await using world = await cronWorld({}, START);
  const call = callsOf(world);
  const { id } = await call("cron.add", JOB);
  fitting(schemas.CronScratchGetResultSchema, await call("cron.scratch.get", { id }));
  const set = await call("cron.scratch.set", { id, content: "one", expectedRevision: 0 });
  fitting(schemas.CronScratchSetResultSchema, set);
  const late = await call("cron.scratch.set", { id, content: "two", expectedRevision: 0 });
  expect(late).toEqual({ ok: false, reason: "revision-conflict", currentRevision: 1 });
  const gone = await call("cron.scratch.set", { id, content: null });
  fitting(schemas.CronScratchSetResultSchema, gone);
  expect(gone).toMatchObject({ scratch: null, currentRevision: 2 });
});

test("a job that is declared again by its key is the same one", async () => {
  await using world = await cronWorld({}, START);
  const call = callsOf(world);
  const declared = { ...JOB, declarationKey: "backup" };
  const first = await call("cron.add", declared);
  fitting(schemas.CronDeclarativeAddResultSchema, first);
  const again = await call("cron.add", { ...declared, name: "renamed" });
  fitting(schemas.CronDeclarativeAddResultSchema, again);
  expect(again).toMatchObject({ created: false, updated: true, job: { name: "renamed" } });
  expect(await call("cron.list", {})).toMatchObject({ total: 1 });
});

test("two who change a job at once do not undo each other", async () => {
  await using world = await cronWorld({}, START);
  const call = callsOf(world);
  const { id, configRevision: expectedConfigRevision } = await call("cron.add", JOB);
  await call("cron.update", { id, patch: { name: "mine" }, expectedConfigRevision });
  await expect(
    call("cron.update", { id, patch: { name: "theirs" }, expectedConfigRevision }),
  ).rejects.toMatchObject({ code: "conflict" });
});

test("null takes a field away, and what is not named stays", async () => {
  await using world = await cronWorld({}, START);
  const call = callsOf(world);
  const { id } = await call("cron.add", {
    ...JOB,
    payload: { ...JOB.payload, model: "demo/echo", timeoutSeconds: 5 },
  });
  const patch = {
    payload: { kind: "agentTurn", model: null },
    delivery: { to: null, bestEffort: true },
    failureAlert: { after: 3 },
  };
  expect(await call("cron.update", { id, patch })).toMatchObject({
    payload: { kind: "agentTurn", message: "say hi", timeoutSeconds: 5 },
    delivery: { mode: "announce", channel: "telegram", bestEffort: true },
    failureAlert: { after: 3 },
  });
  const cleared = await call("cron.update", { id, patch: { failureAlert: null } });
  expect(cleared).not.toHaveProperty("failureAlert");
  expect(cleared).not.toHaveProperty("payload.model");
});

test("a job that is not there is an error programs can read", async () => {
  await using world = await cronWorld({}, START);
  const call = callsOf(world);
  for (const name of ["cron.get", "cron.run", "cron.scratch.get"]) {
    await expect(call(name, { id: "none" })).rejects.toMatchObject({
      code: "INVALID_REQUEST",
      details: { code: "CRON_JOB_NOT_FOUND", jobId: "none" },
    });
  }
});

test.each([
  {
    name: "runs a program",
    bad: { payload: { kind: "command", argv: ["ls"] } },
    says: "agentTurn",
  },
  { name: "runs a script", bad: { payload: { kind: "script", script: "1" } }, says: "agentTurn" },
  { name: "watches a program", bad: { schedule: { kind: "on-exit", command: "x" } }, says: "cron" },
  {
    name: "posts anywhere",
    bad: { delivery: { mode: "webhook", to: "http://169.254.169.254/" } },
    says: "hooks.internal",
  },
  { name: "has a trigger", bad: { trigger: { script: "1" } }, says: "trigger" },
  {
    name: "claims to be a heartbeat",
    bad: { payload: { kind: "heartbeat" } },
    says: "agents.defaults.heartbeat",
  },
  {
    name: "tells an isolated session",
    bad: { payload: { kind: "systemEvent", text: "x" } },
    says: "agentTurn",
  },
  { name: "is for nobody", bad: { agentId: "ghost" }, says: "Unknown agent 'ghost'" },
  {
    name: "is never due",
    bad: { schedule: { kind: "at", at: "2020-01-01T00:00:00Z" } },
    says: "has passed",
  },
  {
    name: "has a bad zone",
    bad: { schedule: { kind: "cron", expr: "0 0 * * *", tz: "Mars" } },
    says: "Europe/Berlin",
  },
])("a job that $name is refused with a remedy", async ({ bad, says }) => {
  await using world = await cronWorld({}, START);
  const refused = callsOf(world)("cron.add", { ...JOB, ...bad });
  await expect(refused).rejects.toMatchObject({ code: "invalid_request" });
  await expect(refused).rejects.toThrow(says);
});

test.each([
  { ...JOB, surprise: 1 },
  { ...JOB, name: "" },
  { ...JOB, sessionTarget: "elsewhere" },
  { ...JOB, schedule: { kind: "every", everyMs: 1e300 } },
  { ...JOB, payload: { kind: "agentTurn", message: "x".repeat(40_000) } },
  [],
  null,
])("params that make no sense are refused", async (params) => {
  await using world = await cronWorld({}, START);
  await expect(callsOf(world)("cron.add", Object(params))).rejects.toThrow();
  expect(await world.scheduler.jobs()).toEqual([]);
});

test.each([
  ["20m", "2026-01-01T00:20:00.000Z"],
  ["2026-12-24T18:00:00+01:00", "2026-12-24T17:00:00.000Z"],
  ["2026-12-24T18:00:00", "2026-12-24T18:00:00.000Z"],
  ["1798135200000", "2026-12-24T18:00:00.000Z"],
])("a moment is kept as ISO in UTC: %s", async (at, kept) => {
  await using world = await cronWorld({}, START);
  const made = await callsOf(world)("cron.add", { ...JOB, schedule: { kind: "at", at } });
  expect(made).toMatchObject({ schedule: { kind: "at", at: kept }, deleteAfterRun: true });
});
