import { expect, test } from "vitest";
import type { CronJob } from "../store/cron-job.ts";
import { jobStep } from "./jobs.ts";

const NOW = Date.parse("2026-03-01T00:00:00Z");

async function brought(job: unknown) {
  const saved: CronJob[] = [];
  const cron = {
    load: () => Promise.resolve({ jobs: [], open: [] }),
    save: async (one: CronJob) => void saved.push(one),
  };
  const step = jobStep(job, new Set(["there"]), { cron, hostZone: "UTC", now: NOW });
  if (step.verdict === "add") await step.apply();
  return { step, job: saved[0] };
}

const turn = { kind: "agentTurn", message: "do it" };
const every = { kind: "every", everyMs: 60_000, anchorMs: 0 };

test.each([
  [
    "of the first versions, with a moment as a number",
    { schedule: { kind: "at", atMs: NOW + 1_000 }, payload: { kind: "systemEvent", text: "x" } },
    { schedule: { kind: "at", at: "2026-03-01T00:00:01.000Z" }, deleteAfterRun: true },
  ],
  [
    "that says in its payload where its answer goes",
    {
      schedule: every,
      sessionTarget: "isolated",
      payload: { ...turn, channel: "telegram", to: "7" },
    },
    { payload: turn, delivery: { mode: "announce", channel: "telegram", to: "7" } },
  ],
  [
    "that is disabled",
    { schedule: every, enabled: false, sessionTarget: "isolated", payload: turn },
    { enabled: false },
  ],
  [
    "without a name",
    { name: "", schedule: every, sessionTarget: "isolated", payload: turn },
    { name: "j" },
  ],
])("a job %s is brought over", async (_name, job, definition) => {
  const { step, job: saved } = await brought({ id: "j", ...job });
  expect(step).toMatchObject({ verdict: "add" });
  expect(saved?.definition).toMatchObject(definition);
  expect(saved?.state.nextRunAtMs === undefined).toBe(saved?.definition.enabled === false);
});

test.each([
  ["that is no object", 7, "cannot be understood"],
  [
    "whose time has passed",
    {
      schedule: { kind: "at", at: "2020-01-01T00:00:00Z" },
      payload: { kind: "systemEvent", text: "x" },
    },
    "passed",
  ],
  [
    "that runs a program",
    { schedule: every, payload: { kind: "command", argv: ["ls"] } },
    "runs no programs",
  ],
  [
    "that posts somewhere",
    {
      schedule: every,
      sessionTarget: "isolated",
      payload: turn,
      delivery: { mode: "webhook", to: "http://x" },
    },
    "delivery.mode webhook",
  ],
  [
    "of its own",
    { declarationKey: "heartbeat:main", schedule: every, payload: { kind: "heartbeat" } },
    "for itself",
  ],
  [
    "with a zone that is none",
    {
      schedule: { kind: "cron", expr: "* * * * *", tz: "Mars" },
      sessionTarget: "isolated",
      payload: turn,
    },
    "Mars",
  ],
])("a job %s is left, with the reason", async (_name, job, reason) => {
  const { step } = await brought(typeof job === "object" ? { id: "j", ...job } : job);
  expect(step).toMatchObject({ verdict: "left", note: expect.stringContaining(reason) });
});

test("a job that is here stays as it is", async () => {
  const { step } = await brought({ id: "there", schedule: every, payload: turn });
  expect(step.verdict).toBe("same");
});
