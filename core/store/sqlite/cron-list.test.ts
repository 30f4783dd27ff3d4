import { expect, test } from "vitest";
import { watchedDb } from "../../../test/support/watched-db.ts";
import { Committer } from "./committer.ts";
import { SqliteCron } from "./cron.ts";

const PAGE = { limit: 5, offset: 0 } as const;
const BY_JOB = "SEARCH cron_run USING INDEX cron_run_job (job_id=? AND ended_at>?)";
/** It is left when the page is full. */
const IN_ORDER = "SEARCH cron_run USING INDEX cron_run_ended (ended_at>?)";

test.each([
  [{ jobId: "j" }, BY_JOB],
  [{ jobId: "j", sortDir: "asc" }, BY_JOB],
  [{ jobId: "j", statuses: ["error"], deliveryStatuses: ["delivered"] }, BY_JOB],
  [{ runId: "r" }, "SEARCH cron_run USING INDEX sqlite_autoindex_cron_run_1 (id=?)"],
  [{}, IN_ORDER],
  [{ statuses: ["ok"] }, IN_ORDER],
] as const)("runs of %j are found by an index, and counted in it alone", async (filter, plan) => {
  const { db, database, statements } = watchedDb();
  const cron = new SqliteCron(new Committer(db, (error) => error));
  expect(await cron.runs({ ...PAGE, ...filter })).toEqual({ runs: [], total: 0 });
  const plans = statements
    .filter((statement) => statement.includes("from cron_run"))
    .map((statement) => {
      const steps = database.prepare(`explain query plan ${statement}`).all();
      return steps.map(({ detail }) => String(detail));
    });
  const counted = plan.replace("USING INDEX cron_", "USING COVERING INDEX cron_");
  expect(plans.map(([step]) => step)).toEqual([counted, plan]);
});
