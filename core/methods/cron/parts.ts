import type { Scheduler } from "../../cron/scheduler.ts";
import type { Routes } from "../../cron/target.ts";
import type { CronStore } from "../../store/cron.ts";

export interface CronMethodParts {
  /** Made when the first method needs it. */
  readonly scheduler: () => Promise<Scheduler>;
  readonly store: CronStore;
  readonly routes: Routes;
  /** Ids of agents, the default one first. */
  readonly agents: () => readonly string[];
  /** File that holds the jobs, for people. */
  readonly storePath: string;
  readonly now: () => number;
  /** A UUID. */
  readonly newId: () => string;
}
