/** A restart that is to come, as clients are told of it. */

/** The reason of one that takes over what the config says by now; withdrawn when that is as it was. */
export const CONFIG_CHANGED = "the config has changed";

/** What is known of it. Times in Unix ms. */
export interface RestartFacts {
  readonly reasons: readonly string[];
  readonly since: number;
  /** By then it begins, whatever goes on; undefined: it waits as long as it takes. */
  readonly deadline: number | undefined;
  readonly phase: "scheduled" | "deferred" | "restarting";
  /** For people: what it waits for. */
  readonly waitsFor: string;
}

/** Nothing where there is none. */
export function describeRestart(restart: RestartFacts | undefined): {
  readonly pendingRestart?: object;
} {
  if (restart === undefined) return {};
  const { reasons, since: sinceMs, deadline, phase, waitsFor } = restart;
  const reason = reasons.join("; ");
  return { pendingRestart: { phase, reason, waitsFor, sinceMs, deadlineMs: deadline ?? null } };
}
