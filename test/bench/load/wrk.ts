import { execFile } from "node:child_process";
import { promisify } from "node:util";
import type { Target } from "./task.ts";

/**
 * Requests a second by another tool than ours, to see that ours is not what limits them.
 *
 * @param program - Path of `wrk`.
 */
export async function wrkPerSecond(
  program: string,
  { port, path, headers = {} }: Target,
  options: { readonly connections: number; readonly seconds: number },
): Promise<number> {
  const { connections, seconds } = options;
  const fields = Object.entries(headers).flatMap(([name, value]) => ["-H", `${name}: ${value}`]);
  const args = ["-t1", `-c${connections}`, `-d${seconds}s`, ...fields];
  const url = `http://127.0.0.1:${port}${path}`;
  const { stdout } = await promisify(execFile)(program, [...args, url]);
  const found = /Requests\/sec:\s+(?<rate>[\d.]+)/.exec(stdout)?.groups?.["rate"];
  if (found === undefined || stdout.includes("Non-2xx")) throw new Error(`wrk: ${stdout}`);
  return Number(found);
}
