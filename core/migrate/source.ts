/** Where OpenClaw keeps what it has, in either of its layouts. */
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";

/** Agents that are looked for: one of its installations has a handful. */
const MAX_AGENTS = 256;

export interface SourceAgent {
  readonly id: string;
  /** Since 2026.9; undefined: there is none. */
  readonly database: string | undefined;
  /** Before that. */
  readonly sessionsFile: string | undefined;
  readonly sessionsDir: string;
  readonly profilesFile: string;
}

export interface Source {
  readonly dir: string;
  readonly configFile: string;
  readonly envFile: string;
  /** Since 2026.9; undefined: there is none. */
  readonly database: string | undefined;
  /** Of the first versions. */
  readonly profilesFile: string;
  readonly cronFile: string;
  readonly devicesFile: string;
  readonly agents: readonly SourceAgent[];
}

/** @returns undefined when nothing of OpenClaw is there. */
export async function findSource(dir: string): Promise<Source | undefined> {
  const database = await fileAt(join(dir, "state", "openclaw.sqlite"));
  const configFile = join(dir, "openclaw.json");
  const agents = await agentsIn(join(dir, "agents"));
  const isThere = database ?? (await fileAt(configFile)) ?? agents[0];
  if (isThere === undefined) return undefined;
  return {
    dir,
    configFile,
    envFile: join(dir, ".env"),
    database,
    profilesFile: join(dir, "auth-profiles.json"),
    cronFile: join(dir, "cron", "jobs.json"),
    devicesFile: join(dir, "devices", "paired.json"),
    agents,
  };
}

/** By the names of folders, which are the ids of the agents. */
async function agentsIn(dir: string): Promise<SourceAgent[]> {
  const entries = await readdir(dir, { withFileTypes: true }).catch(() => []);
  const ids = entries
    .filter((entry) => entry.isDirectory() && /^[\w-]{1,64}$/.test(entry.name))
    .map(({ name }) => name)
    .toSorted()
    .slice(0, MAX_AGENTS);
  return Promise.all(
    ids.map(async (id) => {
      const agentDir = join(dir, id, "agent");
      const sessionsDir = join(dir, id, "sessions");
      return {
        id,
        database: await fileAt(join(agentDir, "openclaw-agent.sqlite")),
        sessionsFile: await fileAt(join(sessionsDir, "sessions.json")),
        sessionsDir,
        profilesFile: join(agentDir, "auth-profiles.json"),
      };
    }),
  );
}

async function fileAt(path: string): Promise<string | undefined> {
  const facts = await stat(path).catch(() => undefined);
  return facts?.isFile() === true ? path : undefined;
}
