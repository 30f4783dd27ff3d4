/**
 * Every process the bench has started and not seen end. Whatever happens to the bench, an
 * exception or Ctrl-C, none of them outlives it: `process.on("exit")` is the last word.
 */
const running = new Set<number>();
const lastWishes = new Set<() => void>();

let armed = false;

/** Ends `pid` with this process, unless `forget` is called before. */
export function remember(pid: number | undefined): void {
  if (pid !== undefined) running.add(pid);
  arm();
}

/** Done when this process ends, after the others: must not wait for anything. */
export function atExit(wish: () => void): void {
  lastWishes.add(wish);
  arm();
}

function arm(): void {
  if (armed) return;
  armed = true;
  process.once("exit", killAll);
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.once(signal, () => process.exit(130));
  }
}

export function forget(pid: number | undefined): void {
  if (pid !== undefined) running.delete(pid);
}

function killAll(): void {
  for (const pid of running) {
    try {
      process.kill(pid, "SIGKILL");
    } catch {
      // Gone in this moment.
    }
  }
  for (const wish of lastWishes) wish();
}
