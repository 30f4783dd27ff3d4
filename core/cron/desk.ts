import { GatewayError } from "../../shared/errors.ts";
import type { CronDefinition, CronJob, CronState } from "../store/cron-job.ts";
import { jobEvent } from "./describe.ts";
import type { JobTable } from "./job-table.ts";
import type { CronParts } from "./parts.ts";

/** Jobs one gateway keeps: all of them are in memory, and looked through every second. */
export const MAX_JOBS = 1_000;

/** Changes jobs for people. Whoever schedules them looks again after each. */
export class JobDesk {
  readonly #parts: Pick<CronParts, "clock" | "publish">;
  readonly #table: JobTable;

  constructor(parts: Pick<CronParts, "clock" | "publish">, table: JobTable) {
    this.#parts = parts;
    this.#table = table;
  }

  /**
   * @throws GatewayError invalid_request for a schedule that is never due, overloaded for one job
   *   too many.
   */
  async add(id: string, definition: CronDefinition): Promise<CronJob> {
    if (this.#table.all().length >= MAX_JOBS) {
      throw new GatewayError("overloaded", `there are ${MAX_JOBS} jobs already: remove some`);
    }
    const now = this.#parts.clock.now();
    const state: CronState = { nextRunAtMs: this.#table.first(id, definition, now) };
    const job: CronJob = { id, createdAtMs: now, updatedAtMs: now, definition, state };
    await this.#table.save(job);
    this.#parts.publish("cron", jobEvent(job, "added"));
    return job;
  }

  /**
   * @param change - Makes of what a job is what it shall be.
   * @returns Undefined: there is no such job.
   * @throws GatewayError as `add`, and what `change` throws.
   */
  async update(id: string, change: (job: CronJob) => CronDefinition): Promise<CronJob | undefined> {
    const job = this.#table.find(id);
    if (job === undefined) return undefined;
    const definition = change(job);
    const updatedAtMs = this.#parts.clock.now();
    const state = this.#stateAfter(job, definition);
    const fresh = { ...job, definition, updatedAtMs, state };
    await this.#table.save(fresh);
    this.#parts.publish("cron", jobEvent(fresh, "updated"));
    return fresh;
  }

  /** @returns False: there is no such job. */
  async remove(id: string): Promise<boolean> {
    const job = this.#table.find(id);
    const removed = await this.#table.remove(id);
    if (job !== undefined) this.#parts.publish("cron", jobEvent(job, "removed"));
    return removed;
  }

  /** With another schedule it is due by that; otherwise when it was. */
  #stateAfter({ id, definition: before, state }: CronJob, definition: CronDefinition): CronState {
    const isSame = JSON.stringify(before.schedule) === JSON.stringify(definition.schedule);
    if (isSame && before.enabled === definition.enabled) return state;
    const { retry: _retry, nextRunAtMs: _next, ...kept } = state;
    const again = before.enabled ? {} : { consecutiveErrors: 0, consecutiveSkipped: 0 };
    const now = this.#parts.clock.now();
    return { ...kept, ...again, nextRunAtMs: this.#table.first(id, definition, now) };
  }
}
