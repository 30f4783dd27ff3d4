import { request as httpRequest } from "node:http";
import { pause } from "../../process/pause.ts";

export interface ProbePace {
  readonly everyMs: number;
  /** Without an answer for this long the runtime has a strike. */
  readonly timeoutMs: number;
}

/** Half a minute is what a process manager takes to notice, and cheap: no relay wakes for it. */
const PACE: ProbePace = { everyMs: 10_000, timeoutMs: 5_000 };

/** A busy machine may be slow once or twice; it is not so three times in a row. */
const MAX_STRIKES = 3;

/**
 * Asks the runtime again and again whether it still answers: one that hangs does not die, and so
 * nobody would start it again.
 *
 * @param socketPath - Of the runtime.
 * @param onHung - Once; it is not asked any more then.
 * @returns Disposing it ends the asking.
 */
export function probeRuntime(
  socketPath: string,
  onHung: () => void,
  { everyMs, timeoutMs }: ProbePace = PACE,
): Disposable {
  const ended = new AbortController();
  async function run(): Promise<void> {
    for (let strikes = 0; strikes < MAX_STRIKES;) {
      if (!(await pause(everyMs, ended.signal))) return;
      strikes = (await answers(socketPath, timeoutMs)) ? 0 : strikes + 1;
    }
    if (!ended.signal.aborted) onHung();
  }
  void run();
  return { [Symbol.dispose]: () => ended.abort() };
}

/** Whatever it answers: OPTIONS is refused by the Worker itself, where GET would wake a relay. */
function answers(socketPath: string, timeoutMs: number): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const asked = httpRequest({
    socketPath,
    method: "OPTIONS",
    path: "/healthz",
    headers: { Host: "localhost" },
    agent: false,
    signal: AbortSignal.timeout(timeoutMs),
  });
  asked.once("response", (answer) => {
    answer.resume();
    resolve(true);
  });
  // It may come after the answer, which then counts.
  asked.on("error", () => resolve(false));
  asked.end();
  return promise;
}
