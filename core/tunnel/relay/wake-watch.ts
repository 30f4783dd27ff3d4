/** How often we look at the clocks: a machine that wakes is noticed within this. */
const LOOK_MS = 1_000;
/** A pause of this length was no busy moment: the machine slept, or the process was stopped. */
const PAUSE_MS = 4_000;

/** Two clocks at one moment: one stands still in a sleep on some systems, the other never does. */
export interface Clocks {
  /** Unix ms. */
  readonly wall: number;
  /** Milliseconds of a steady clock. */
  readonly steady: number;
}

/** How long we were not there between two looks; 0 when all is as it should be. Pure. */
export function pauseBetween(before: Clocks, after: Clocks): number {
  const passed = Math.max(after.wall - before.wall, after.steady - before.steady);
  return passed - LOOK_MS >= PAUSE_MS ? passed - LOOK_MS : 0;
}

/** Calls back when the machine has slept. A clock that is set forward looks the same. */
export function watchWake(read: () => Clocks, onWake: (pauseMs: number) => void): Disposable {
  let before = read();
  const timer = setInterval(() => {
    const after = read();
    const pauseMs = pauseBetween(before, after);
    before = after;
    if (pauseMs > 0) onWake(pauseMs);
  }, LOOK_MS).unref();
  return { [Symbol.dispose]: () => clearInterval(timer) };
}
