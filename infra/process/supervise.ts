import type { Child } from "./child.ts";
import { type Exit, afterExit } from "./after-exit.ts";
import { pause } from "./pause.ts";

export interface Supervised<Ready> {
  /** What the first run reported; undefined when it never came to that. */
  readonly ready: Promise<Ready | undefined>;
  /** Exit code once it is down for good: it was stopped, ended by itself, or cannot run. */
  readonly ended: Promise<number>;
  /** Stops it for good and waits; kills it after `deadlineMs`. */
  stop(deadlineMs: number): Promise<number>;
  /** Ends it at once. */
  kill(): void;
}

export interface SupervisorHooks {
  /** Uniform in [0, 1). */
  readonly random: () => number;
  /** It ended by accident and will be started again after the delay. */
  onCrash(exit: Exit, delayMs: number): void;
  /** It is up again. */
  onRecovered(): void;
}

/**
 * Keeps one process running: starts it, and starts it again when it was killed or crashed.
 *
 * @param start - Given what the run before reported, so that a free port stays the same.
 */
export function supervise<Ready>(
  start: (previous: Ready | undefined) => Child<Ready>,
  hooks: SupervisorHooks,
): Supervised<Ready> {
  const stopping = new AbortController();
  const first = Promise.withResolvers<Ready | undefined>();
  let current: Child<Ready> | undefined;
  let last: Ready | undefined;

  async function run(): Promise<number> {
    let attempt = 0;
    for (;;) {
      const child = start(last);
      current = child;
      const ready = await child.ready;
      if (ready !== undefined && last !== undefined) hooks.onRecovered();
      last = ready ?? last;
      first.resolve(ready);
      const exit = await child.exited;
      if (stopping.signal.aborted) return stoppedCode(exit);
      const decision = afterExit(exit, { everReady: last !== undefined, attempt }, hooks.random);
      if (decision.next === "stop") return decision.exitCode;
      attempt = decision.attempt;
      hooks.onCrash(exit, decision.delayMs);
      if (!(await pause(decision.delayMs, stopping.signal))) return 0;
    }
  }

  const ended = run().finally(() => {
    current = undefined;
  });
  return {
    ready: first.promise,
    ended,
    async stop(deadlineMs) {
      // Once only: to the core a second signal means to drop what it is finishing.
      if (!stopping.signal.aborted) current?.stop();
      stopping.abort();
      const deadline = setTimeout(() => current?.kill(), deadlineMs);
      try {
        return await ended;
      } finally {
        clearTimeout(deadline);
      }
    },
    kill() {
      stopping.abort();
      current?.kill();
    },
  };
}

/** SIGTERM may find it before its handler is there: that is stopped, too. */
function stoppedCode({ code, signal }: Exit): number {
  if (signal === "SIGTERM") return 0;
  return code ?? 1;
}
