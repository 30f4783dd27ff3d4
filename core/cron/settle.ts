import type { CronClaim } from "../store/cron.ts";
import type { CronJob, CronRunRecord } from "../store/cron-job.ts";
import { type Alert, alertOf } from "./alert.ts";
import { jobEvent, recordOf, runEntry } from "./describe.ts";
import type { JobTable } from "./job-table.ts";
import type { CronParts } from "./parts.ts";
import { type After, afterRun, type Outcome } from "./plan.ts";
import { destinationOf } from "./target.ts";
import { announce, type Executed, NOT_REQUESTED } from "./turn.ts";

/** Name of a job that is not there any more. */
const REMOVED = "removed";

/** Puts down how runs ended, and tells whoever wants to know. */
export class Settler {
  readonly #parts: CronParts;
  readonly #table: JobTable;

  constructor(parts: CronParts, table: JobTable) {
    this.#parts = parts;
    this.#table = table;
  }

  /** Calling it again after it has failed tells nobody twice. */
  async settle(claim: CronClaim, executed: Executed): Promise<void> {
    const { store, clock, log } = this.#parts;
    const endedAt = clock.now();
    const job = this.#table.find(claim.jobId);
    if (job === undefined) {
      await store.cron.finish(claim, recordOf(REMOVED, claim, executed, { endedAt }), undefined);
      return;
    }
    const outcome = outcomeOf(job, executed, endedAt);
    const after = afterRun(job, claim, outcome, this.#table.dueOf(job));
    const kept = await this.#alerted(after, claim, executed, endedAt);
    const facts = { endedAt, nextRunAtMs: kept?.state.nextRunAtMs };
    const record = recordOf(job.definition.name, claim, executed, facts);
    await store.cron.finish(claim, record, kept);
    if (kept === undefined) this.#table.forget(job.id);
    else this.#table.put(kept);
    const { status, durationMs } = record;
    log.info({ job: job.id, status, durationMs }, "a job has run");
    this.#tell(job, { claim, record, isGone: kept === undefined });
  }

  /** Of a job that is gone. */
  async orphan(claim: CronClaim): Promise<void> {
    const { store, clock } = this.#parts;
    const gone = {
      status: "skipped",
      error: "the job was removed",
      delivery: NOT_REQUESTED,
    } as const;
    const record = recordOf(REMOVED, claim, gone, { endedAt: clock.now() });
    await store.cron.finish(claim, record, undefined);
  }

  #tell(
    job: CronJob,
    { claim, record, isGone }: { claim: CronClaim; record: CronRunRecord; isGone: boolean },
  ): void {
    const { publish, happened } = this.#parts;
    publish("cron", runEntry(job.id, claim, record));
    if (isGone) publish("cron", jobEvent(job, "removed"));
    const { name, payload } = job.definition;
    if (payload.kind === "heartbeat") return;
    const { status, summary = "", error = "" } = record;
    happened({
      event: status === "error" ? "cron:failed" : "cron:finished",
      facts: { jobId: job.id, name, runId: claim.id, status, text: summary, error },
    });
  }

  /** What is kept of the job, with when an alert was sent. */
  async #alerted(
    { job, again }: After,
    claim: CronClaim,
    executed: Executed,
    now: number,
  ): Promise<CronJob | undefined> {
    if (job === undefined || again) return job;
    const alert = alertOf(job, executed, this.#parts.settings().config.cron, now);
    if (alert === undefined) return job;
    await this.#alert(job, claim, alert);
    return { ...job, state: { ...job.state, lastFailureAlertAtMs: now } };
  }

  /** By an id of its own: told once, however often a process dies before the run is put down. */
  async #alert(job: CronJob, claim: CronClaim, { wish, text }: Alert): Promise<void> {
    const { routes, log } = this.#parts;
    const destination = await destinationOf(wish, routes);
    if (destination.kind === "route") {
      await announce(this.#parts, `${claim.id}:alert`, destination.route, text);
    } else {
      log.warn({ job: job.id }, "a job fails, and there is nobody to tell");
    }
  }
}

function outcomeOf(job: CronJob, executed: Executed, endedAt: number): Outcome {
  const { status, error, code, delivery } = executed;
  const { suppressed, status: deliveryStatus, error: deliveryError } = delivery;
  const isRequired = job.definition.delivery?.bestEffort !== true && suppressed === undefined;
  const undelivered = isRequired && deliveryStatus === "not-delivered";
  return { status, error, code, endedAt, deliveryStatus, deliveryError, undelivered };
}
