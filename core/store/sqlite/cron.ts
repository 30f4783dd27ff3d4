import { CRON_LIMITS } from "../limits.ts";
import type { CronClaim, CronRunFilter, CronRunPage, CronStore } from "../cron.ts";
import { CronJob, CronRunRecord, type CronScratch } from "../cron-job.ts";
import type { Committer } from "./committer.ts";
import { type Db, integerOf, type Row, textOf, textOrNull, type Values } from "./db.ts";

const JOBS = "select job from cron_job order by seq";
const OPEN = `
  select id, job_id, due_at, attempt, origin, claimed_at from cron_run
  where ended_at is null order by seq`;
const SAVE = `
  insert into cron_job (id, job) values (:id, :job)
  on conflict (id) do update set job = excluded.job`;
const REMOVE = "delete from cron_job where id = :id returning id";
const DROP_SCRATCH = "delete from cron_scratch where job_id = :id";
const CLAIM = `
  insert into cron_run (id, job_id, due_at, attempt, origin, claimed_at)
  values (:id, :job, :due, :attempt, :origin, :at)
  on conflict (id) do nothing
  returning id`;
const FINISH = `
  update cron_run
  set ended_at = :at, status = :status, delivery = :delivery, record = :record
  where id = :id and ended_at is null
  returning id`;

/** What is asked of runs, and how. A query is compared as it is, whatever it holds. */
const CONDITIONS = {
  job: "job_id = :job",
  run: "id = :run",
  statuses: "instr(:statuses, ',' || status || ',') > 0",
  deliveries: "instr(:deliveries, ',' || delivery || ',') > 0",
  query: "instr(lower(record), :query) > 0",
} as const;

/** The statements for one kind of filter. Values are bound, never written in. */
function statementsOf(filter: CronRunFilter): {
  readonly runs: string;
  readonly count: string;
  readonly values: Values;
} {
  const asked = {
    job: filter.jobId,
    run: filter.runId,
    statuses: listed(filter.statuses),
    deliveries: listed(filter.deliveryStatuses),
    query: filter.query?.toLowerCase() || undefined,
  };
  const parts = Object.entries(asked).flatMap(([name, value]) =>
    value === undefined ? [] : [{ name, value }],
  );
  const conditions = Object.entries(CONDITIONS).flatMap(([name, condition]) =>
    parts.some((part) => part.name === name) ? [`and ${condition}`] : [],
  );
  const from = `from cron_run where ended_at is not null ${conditions.join(" ")}`;
  const order = filter.sortDir === "asc" ? "asc" : "desc";
  return {
    runs: `
      select id, job_id, due_at, attempt, origin, claimed_at, record ${from}
      order by ended_at ${order}, seq ${order} limit :limit offset :offset`,
    count: `select count(*) as total ${from}`,
    values: Object.fromEntries(parts.map(({ name, value }) => [name, value])),
  };
}

const TOO_MANY = `
  delete from cron_run where seq in (
    select seq from cron_run where job_id = :job and ended_at is not null
    order by ended_at desc, seq desc limit :batch offset :keep
  )`;
const TOO_OLD = `
  delete from cron_run where seq in (
    select seq from cron_run where ended_at is not null and ended_at < :before
    order by ended_at limit :batch
  )`;

const SCRATCH = "select content, revision, updated_at from cron_scratch where job_id = :id";
const SET_SCRATCH = `
  insert into cron_scratch (job_id, content, revision, updated_at) values (:id, :content, 1, :at)
  on conflict (job_id) do update set
    content = excluded.content, revision = cron_scratch.revision + 1, updated_at = excluded.updated_at
  returning revision`;

/** Deleted by one look at what is old. */
const BATCH = 500;

/** The port, in SQL. */
export class SqliteCron implements CronStore {
  readonly #committer: Committer;

  constructor(committer: Committer) {
    this.#committer = committer;
  }

  load(): Promise<{ jobs: CronJob[]; open: CronClaim[] }> {
    return this.#committer.run((db) => ({
      jobs: db.all(JOBS).map((row) => CronJob.parse(JSON.parse(textOf(row, "job")))),
      open: db.all(OPEN).map(claimOf),
    }));
  }

  save(job: CronJob): Promise<void> {
    return this.#committer.run((db) => save(db, job));
  }

  remove(jobId: string): Promise<boolean> {
    return this.#committer.run((db) => remove(db, jobId));
  }

  claim(claim: CronClaim, job: CronJob): Promise<boolean> {
    return this.#committer.run((db) => {
      const row = db.first(CLAIM, {
        id: claim.id,
        job: claim.jobId,
        due: claim.dueMs,
        attempt: claim.attempt,
        origin: claim.trigger,
        at: claim.claimedAt,
      });
      save(db, job);
      return row !== undefined;
    });
  }

  finish(claim: CronClaim, record: CronRunRecord, job: CronJob | undefined): Promise<void> {
    return this.#committer.run((db) => {
      const ended = db.first(FINISH, {
        id: claim.id,
        at: record.ts,
        status: record.status,
        delivery: record.deliveryStatus,
        record: JSON.stringify(record),
      });
      if (ended === undefined) throw new RangeError(`the run ${claim.id} is not open`);
      if (job === undefined) remove(db, claim.jobId);
      else save(db, job);
      db.run(TOO_MANY, { job: claim.jobId, keep: CRON_LIMITS.runsPerJob, batch: BATCH });
      db.run(TOO_OLD, { before: record.ts - CRON_LIMITS.runsMs, batch: BATCH });
    });
  }

  runs(filter: CronRunFilter): Promise<CronRunPage> {
    const { runs, count, values } = statementsOf(filter);
    const page = { limit: filter.limit, offset: filter.offset };
    return this.#committer.run((db) => ({
      total: integerOf(db.first(count, values) ?? {}, "total"),
      runs: db.all(runs, { ...values, ...page }).map((row) => ({
        claim: claimOf(row),
        record: CronRunRecord.parse(JSON.parse(textOf(row, "record"))),
      })),
    }));
  }

  scratch(jobId: string): Promise<CronScratch | undefined> {
    return this.#committer.run((db) => {
      const row = db.first(SCRATCH, { id: jobId });
      if (row === undefined) return undefined;
      return {
        content: textOrNull(row, "content") ?? undefined,
        revision: integerOf(row, "revision"),
        updatedAtMs: integerOf(row, "updated_at"),
      };
    });
  }

  setScratch(jobId: string, content: string | undefined, now: number): Promise<number> {
    return this.#committer.run((db) => {
      const values = { id: jobId, content: content ?? null, at: Math.trunc(now) };
      return integerOf(db.first(SET_SCRATCH, values) ?? {}, "revision");
    });
  }
}

function save(db: Db, job: CronJob): void {
  db.run(SAVE, { id: job.id, job: JSON.stringify(job) });
}

function remove(db: Db, id: string): boolean {
  db.run(DROP_SCRATCH, { id });
  return db.first(REMOVE, { id }) !== undefined;
}

/** `,one,two,`; undefined: whatever. */
function listed(words: readonly string[] = []): string | undefined {
  return words.length === 0 ? undefined : `,${words.join(",")},`;
}

function claimOf(row: Row): CronClaim {
  return {
    id: textOf(row, "id"),
    jobId: textOf(row, "job_id"),
    dueMs: integerOf(row, "due_at"),
    attempt: integerOf(row, "attempt"),
    trigger: textOf(row, "origin") === "manual" ? "manual" : "schedule",
    claimedAt: integerOf(row, "claimed_at"),
  };
}
