import { describe, expect, test } from "vitest";
import type { CronClaim } from "../../../core/store/cron.ts";
import type { CronJob, CronRunRecord } from "../../../core/store/cron-job.ts";
import { CRON_LIMITS } from "../../../core/store/limits.ts";
import { NOW, type StoreMaker, world } from "./world.ts";

function job(id: string, state: CronJob["state"] = {}): CronJob {
  return {
    id,
    createdAtMs: NOW,
    updatedAtMs: NOW,
    definition: {
      name: `job ${id}`,
      enabled: true,
      schedule: { kind: "every", everyMs: 60_000, anchorMs: NOW },
      sessionTarget: "isolated",
      wakeMode: "now",
      payload: { kind: "agentTurn", message: "hello 🦊" },
    },
    state,
  };
}

function claim(jobId: string, dueMs: number): CronClaim {
  const id = `cron:${jobId}:${dueMs}`;
  return { id, jobId, dueMs, attempt: 1, trigger: "schedule", claimedAt: dueMs + 5 };
}

function record(ts: number, more: Partial<CronRunRecord> = {}): CronRunRecord {
  return {
    ts,
    status: "ok",
    completionStatus: "succeeded",
    deliveryStatus: "not-requested",
    runAtMs: ts - 10,
    durationMs: 10,
    jobName: "job",
    ...more,
  };
}

export function describeCron(make: StoreMaker): void {
  describe("jobs of the scheduler", () => {
    test("jobs come back as they were saved last, in the order they were made", async () => {
      await using w = await world(make);
      await w.store.cron.save(job("b"));
      await w.store.cron.save(job("a"));
      await w.store.cron.save(job("b", { nextRunAtMs: NOW + 1 }));
      await w.reopen();
      const { jobs, open } = await w.store.cron.load();
      expect(jobs).toEqual([job("b", { nextRunAtMs: NOW + 1 }), job("a")]);
      expect(open).toEqual([]);
      expect(await w.store.cron.remove("b")).toBe(true);
      expect(await w.store.cron.remove("b")).toBe(false);
      expect((await w.store.cron.load()).jobs).toEqual([job("a")]);
    });

    test("a due time is taken up once, whoever asks, and the job moves on each time", async () => {
      await using w = await world(make);
      await w.store.cron.save(job("a"));
      const moved = job("a", { nextRunAtMs: NOW + 60_000 });
      const claims = await Promise.all(
        Array.from({ length: 5 }, () => w.store.cron.claim(claim("a", NOW), moved)),
      );
      expect(claims.filter(Boolean)).toHaveLength(1);
      await w.reopen();
      expect(await w.store.cron.load()).toEqual({ jobs: [moved], open: [claim("a", NOW)] });
      expect(await w.store.cron.claim(claim("a", NOW), moved)).toBe(false);
    });

    test("a due time whose run has ended is not taken up again", async () => {
      await using w = await world(make);
      const one = claim("a", NOW);
      await w.store.cron.claim(one, job("a"));
      await w.store.cron.finish(one, record(NOW + 10), job("a", { lastStatus: "ok" }));
      expect(await w.store.cron.claim(one, job("a", { lastStatus: "ok" }))).toBe(false);
      expect((await w.store.cron.load()).open).toEqual([]);
      await expect(w.store.cron.finish(one, record(NOW + 20), job("a"))).rejects.toThrow(
        RangeError,
      );
    });

    test("a job goes with its last run, and its history stays", async () => {
      await using w = await world(make);
      const one = claim("a", NOW);
      await w.store.cron.claim(one, job("a"));
      await w.store.cron.setScratch("a", "notes", NOW);
      await w.store.cron.finish(one, record(NOW + 10), undefined);
      expect((await w.store.cron.load()).jobs).toEqual([]);
      expect(await w.store.cron.scratch("a")).toBeUndefined();
      expect(await w.store.cron.runs({ jobId: "a", limit: 9, offset: 0 })).toEqual({
        total: 1,
        runs: [{ claim: one, record: record(NOW + 10) }],
      });
    });

    test("runs are found by job, status, delivery and words, newest first or last", async () => {
      await using w = await world(make);
      for (let number = 1; number <= 6; number += 1) {
        const one = claim(number % 2 === 0 ? "even" : "odd", NOW + number);
        await w.store.cron.claim(one, job(one.jobId));
        const failed = number === 4 ? ({ status: "error", error: "It 100% Broke" } as const) : {};
        const told = number === 5 ? ({ deliveryStatus: "delivered" } as const) : {};
        await w.store.cron.finish(
          one,
          record(NOW + number, { ...failed, ...told }),
          job(one.jobId),
        );
      }
      const due = async (filter: object): Promise<number[]> => {
        const { runs } = await w.store.cron.runs({ limit: 9, offset: 0, ...filter });
        return runs.map(({ claim: { dueMs } }) => dueMs - NOW);
      };
      expect(await due({})).toEqual([6, 5, 4, 3, 2, 1]);
      expect(await due({ jobId: "odd" })).toEqual([5, 3, 1]);
      expect(await due({ jobId: "odd", sortDir: "asc" })).toEqual([1, 3, 5]);
      expect(await due({ limit: 2, offset: 1 })).toEqual([5, 4]);
      expect(await due({ statuses: ["error"] })).toEqual([4]);
      expect(await due({ statuses: ["ok", "skipped"] })).toEqual([6, 5, 3, 2, 1]);
      expect(await due({ deliveryStatuses: ["delivered", "unknown"] })).toEqual([5]);
      expect(await due({ query: "100% broke" })).toEqual([4]);
      expect(await due({ query: "%" })).toEqual([4]);
      expect(await due({ runId: `cron:even:${NOW + 2}` })).toEqual([2]);
    });

    test("history is bounded by age and for each job by number", async () => {
      await using w = await world(make);
      const keep = CRON_LIMITS.runsPerJob;
      for (let number = 0; number < keep + 30; number += 1) {
        const one = claim("a", NOW + number);
        await Promise.all([
          w.store.cron.claim(one, job("a")),
          w.store.cron.finish(one, record(NOW + number), job("a")),
        ]);
      }
      const counted = await w.store.cron.runs({ limit: 1, offset: 0 });
      expect(counted.total).toBe(keep);
      const late = claim("b", NOW + CRON_LIMITS.runsMs * 2);
      await w.store.cron.claim(late, job("b"));
      for (let round = 0; round < 5; round += 1) {
        const one = claim("b", late.dueMs + round + 1);
        await w.store.cron.claim(one, job("b"));
        await w.store.cron.finish(one, record(one.dueMs), job("b"));
      }
      expect((await w.store.cron.runs({ jobId: "a", limit: 1, offset: 0 })).total).toBe(0);
    });

    test("scratch counts its changes", async () => {
      await using w = await world(make);
      expect(await w.store.cron.setScratch("a", "one", NOW)).toBe(1);
      expect(await w.store.cron.setScratch("a", undefined, NOW + 1)).toBe(2);
      await w.reopen();
      expect(await w.store.cron.scratch("a")).toEqual({
        content: undefined,
        revision: 2,
        updatedAtMs: NOW + 1,
      });
    });
  });
}
