import type { Environment, Place } from "../process/place.ts";

/** All a command knows of its process. */
export interface Io {
  readonly env: Environment;
  readonly place: Place;
  readonly pid: number;
  /** Text for stdout; line breaks are its own. */
  out(text: string): void;
  /** One line for stderr. */
  err(line: string): void;
  /** Where log lines go: out of the way of what scripts read. */
  log(json: boolean): (text: string) => void;
  /** True when a person can be asked. */
  readonly isTerminal: boolean;
  /** For commands that end by themselves: aborts when they are asked to end before. */
  stopping(): AbortSignal;
  /** The first request to end is for `stop`; at the second `kill` is called, and the process ends. */
  onStop(stop: () => void, kill: () => void): void;
  /** SIGHUP, which ends a process that has not asked for it. */
  onReload(reload: () => void): void;
}
