import type { SupervisorHooks } from "../process/supervise.ts";
import type { LogSink } from "./log-sink.ts";

/** Says in the log when the process that `part` names went down and came back. */
export function tellRestarts(part: string, logs: LogSink): SupervisorHooks {
  return {
    random: Math.random,
    onCrash: ({ code, signal }, delayMs) =>
      logs.note("warn", `the ${part} ended unexpectedly and will be started again`, {
        reason: signal ?? `exit code ${code}`,
        delayMs: Math.round(delayMs),
      }),
    onRecovered: () => logs.note("info", `the ${part} is running again`, {}),
  };
}
