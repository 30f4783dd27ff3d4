import { expect, test } from "vitest";
import { callerOf, OWNER } from "../../../test/support/tool-callers.ts";
import type { CronDefinition, CronJob } from "../../store/cron-job.ts";
import { cronTool } from "./cron-tool.ts";

const NOW = Date.parse("2026-11-22T12:00:00Z");

function cronWorld() {
  const jobs: CronJob[] = [];
  const clock = { now: NOW };
  const scheduler = {
    jobs: async () => jobs,
    async add(id: string, definition: CronDefinition) {
      const job = { id, createdAtMs: NOW, updatedAtMs: NOW, definition, state: {} };
      jobs.push(job);
      return job;
    },
    async remove(id: string) {
      const at = jobs.findIndex((job) => job.id === id);
      return at >= 0 && jobs.splice(at, 1).length > 0;
    },
  };
  let made = 0;
  const tool = cronTool({
    scheduler: async () => scheduler,
    defaultAgent: () => "main",
    now: () => clock.now,
    newId: () => `job-${(made += 1)}`,
  });
  return { jobs, scheduler, clock, call: callerOf(tool) };
}

const turn = { kind: "agentTurn", message: "Look." };
const hourly = { kind: "every", everyMs: 3_600_000 };

test("a reminder is a job of the agent's main session, a task one apart, with the tools of the turn", async () => {
  const w = cronWorld();
  const reminder = { kind: "systemEvent", text: "Tea!" };
  await w.call({
    action: "add",
    job: { name: "tea", schedule: { kind: "at", at: "20m" }, payload: reminder },
  });
  const payload = { ...turn, toolsAllow: ["message", "exec", "cron"] };
  await w.call({ action: "add", job: { name: "look", schedule: hourly, payload } });
  expect(w.jobs.map(({ definition }) => definition)).toMatchObject([
    {
      agentId: "main",
      schedule: { kind: "at", at: "2026-11-22T12:20:00.000Z" },
      sessionTarget: "main",
      sessionKey: "agent:main:main",
      payload: { kind: "systemEvent", toolsAllow: ["current_time", "message"] },
      deleteAfterRun: true,
    },
    {
      agentId: "main",
      sessionTarget: "isolated",
      payload: { kind: "agentTurn", toolsAllow: ["message"] },
      delivery: { mode: "announce" },
    },
  ]);
  expect(JSON.parse(await w.call({ action: "list" })).jobs).toMatchObject([
    { id: "job-1", name: "tea" },
    { id: "job-2", name: "look" },
  ]);
  expect(await w.call({ action: "remove", jobId: "job-1" })).toContain('"removed":true');
  expect(w.jobs.map(({ id }) => id)).toEqual(["job-2"]);
});

test("jobs of other agents, and those of the config, are neither shown nor removed", async () => {
  const w = cronWorld();
  const add = (id: string, change: Partial<CronDefinition>): Promise<CronJob> =>
    w.scheduler.add(id, {
      name: id,
      enabled: true,
      schedule: { kind: "every", everyMs: 1_000 },
      sessionTarget: "isolated",
      wakeMode: "now",
      payload: { kind: "agentTurn", message: "x" },
      ...change,
    });
  await add("theirs", { agentId: "work" });
  await add("beat", { agentId: "main", payload: { kind: "heartbeat" } });
  await add("anybodys", {});
  expect(JSON.parse(await w.call({ action: "list" })).jobs).toMatchObject([{ id: "anybodys" }]);
  for (const jobId of ["theirs", "beat", "nobody"]) {
    expect(await w.call({ action: "remove", jobId })).toMatch(/no job/);
  }
  expect(w.jobs).toHaveLength(3);
});

test("a job changes no jobs, whichever session it runs in", async () => {
  const w = cronWorld();
  const job = { ...OWNER, isAttended: false };
  const add = { action: "add", job: { name: "again", schedule: hourly, payload: turn } };
  expect(await w.call(add, job)).toMatch(/conversation with a person/);
  await w.call(add);
  expect(await w.call({ action: "remove", jobId: "job-1" }, job)).toMatch(/with a person/);
  expect(await w.call({ action: "list" }, job)).toContain("job-1");
  expect(w.jobs).toHaveLength(1);
});

test("an agent makes so many jobs in an hour, and so many in all", async () => {
  const w = cronWorld();
  const add = { action: "add", job: { name: "x", schedule: hourly, payload: turn } };
  for (let at = 0; at < 12; at += 1) await w.call(add);
  expect(w.jobs).toHaveLength(10);
  for (let hour = 0; hour < 6; hour += 1) {
    w.clock.now += 3_600_000;
    for (let at = 0; at < 10; at += 1) await w.call(add);
  }
  expect(w.jobs).toHaveLength(50);
  expect(await w.call(add)).toMatch(/Remove some/);
});

test.each([
  {},
  { action: "run", jobId: "job-1" },
  { action: "add" },
  { action: "remove" },
  {
    action: "add",
    job: { name: "x", schedule: hourly, payload: { kind: "command", argv: ["x"] } },
  },
  { action: "add", job: { name: "x", schedule: { kind: "every", everyMs: 1 }, payload: turn } },
  {
    action: "add",
    job: { name: "x", schedule: { kind: "cron", expr: "* * * * * *" }, payload: turn },
  },
  { action: "add", job: { name: "x", schedule: hourly, payload: turn, agentId: "work" } },
  { action: "add", job: { name: "x", schedule: hourly, payload: turn, sessionTarget: "main" } },
  { action: "add", job: { name: "x", schedule: hourly, payload: { ...turn, model: "a/b" } } },
  {
    action: "add",
    job: { name: "x", schedule: hourly, payload: turn, delivery: { mode: "webhook" } },
  },
])("the job %j is refused", async (input) => {
  const w = cronWorld();
  expect(await w.call(input)).toMatch(/^Bad input/);
  expect(w.jobs).toEqual([]);
});
