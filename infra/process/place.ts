import { join, resolve } from "node:path";
import * as z from "zod";

export type Environment = Readonly<Record<string, string | undefined>>;

/** Where a command was typed; both absolute. */
export interface Place {
  readonly cwd: string;
  readonly home: string;
}

/** Where what a user has given is, and where things are kept. */
export interface Where {
  /** Absolute. Holds everything that must outlive a restart. */
  readonly stateDir: string;
  /** Absolute. A leading `~` is the home: service managers pass it on unexpanded. */
  readonly toPath: (text: string) => string;
}

/** Reads `OPENCLAW_HOME` and `OPENCLAW_STATE_DIR` as the core does. Pure. */
export function placesOf(env: Environment, { cwd, home }: Place): Where {
  const expand = (text: string, base: string): string =>
    resolve(cwd, text.trim().replace(/^~(?=$|[/\\])/, base));
  const ownHome = isSet(env["OPENCLAW_HOME"]) ? expand(env["OPENCLAW_HOME"], home) : home;
  const stateDir = env["OPENCLAW_STATE_DIR"];
  return {
    stateDir: isSet(stateDir) ? expand(stateDir, ownHome) : join(ownHome, ".openclaw"),
    toPath: (text) => expand(text, ownHome),
  };
}

/** A variable with nothing but blanks in it is not set. */
export function isSet(value: string | undefined): value is string {
  return value !== undefined && value.trim() !== "";
}

/** A TCP port, as text; 0 means any free one. */
export const Port = z
  .string()
  .regex(/^\d{1,5}$/)
  .transform(Number)
  .pipe(z.int().max(65_535));
