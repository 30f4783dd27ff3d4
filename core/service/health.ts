import { setTimeout as sleep } from "node:timers/promises";
import { err, ok, type Result } from "../../shared/result.ts";
import type { ServiceManager, ServiceState } from "./manager.ts";

const LOOK_EVERY_MS = 100;
/** What fails on its first start and on the next two will on the others. */
const MAX_RESTARTS = 2;

export interface Awaited {
  readonly manager: ServiceManager;
  /** Undefined: the gateway with this pid has its state and answers; otherwise what is missing. */
  readonly whyNotWell: (pid: number) => Promise<string | undefined>;
  /** A process that was there before and does not count. */
  readonly notPid: number | undefined;
  readonly timeoutMs: number;
}

/** Waits until the service runs a gateway that is well; an error says why it will not. */
export async function awaitHealth({
  manager,
  whyNotWell,
  notPid,
  timeoutMs,
}: Awaited): Promise<Result<number, string>> {
  const until = performance.now() + timeoutMs;
  const atFirst = (await manager.state()).restarts;
  for (;;) {
    const state = await manager.state();
    const missing = await missingIn(state, atFirst, notPid, whyNotWell);
    if (typeof missing === "number") return ok(missing);
    if (missing.isOver) return err(missing.why);
    if (performance.now() > until) {
      return err(`${missing.why} after ${Math.round(timeoutMs / 1_000)} s`);
    }
    await sleep(LOOK_EVERY_MS);
  }
}

/** @returns The pid when nothing is missing. */
async function missingIn(
  { phase, pid, detail, restarts }: ServiceState,
  atFirst: number,
  notPid: number | undefined,
  whyNotWell: Awaited["whyNotWell"],
): Promise<number | { readonly why: string; readonly isOver: boolean }> {
  const why = `it is ${detail}`;
  if (phase === "failed" || phase === "stopped") return { why, isOver: true };
  // `reset-failed` takes the count back to 0, so that it may be less than at first.
  if (restarts - atFirst >= MAX_RESTARTS) {
    return { why: `it was started ${restarts + 1} times`, isOver: true };
  }
  if (phase !== "running" || pid === undefined || pid === notPid) return { why, isOver: false };
  const missing = await whyNotWell(pid);
  return missing === undefined ? pid : { why: missing, isOver: false };
}
