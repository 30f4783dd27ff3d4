import { GatewayError } from "../../shared/errors.ts";
import type { CronStore } from "../store/cron.ts";
import type { CronDefinition, CronJob, CronSchedule } from "../store/cron-job.ts";
import { type DueTimes, dueTimes, firstDue } from "./schedule.ts";

/** For a schedule that cannot be read any more, since its zone is gone from the system. */
const NEVER: DueTimes = { next: () => undefined, latest: () => undefined };

/** The jobs as they are kept, and in memory the same: who leads is the only one that changes them. */
export class JobTable {
  readonly #store: CronStore;
  readonly #hostZone: string;
  readonly #jobs = new Map<string, CronJob>();
  readonly #due = new Map<string, { readonly of: CronSchedule; readonly due: DueTimes }>();
  #last: Promise<unknown> = Promise.resolve();

  constructor(store: CronStore, hostZone: string) {
    this.#store = store;
    this.#hostZone = hostZone;
  }

  /** Oldest first. */
  all(): readonly CronJob[] {
    return [...this.#jobs.values()];
  }

  find(id: string): CronJob | undefined {
    return this.#jobs.get(id);
  }

  /** Does one change after another: each sees what the one before has made. */
  alone<T>(work: () => Promise<T>): Promise<T> {
    const mine = this.#last.then(work, work);
    this.#last = mine.catch(() => undefined); // whoever asked is told
    return mine;
  }

  async save(job: CronJob): Promise<void> {
    await this.#store.save(job);
    this.#jobs.set(job.id, job);
  }

  async remove(id: string): Promise<boolean> {
    const removed = await this.#store.remove(id);
    this.forget(id);
    return removed;
  }

  /** Of a job that is kept this way already. */
  put(job: CronJob): void {
    this.#jobs.set(job.id, job);
  }

  /** Of a job that is removed already. */
  forget(id: string): void {
    this.#jobs.delete(id);
    this.#due.delete(id);
  }

  dueOf({ id, definition: { schedule } }: CronJob): DueTimes {
    const known = this.#due.get(id);
    if (known?.of === schedule) return known.due;
    const made = dueTimes(schedule, id, this.#hostZone);
    const due = made.ok ? made.value : NEVER;
    this.#due.set(id, { of: schedule, due });
    return due;
  }

  /**
   * When a job with this definition is due first; undefined: it is disabled.
   *
   * @throws GatewayError invalid_request for one that never is.
   */
  first(id: string, { schedule, enabled }: CronDefinition, now: number): number | undefined {
    const first = firstDue(schedule, id, { now, hostZone: this.#hostZone });
    if (first.ok) return enabled ? first.value : undefined;
    if (!enabled && first.error.reason === "never") return undefined;
    throw new GatewayError("invalid_request", first.error.message);
  }
}
