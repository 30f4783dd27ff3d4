import { setTimeout } from "node:timers/promises";
import { expect, test } from "vitest";
import * as z from "zod";
import { openSqliteStore } from "../../core/store/sqlite/open.ts";
import { type CronCore, cronCore } from "../support/cron-core.ts";

const EVERY_MS = 200;

const Job = z.looseObject({ id: z.string(), schedule: z.looseObject({ anchorMs: z.number() }) });
const Runs = z.looseObject({ total: z.number() });

test("a core that takes over goes on with the jobs, and runs none of them twice", async () => {
  await using core = await cronCore({ cron: { missedRuns: "all" } });
  const first = await core.start();
  const job = await made(core, first);
  const second = await core.standBy();
  await runsOf(core, first, job.id, 5);
  await core.kill();
  await runsOf(core, second, job.id, 15);
  const third = await core.standBy();
  await core.kill();
  await runsOf(core, third, job.id, 25);
  await core.kill();

  await using store = await openSqliteStore({ stateDir: core.dir, now: Date.now });
  const { runs } = await store.cron.runs({ jobId: job.id, limit: 10_000, offset: 0 });
  const { open } = await store.cron.load();
  const due = [...runs.map(({ claim }) => claim.dueMs), ...open.map(({ dueMs }) => dueMs)];
  const sorted = due.toSorted((a, b) => a - b);
  expect(sorted).toEqual(
    sorted.map((_at, index) => job.schedule.anchorMs + (index + 1) * EVERY_MS),
  );
  for (const { record } of runs) {
    const history = await store.history(record.sessionKey ?? "", 10);
    expect(history.map(({ message }) => message.role)).toEqual(["user", "assistant"]);
  }
}, 120_000);

async function made(core: CronCore, url: string): Promise<z.output<typeof Job>> {
  using line = await core.line(url);
  return Job.parse(
    await line.call("cron.add", {
      name: "tick",
      schedule: { kind: "every", everyMs: EVERY_MS },
      sessionTarget: "isolated",
      wakeMode: "now",
      payload: { kind: "agentTurn", message: "tick" },
      delivery: { mode: "none" },
    }),
  );
}

/** Settles when so many runs have ended; whoever is asked may just be taking over. */
async function runsOf(core: CronCore, url: string, id: string, count: number): Promise<void> {
  for (;;) {
    try {
      using line = await core.line(url);
      const { total } = Runs.parse(await line.call("cron.runs", { id, limit: 1 }));
      if (total >= count) return;
    } catch {
      // It does not lead yet.
    }
    await setTimeout(50);
  }
}
