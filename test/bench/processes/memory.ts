/** What the kernel says of a process. Linux only: elsewhere these throw, and the row is skipped. */
import { readdir, readFile, writeFile } from "node:fs/promises";

/** MiB of memory in use (VmRSS) and at its highest (VmHWM). */
export async function memoryOf(
  pid: number,
): Promise<{ readonly rssMiB: number; readonly peakMiB: number }> {
  const status = await readFile(`/proc/${pid}/status`, "utf8");
  return { rssMiB: mibIn(status, "VmRSS"), peakMiB: mibIn(status, "VmHWM") };
}

/** From now on, the highest is the highest since now. Source: proc_pid_clear_refs(5). */
export async function resetPeak(pid: number): Promise<void> {
  await writeFile(`/proc/${pid}/clear_refs`, "5");
}

/** Milliseconds of processor time of all its threads. Source: proc_pid_schedstat(5). */
export async function cpuMsOf(pid: number): Promise<number> {
  const threads = await readdir(`/proc/${pid}/task`);
  const spent = await Promise.all(
    threads.map(async (thread) => {
      const [nanoseconds] = (await readFile(`/proc/${pid}/task/${thread}/schedstat`, "utf8")).split(
        " ",
      );
      return Number(nanoseconds) / 1e6;
    }),
  );
  return spent.reduce((sum, ms) => sum + ms, 0);
}

function mibIn(status: string, name: string): number {
  const kib = new RegExp(`^${name}:\\s+(\\d+) kB$`, "m").exec(status)?.[1];
  if (kib === undefined) throw new Error(`no ${name} in /proc`);
  return Number(kib) / 1024;
}
