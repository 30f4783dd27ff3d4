import type { Logger } from "pino";
import type { Clock } from "../channels/clock.ts";
import type { Settings } from "../config/settings.ts";
import type { Notice } from "../conversation/engine.ts";
import type { Runs } from "../conversation/run.ts";
import type { Store } from "../store/store.ts";
import type { SystemEvents } from "./system-events.ts";
import type { Routes } from "./target.ts";

/** What of the settings the scheduler reads, for every look at the clock. */
export type CronSettings = Pick<Settings, "config" | "agents">;

/** What hooks may be told of a run. */
export interface Happening {
  readonly event: string;
  readonly facts: Readonly<Record<string, string>>;
}

export interface CronParts {
  readonly store: Pick<Store, "cron" | "get" | "set">;
  readonly runs: Pick<Runs, "start" | "wait" | "active">;
  readonly tell: (notice: Notice) => Promise<unknown>;
  readonly events: SystemEvents;
  readonly routes: Routes;
  readonly settings: () => CronSettings;
  /** Tells clients. */
  readonly publish: (event: "cron" | "heartbeat", payload: unknown) => void;
  /** False while no job may be begun; what comes due meanwhile was missed. Undefined: always. */
  readonly mayBegin?: (() => boolean) | undefined;
  /** Tells hooks. */
  readonly happened: (happening: Happening) => void;
  /** `HEARTBEAT.md` of a workspace; empty: there is none. */
  readonly checklist: (workspace: string) => Promise<string>;
  /** IANA zone of this machine. */
  readonly hostZone: string;
  readonly clock: Clock;
  readonly log: Logger;
}
