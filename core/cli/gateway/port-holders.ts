import { readdir, readFile, readlink } from "node:fs/promises";

/** State of a socket that listens, in the kernel's table. */
const LISTENING = "0A";

/**
 * Processes that listen on a port, as far as this user may see; none where the system has no /proc.
 *
 * Source: proc(5), /proc/net/tcp.
 */
export async function pidsOnPort(port: number): Promise<number[]> {
  const inodes = new Set(
    (await Promise.all(["tcp", "tcp6"].map((table) => inodesOf(table, port)))).flat(),
  );
  if (inodes.size === 0) return [];
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name)).map(Number);
  const holding = await Promise.all(pids.map((pid) => holdsAny(pid, inodes)));
  return pids.filter((_pid, index) => holding[index]);
}

async function inodesOf(table: string, port: number): Promise<string[]> {
  const text = await readFile(`/proc/net/${table}`, "utf8").catch(() => "");
  const end = `:${port.toString(16).toUpperCase().padStart(4, "0")}`;
  return text
    .split("\n")
    .map((line) => line.trim().split(/\s+/))
    .filter((fields) => fields[1]?.endsWith(end) === true && fields[3] === LISTENING)
    .flatMap((fields) => fields[9] ?? []);
}

async function holdsAny(pid: number, inodes: ReadonlySet<string>): Promise<boolean> {
  // Of others, and of those that are gone by now, we are told nothing.
  const names = await readdir(`/proc/${pid}/fd`).catch(() => []);
  const links = await Promise.all(
    names.map((name) => readlink(`/proc/${pid}/fd/${name}`).catch(() => "")),
  );
  return links.some((link) => inodes.has(/^socket:\[(\d+)\]$/.exec(link)?.[1] ?? ""));
}
