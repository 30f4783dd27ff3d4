import { setTimeout } from "node:timers/promises";
import { expect, test } from "vitest";
import * as z from "zod";
import { openSqliteStore } from "../../core/store/sqlite/open.ts";
import { cronCore } from "../support/cron-core.ts";
import { Random } from "../support/random.ts";

const EVERY_MS = 200;
const KILLS = 8;
/** Long enough after the last kill that all that was missed is made up for. */
const RUNS_AFTER = 12;

const Job = z.looseObject({ id: z.string(), schedule: z.looseObject({ anchorMs: z.number() }) });
const Runs = z.looseObject({ total: z.number() });

test("a core that is killed again and again runs each due time exactly once", async () => {
  const random = new Random(11);
  await using core = await cronCore({ cron: { missedRuns: "all" } });
  let url = await core.start();
  const job = await added(await core.line(url));
  for (let count = 0; count < KILLS; count += 1) {
    // Not a wait for something to happen: the moment of the kill is what is drawn.
    await setTimeout(100 + random.below(900));
    await core.kill();
    url = await core.start();
  }
  const line = await core.line(url);
  const before = await totalOf(line, job.id);
  while ((await totalOf(line, job.id)) < before + RUNS_AFTER) await setTimeout(50);
  await line.call("cron.update", { id: job.id, patch: { enabled: false } });
  const enough = await totalOf(line, job.id);
  while ((await totalOf(line, job.id)) < enough) await setTimeout(50);
  line[Symbol.dispose]();
  await core.kill();

  await using store = await openSqliteStore({ stateDir: core.dir, now: Date.now });
  const { runs } = await store.cron.runs({ jobId: job.id, limit: 10_000, offset: 0 });
  const { open } = await store.cron.load();
  const due = [...runs.map(({ claim }) => claim.dueMs), ...open.map(({ dueMs }) => dueMs)];
  const sorted = due.toSorted((a, b) => a - b);
  // No gap and none twice: first to last, one of each.
  expect(sorted).toEqual(
    sorted.map((_at, index) => job.schedule.anchorMs + (index + 1) * EVERY_MS),
  );
  expect(sorted.length).toBeGreaterThan(KILLS + RUNS_AFTER);
  // Each asked the agent once, and was answered once.
  for (const { record } of runs) {
    const history = await store.history(record.sessionKey ?? "", 10);
    expect(history.map(({ message }) => message.role)).toEqual(["user", "assistant"]);
  }
}, 120_000);

async function added(line: Awaited<ReturnType<Awaited<ReturnType<typeof cronCore>>["line"]>>) {
  using open = line;
  return Job.parse(
    await open.call("cron.add", {
      name: "tick",
      schedule: { kind: "every", everyMs: EVERY_MS },
      sessionTarget: "isolated",
      wakeMode: "now",
      payload: { kind: "agentTurn", message: "tick" },
      delivery: { mode: "none" },
    }),
  );
}

async function totalOf(
  line: { call: (method: string, params: object) => Promise<unknown> },
  id: string,
) {
  return Runs.parse(await line.call("cron.runs", { id, limit: 1 })).total;
}
