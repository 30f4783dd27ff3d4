import { execFile } from "node:child_process";
import { cpus, totalmem } from "node:os";
import { promisify } from "node:util";
import { workerdBinary } from "../../infra/cloudflare/workerd.ts";

/** What the figures were made on. */
export async function describeMachine(): Promise<string> {
  const cores = cpus();
  const { stdout } = await promisify(execFile)(workerdBinary(), ["--version"]);
  return [
    `${cores.length} × ${cores[0]?.model ?? "unknown processor"}`,
    `${Math.round(totalmem() / 2 ** 30)} GiB`,
    `${process.platform} ${process.arch}`,
    `Node ${process.versions.node}`,
    stdout.trim(),
  ].join(", ");
}
