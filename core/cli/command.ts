import { parseArgs, type ParseArgsConfig } from "node:util";
import { GatewayError } from "../../shared/errors.ts";
import type { ConfigError } from "../config/issues/error.ts";
import type { Flags } from "../config/environment/overrides.ts";
import type { Environment } from "../config/paths.ts";
import type { Result } from "../../shared/result.ts";
import type { Settings } from "../config/settings.ts";

/**
 * `EX_CONFIG` of sysexits.h: a service manager that starts us again cannot help. All else that goes
 * wrong is 1, a command line that is not understood as well; done is 0.
 */
export const EXIT_CONFIG = 78;

/** All a command knows of its process. */
export interface Io {
  readonly env: Environment;
  /** Working folder and home, absolute. */
  readonly cwd: string;
  readonly home: string;
  /** User id; undefined where there are none. */
  readonly uid: number | undefined;
  readonly pid: number;
  /** Whether stdout is a terminal that shows them, and nobody minds. */
  readonly colours: boolean;
  /** Where answers come from; undefined: nobody can be asked. */
  readonly input?: NodeJS.ReadableStream & { readonly isTTY?: boolean };
  /** True: what is printed is seen by a person, and kept nowhere. */
  readonly isTerminal?: boolean;
  /** Whole lines for stdout; the line break is added. */
  out(line: string): void;
  err(line: string): void;
  /** Log lines with their line breaks, for stderr. */
  readonly log: { write(line: string): void };
  /** Aborts when the process is asked to end. */
  readonly stop: AbortSignal;
  /** True when another program started us and waits for our word. */
  readonly supervised: boolean;
}

/** What `--help` prints. */
export interface Page {
  /** What follows the name of the program. */
  readonly usage: string;
  readonly summary: string;
  /** For `--help` of this command alone. */
  readonly details?: string;
}

export interface Command extends Page {
  /** Pages of its actions, by the word that follows the command. */
  readonly actions?: ReadonlyMap<string, Page>;
  /** The action that is meant when none is named. */
  readonly unnamed?: string;
  /** @returns The exit code. */
  run(args: readonly string[], io: Io): Promise<number>;
}

type Options = NonNullable<ParseArgsConfig["options"]>;
type Parsed<T extends Options> = ReturnType<
  typeof parseArgs<{ args: string[]; options: T; allowPositionals: true }>
>;

/** 32 bytes as our keys and tokens are written, of which one in 64 begins like a flag. */
const DASHED_KEY = /^-[A-Za-z0-9_-]{42}$/;

/** The same arguments, with each such key where it cannot be taken for a flag. */
function withKeys(args: readonly string[], options: Options): string[] {
  const others: string[] = [];
  const keys: string[] = [];
  for (const arg of args) {
    const flag = others.at(-1) ?? "";
    const name = flag.slice(2);
    if (args.includes("--") || !DASHED_KEY.test(arg)) others.push(arg);
    else if (flag.startsWith("--") && isText(options, name)) others.splice(-1, 1, `${flag}=${arg}`);
    else keys.push(arg);
  }
  return keys.length === 0 ? others : [...others, "--", ...keys];
}

function isText(options: Options, name: string): boolean {
  return Object.hasOwn(options, name) && options[name]?.type === "string";
}

/** @throws GatewayError invalid_request that names the argument nobody understands. */
export function parseFlags<const T extends Options>(
  args: readonly string[],
  options: T,
): Parsed<T> {
  try {
    return parseArgs({ args: withKeys(args, options), options, allowPositionals: true });
  } catch (cause) {
    // The first sentence says it; the rest is about quoting dashes.
    const [message = ""] = (cause instanceof Error ? cause.message : "").split(/[.\n]/);
    throw new GatewayError("invalid_request", `${message}; try --help`, { cause });
  }
}

/** A mistake in the settings, on its way to one line on stderr and exit code 78. */
export class ConfigFault extends Error {
  override readonly name = "ConfigFault";
  readonly fault: ConfigError;

  constructor(fault: ConfigError) {
    super(fault.reason);
    this.fault = fault;
  }
}

/**
 * The settings this process would run with.
 *
 * @throws ConfigFault
 */
export async function settingsOf(io: Io, flags: Flags = {}): Promise<Settings> {
  const { loadSettings } = await import("../config/resolve.ts");
  const { env, cwd, home, uid } = io;
  const loaded: Result<Settings, ConfigError> = await loadSettings({ env, cwd, home, uid, flags });
  if (!loaded.ok) throw new ConfigFault(loaded.error);
  return loaded.value;
}
