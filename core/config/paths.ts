import { join, resolve } from "node:path";

/** Variables by name; undefined and empty mean the same: not set. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** Where a process stands; everything about it that the config depends on. */
export interface Surroundings {
  /** The process environment. */
  readonly env: Environment;
  /** Working folder, absolute. */
  readonly cwd: string;
  /** The user's home folder, absolute. */
  readonly home: string;
}

export interface Paths {
  readonly configPath: string;
  readonly stateDir: string;
  /** What `~` stands for. */
  readonly home: string;
  /** Files of variables, the first one wins. */
  readonly envFiles: { readonly cwd: string; readonly state: string };
}

/** Where config and state live. Pure: looks at the process environment alone, never at files. */
export function resolvePaths({ env, cwd, home }: Surroundings): Paths {
  const base = expand(env["OPENCLAW_HOME"], { cwd, home }) ?? home;
  const from = { cwd, home: base };
  const stateDir = expand(env["OPENCLAW_STATE_DIR"], from) ?? join(base, ".openclaw");
  return {
    stateDir,
    home: base,
    configPath: expand(env["OPENCLAW_CONFIG_PATH"], from) ?? join(stateDir, "openclaw.json"),
    envFiles: { cwd: join(cwd, ".env"), state: join(stateDir, ".env") },
  };
}

function expand(
  path: string | undefined,
  { cwd, home }: { readonly cwd: string; readonly home: string },
): string | undefined {
  if (path === undefined || path.trim() === "") return undefined;
  return resolve(cwd, path.trim().replace(/^~(?=$|[/\\])/, home));
}
