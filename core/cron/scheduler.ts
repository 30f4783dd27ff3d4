/**
 * Runs jobs when they are due, each due time once.
 *
 * What is due is decided by `plan.ts`; a due time is taken up in one transaction with moving its job
 * on, and the id of the run is made of both, so that a process that is killed at any moment, or one
 * that takes over, goes on with the same run. Only the core that leads has a scheduler.
 */
import { backoffMs } from "../../shared/backoff.ts";
import type { CronClaim } from "../store/cron.ts";
import type { CronDefinition, CronJob, MissedRuns } from "../store/cron-job.ts";
import { Heartbeats } from "./beat.ts";
import { JobDesk } from "./desk.ts";
import { Executor } from "./execute.ts";
import { heartbeatJobs } from "./heartbeat-jobs.ts";
import { JobTable } from "./job-table.ts";
import type { CronParts, CronSettings } from "./parts.ts";
import { claimId, reckoned, stepOf } from "./plan.ts";
import { Settler } from "./settle.ts";

/** A clock that was set, or a config that has changed, is noticed within this. */
const LOOK_MS = 1_000;

interface Running {
  readonly claim: CronClaim;
  readonly done: Promise<void>;
}

export class Scheduler {
  readonly heartbeats: Heartbeats;
  readonly #parts: CronParts;
  readonly #executor: Executor;
  readonly #table: JobTable;
  readonly #desk: JobDesk;
  readonly #settler: Settler;
  /** By job: one run of each at a time. */
  readonly #running = new Map<string, Running>();
  readonly #stop = new AbortController();
  #wake = new AbortController();
  #loaded: Promise<void> | undefined;
  /** The settings that heartbeats were made by. */
  #seen: CronSettings | undefined;
  #lastManualAt = 0;
  /** False: heartbeats were switched off until the next start. */
  #beats = true;

  constructor(parts: CronParts) {
    this.#parts = parts;
    this.heartbeats = new Heartbeats(parts);
    this.#executor = new Executor(parts, this.heartbeats);
    this.#table = new JobTable(parts.store.cron, parts.hostZone);
    this.#desk = new JobDesk(parts, this.#table);
    this.#settler = new Settler(parts, this.#table);
  }

  /** Looks at the clock until `signal` aborts; then settles when what it has begun is put down. */
  async run(signal: AbortSignal): Promise<void> {
    const end = (): void => {
      this.#stop.abort();
      this.#wake.abort();
    };
    signal.addEventListener("abort", end, { once: true });
    if (signal.aborted) end();
    let faults = 0;
    while (!this.#stop.signal.aborted) {
      this.#wake = new AbortController();
      let waitMs = LOOK_MS;
      try {
        await this.#load();
        await this.#table.alone(() => this.#tick());
        waitMs = this.#untilNextMs();
        faults = 0;
      } catch (error) {
        if (this.#stop.signal.aborted) break;
        // The disk is full, or the store is about to close: the next look may go better.
        this.#parts.log.error({ err: error }, "the scheduler could not look at its jobs");
        waitMs = LOOK_MS + backoffMs(Math.min(faults, 5), () => 1, { baseMs: LOOK_MS });
        faults += 1;
      }
      await this.#parts.clock.wait(waitMs, this.#wake.signal);
    }
    signal.removeEventListener("abort", end);
    await Promise.allSettled(this.#running.values().map(({ done }) => done));
  }

  /** All jobs, oldest first. */
  async jobs(): Promise<readonly CronJob[]> {
    await this.#change(() => this.#follow());
    return this.#table.all();
  }

  async find(id: string): Promise<CronJob | undefined> {
    await this.#load();
    return this.#table.find(id);
  }

  /** Whether jobs are run at all. */
  get enabled(): boolean {
    return this.#parts.settings().config.cron.enabled;
  }

  /** As `JobDesk`. */
  add(id: string, definition: CronDefinition): Promise<CronJob> {
    return this.#change(() => this.#desk.add(id, definition));
  }

  /** As `JobDesk`. */
  update(id: string, change: (job: CronJob) => CronDefinition): Promise<CronJob | undefined> {
    return this.#change(() => this.#desk.update(id, change));
  }

  /** As `JobDesk`. */
  remove(id: string): Promise<boolean> {
    return this.#change(() => this.#desk.remove(id));
  }

  /**
   * Runs a job now, apart from its schedule.
   *
   * @returns The id of the run; undefined: it runs already.
   */
  runNow(job: CronJob): Promise<string | undefined> {
    return this.#change(async () => {
      if (this.#running.has(job.id)) return undefined;
      const now = this.#parts.clock.now();
      this.#lastManualAt = Math.max(now, this.#lastManualAt + 1);
      const claim: CronClaim = {
        id: `${claimId(job.id, this.#lastManualAt, 1)}:manual`,
        jobId: job.id,
        dueMs: now,
        attempt: 1,
        trigger: "manual",
        claimedAt: now,
      };
      await this.#claim({ ...job, state: { ...job.state, runningAtMs: now } }, claim);
      return claim.id;
    });
  }

  /** Takes up what is due. @returns The id of the run of `job`, if there is one now. */
  runDue(job: CronJob): Promise<string | undefined> {
    return this.#change(async () => {
      await this.#tick();
      return this.#running.get(job.id)?.claim.id;
    });
  }

  /** Switches heartbeats until the next start. */
  setHeartbeats(enabled: boolean): Promise<void> {
    return this.#change(async () => {
      this.#beats = enabled;
      this.#seen = undefined;
      await this.#follow();
    });
  }

  /** Has the agent read what waits for its session. */
  wakeAgent(agentId: string, sessionKey: string): void {
    this.heartbeats.wake(agentId, sessionKey, this.#stop.signal).catch((error: unknown) => {
      if (!this.#stop.signal.aborted) this.#parts.log.error({ err: error }, "a wake-up failed");
    });
  }

  /** Reads the jobs, once, and goes on with what an earlier process has begun. */
  #load(): Promise<void> {
    this.#loaded ??= this.#restore().catch((error: unknown) => {
      this.#loaded = undefined;
      throw error;
    });
    return this.#loaded;
  }

  async #restore(): Promise<void> {
    const { jobs, open } = await this.#parts.store.cron.load();
    for (const job of jobs) this.#table.put(job);
    const now = this.#parts.clock.now();
    for (const job of jobs) {
      const nextRunAtMs = reckoned(job, this.#table.dueOf(job), now);
      if (nextRunAtMs === job.state.nextRunAtMs) continue;
      await this.#table.save({ ...job, state: { ...job.state, nextRunAtMs } });
    }
    for (const claim of open) {
      const job = this.#table.find(claim.jobId);
      if (job === undefined) await this.#settler.orphan(claim);
      else this.#begin(job, claim);
    }
  }

  /** Takes up what is due. */
  async #tick(): Promise<void> {
    await this.#follow();
    const { cron } = this.#parts.settings().config;
    if (!cron.enabled || this.#isHeld) return;
    const now = this.#parts.clock.now();
    const due = this.#table
      .all()
      .filter(({ id, state }) => (state.nextRunAtMs ?? Infinity) <= now && !this.#running.has(id))
      .toSorted((a, b) => (a.state.nextRunAtMs ?? 0) - (b.state.nextRunAtMs ?? 0));
    for (const job of due) {
      if (this.#stop.signal.aborted || this.#running.size >= cron.maxConcurrentRuns) break;
      const step = stepOf(job, this.#table.dueOf(job), now, missedOf(job, cron));
      if (step.do === "nothing") continue;
      const moved = { ...job, state: step.state };
      if (step.do === "move") await this.#table.save(moved);
      else await this.#claim(moved, step.claim);
    }
    this.#watchClock(now);
  }

  /** Of a clock that was set back: due times that it had reckoned ahead. */
  #watchClock(now: number): void {
    for (const job of this.#table.all()) {
      const nextRunAtMs = reckoned(job, this.#table.dueOf(job), now);
      if (nextRunAtMs === job.state.nextRunAtMs) continue;
      // Kept with its next claim: until then every process reckons the same.
      this.#table.put({ ...job, state: { ...job.state, nextRunAtMs } });
    }
  }

  async #claim(job: CronJob, claim: CronClaim): Promise<void> {
    const fresh = await this.#parts.store.cron.claim(claim, job);
    if (fresh) {
      this.#table.put(job);
      this.#begin(job, claim);
      return;
    }
    // It has run before, by a clock that was set back since: only the job moves on.
    this.#table.put({ ...job, state: { ...job.state, runningAtMs: undefined } });
  }

  #begin(job: CronJob, claim: CronClaim): void {
    const { log, publish } = this.#parts;
    const { id: runId, claimedAt: runAtMs } = claim;
    publish("cron", { jobId: job.id, action: "started", runId, runAtMs });
    const done = this.#execute(job, claim).catch((error: unknown) => {
      if (!this.#stop.signal.aborted) log.error({ err: error, job: job.id }, "a run was left open");
    });
    this.#running.set(job.id, { claim, done });
  }

  async #execute(job: CronJob, claim: CronClaim): Promise<void> {
    const { signal } = this.#stop;
    const executed = await this.#executor.run(job, claim, signal);
    // Left open: the next process goes on with it.
    if (executed === undefined) return;
    for (let fault = 0; ; fault += 1) {
      try {
        await this.#table.alone(() => this.#settler.settle(claim, executed));
        break;
      } catch (error) {
        if (signal.aborted) return;
        this.#parts.log.error({ err: error, job: job.id }, "the end of a run could not be kept");
        await this.#parts.clock.wait(
          backoffMs(Math.min(fault, 5), () => 1),
          signal,
        );
      }
    }
    this.#running.delete(job.id);
    this.#wake.abort();
  }

  /** Makes heartbeat jobs what the settings say, when these have changed. */
  async #follow(): Promise<void> {
    const settings = this.#parts.settings();
    if (settings === this.#seen) return;
    const now = this.#parts.clock.now();
    for (const { id, definition } of heartbeatJobs(settings, this.#table.all(), this.#beats)) {
      if (definition === undefined) {
        await this.#table.remove(id);
        continue;
      }
      const base = this.#table.find(id) ?? { id, createdAtMs: now, state: {} };
      const nextRunAtMs = this.#table.first(id, definition, now);
      const state = { ...base.state, nextRunAtMs };
      await this.#table.save({ ...base, updatedAtMs: now, definition, state });
    }
    this.#seen = settings;
  }

  #untilNextMs(): number {
    const { cron } = this.#parts.settings().config;
    const isFull = this.#running.size >= cron.maxConcurrentRuns;
    if (!cron.enabled || this.#isHeld || isFull) return LOOK_MS;
    const now = this.#parts.clock.now();
    return this.#table
      .all()
      .filter(({ id, definition }) => definition.enabled && !this.#running.has(id))
      .map(({ state }) => Math.max(0, (state.nextRunAtMs ?? Infinity) - now))
      .reduce((least, ms) => Math.min(least, ms), LOOK_MS);
  }

  get #isHeld(): boolean {
    return this.#parts.mayBegin?.() === false;
  }

  async #change<T>(work: () => Promise<T>): Promise<T> {
    await this.#load();
    const value = await this.#table.alone(work);
    this.#wake.abort();
    return value;
  }
}

function missedOf({ definition }: CronJob, cron: CronSettings["config"]["cron"]): MissedRuns {
  const inherited = cron.missedRuns ?? (cron.skipMissedJobs === true ? "skip" : "once");
  return definition.missedRuns ?? inherited;
}
