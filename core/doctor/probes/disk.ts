import { constants } from "node:fs";
import { access, readdir, readFile, stat, statfs } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { isAlive } from "../../gateway/lifecycle/process-alive.ts";
import type { FileFacts, FolderFacts, HolderFacts } from "../verdicts/state-folder.ts";

/** What of the state folder holds secrets or what people said. */
const PRIVATE = [
  ".env",
  "credentials",
  "tunnel.json",
  "sallyport.sqlite",
  "sallyport.sqlite-wal",
  "exec-approvals.json",
  "logs",
] as const;
/** Earlier versions of the config, with all that was in it. */
const EARLIER = [".bak", ".bak.1", ".bak.2", ".bak.3", ".bak.4", ".last-good"] as const;
/** A folder of credentials has a handful; whatever else is in there is not ours. */
const MAX_CREDENTIALS = 100;

/** Undefined when there is nothing at `path`. */
export async function lookAtFolder(path: string): Promise<FolderFacts | undefined> {
  const facts = await lookAt(path);
  if (facts === undefined) return undefined;
  const usable = await access(path, constants.R_OK | constants.W_OK | constants.X_OK).then(
    () => true,
    () => false,
  );
  return { ...facts, usable };
}

/** What is there of the files that others must not read. */
export async function lookAtPrivate(stateDir: string, configPath: string): Promise<FileFacts[]> {
  const credentials = join(stateDir, "credentials");
  // A folder that is not there, or not ours to read, has nothing to tell.
  const names = await readdir(credentials).catch(() => []);
  const paths = [
    configPath,
    ...EARLIER.map((end) => `${configPath}${end}`),
    ...PRIVATE.map((name) => join(stateDir, name)),
    ...names.slice(0, MAX_CREDENTIALS).map((name) => join(credentials, name)),
  ];
  const facts = await Promise.all(paths.map(lookAt));
  return facts.filter((one) => one !== undefined);
}

/** Bytes that we may still write there. @throws Error when the disk does not say. */
export async function freeSpace(path: string): Promise<number> {
  const { bavail, bsize } = await statfs(path);
  return bavail * bsize;
}

/** Who left a name beside the state; the lock itself is not touched. */
export async function lookForHolder(stateDir: string): Promise<HolderFacts | undefined> {
  const text = await readFile(join(stateDir, "gateway.pid"), "utf8").catch(() => "");
  const { pid, host } = /^(?<pid>\d{1,10}) on (?<host>[\w.-]+)$/.exec(text.trim())?.groups ?? {};
  if (pid === undefined || host === undefined) return undefined;
  const alive = host === hostname() ? isAlive(Number(pid)) : undefined;
  return { pid: Number(pid), host, alive };
}

async function lookAt(path: string): Promise<FileFacts | undefined> {
  try {
    const facts = await stat(path);
    const { uid, mode } = facts;
    return { path, uid, mode: mode & 0o777, isFolder: facts.isDirectory() };
  } catch {
    // Not there, or in a folder that is not ours: the check of the folder says so.
    return undefined;
  }
}
