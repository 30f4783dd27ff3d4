import type { Logger } from "pino";
import type { Settings } from "../../config/settings.ts";
import type { EndedRuns } from "../../conversation/ended-runs.ts";
import type { Life } from "../../methods/system/life.ts";
import type { PresenceRegistry } from "../../methods/system/presence.ts";
import type { Stability } from "../../methods/system/stability.ts";
import type { Suspension } from "../../methods/system/suspension.ts";
import type { ResumeSessions } from "../../resume/sessions.ts";
import type { Store } from "../../store/store.ts";
import type { Tunnel } from "../../tunnel/handlers.ts";
import type { Connections } from "../rpc/connections.ts";
import type { Prepared } from "./prepared.ts";
import type { ConfigRefusal } from "./reload.ts";
import type { PendingRestart, RestartOrder } from "./restarts.ts";

/** What a leader is made of: what outlives it, and whom it may ask. */
export interface LeaderParts {
  readonly settings: Settings;
  readonly prepared: Prepared;
  readonly version: string;
  readonly startedAt: number;
  readonly store: Store;
  /** Undefined: no edge is configured, or it is not dialled yet. */
  readonly tunnel: () => Tunnel | undefined;
  /** All clients, for as long as the process lives: this leader serves them from now on. */
  readonly connections: Connections;
  /** Of the edge only: on our own port there is no relay that could be lost. */
  readonly resumed: ResumeSessions;
  /** Who is there, whoever leads. */
  readonly presence: PresenceRegistry;
  /** How runs ended that are kept nowhere else, whoever led. */
  readonly endedRuns: EndedRuns;
  /** Of this process, and of those before it. */
  readonly life: Life;
  readonly stability: Stability;
  /** Goes on whoever leads, until it is over. */
  readonly suspension: Suspension;
  /** Has the gateway begin anew within the process, as soon as it may. */
  readonly restart: (order: RestartOrder) => void;
  /** The restart that is to come; undefined: there is none. */
  readonly pendingRestart: () => PendingRestart | undefined;
  /** The log file of this moment; undefined: there is none. */
  readonly logFile: () => string | undefined;
  /** Of our own port. */
  readonly port: () => number;
  /** Looks at the config and takes over what has changed there. */
  readonly reload: () => Promise<void>;
  /** Why the config as it is written does not run; undefined: it does. */
  readonly configRefusal: () => ConfigRefusal | undefined;
  /** Tells clients that the config was written; its hash as it is now. */
  readonly announce: (hash: string) => void;
  readonly log: Logger;
}
