/** How often we look at the clocks: a machine that wakes is noticed within this. */
const LOOK_MS = 1_000;
/** A pause of this length was no busy moment: the machine slept, or the process got no time. */
const PAUSE_MS = 4_000;
/**
 * Of a pause: who has worked for this part of it was awake, and had to share the processor. One that
 * slept or was stopped has at most what it did in the second before, next to nothing.
 */
const AWAKE_SHARE = 0.05;

/** Three clocks at one moment. */
export interface Clocks {
  /** Unix ms: goes on in a sleep. */
  readonly wall: number;
  /** Milliseconds of a steady clock: stands still in a sleep on some systems. */
  readonly steady: number;
  /** Milliseconds that this process has computed, on all processors together. */
  readonly cpu: number;
}

/** A time in which nothing of ours ran. */
export interface Pause {
  /** `starved`: we were awake, and others had the processor; connections have not suffered. */
  readonly kind: "slept" | "starved";
  readonly pauseMs: number;
}

/** Undefined when all is as it should be. A clock that is set forward looks like a sleep. Pure. */
export function pauseBetween(before: Clocks, after: Clocks): Pause | undefined {
  const wallMs = after.wall - before.wall;
  const steadyMs = after.steady - before.steady;
  const pauseMs = Math.max(wallMs, steadyMs) - LOOK_MS;
  if (pauseMs < PAUSE_MS) return undefined;
  // Where one clock stood still, no work of before says that we were awake.
  const stoodStill = wallMs - steadyMs >= PAUSE_MS;
  const worked = after.cpu - before.cpu >= AWAKE_SHARE * steadyMs;
  return { kind: worked && !stoodStill ? "starved" : "slept", pauseMs };
}

/** Calls back after each pause. */
export function watchWake(read: () => Clocks, onPause: (pause: Pause) => void): Disposable {
  let before = read();
  const timer = setInterval(() => {
    const after = read();
    const pause = pauseBetween(before, after);
    before = after;
    if (pause !== undefined) onPause(pause);
  }, LOOK_MS).unref();
  return { [Symbol.dispose]: () => clearInterval(timer) };
}

/** Those of this process. */
export function readClocks(): Clocks {
  const { user, system } = process.cpuUsage();
  return { wall: Date.now(), steady: performance.now(), cpu: (user + system) / 1_000 };
}
