import { constants } from "node:os";

/** What a terminal, a service manager and a closed window send. */
const STOP_SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/**
 * One Ctrl-C reaches us twice: from the terminal and, a moment later, passed on by the program that
 * started us.
 */
const SAME_SIGNAL_MS = 500;

/** After everything has ended nothing should hold the process; if something does, not for long. */
const LAST_RESORT_MS = 1_000;

export interface SignalListener {
  /** The first request to end. */
  stop(): void;
  /** The second; the process ends right after. */
  kill(): void;
  /** SIGHUP. @returns False when there is nothing to read anew: then it is a request to end. */
  reload(): boolean;
}

/** Listens to signals, and to the end of the process that started us. */
export function listenToSignals(listener: SignalListener): void {
  let firstAt: number | undefined;
  const onSignal = (signal: (typeof STOP_SIGNALS)[number]): void => {
    if (signal === "SIGHUP" && listener.reload()) return;
    if (firstAt === undefined) {
      firstAt = performance.now();
      process.stderr.write("Stopping …\n");
      listener.stop();
    } else if (performance.now() - firstAt > SAME_SIGNAL_MS) {
      listener.kill();
      process.exit(128 + constants.signals[signal]);
    }
  };
  for (const signal of STOP_SIGNALS) process.on(signal, () => onSignal(signal));
  // The channel to the process that started us closes when that is killed.
  process.once("disconnect", () => onSignal("SIGTERM"));
}

/** Natural ends let the last output through; a stuck handle must not keep us. */
export function letProcessEnd(): void {
  process.removeAllListeners("disconnect");
  if (process.connected) process.disconnect();
  setTimeout(() => process.exit(), LAST_RESORT_MS).unref();
}

/** Whoever read us may stop reading; that is no reason to end. */
export function surviveClosedPipes(): void {
  for (const stream of [process.stdout, process.stderr]) stream.on("error", () => {});
}
