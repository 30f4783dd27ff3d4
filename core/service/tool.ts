import { execFile } from "node:child_process";
import type { Environment } from "../config/paths.ts";

/** A page of journal lines is unusual enough. */
const MAX_OUTPUT_BYTES = 1024 * 1024;
/** A stop takes as long as the gateway needs for what is under way. */
const TIMEOUT_MS = 180_000;

export interface ToolRun {
  /** Undefined: it could not be started, or was killed. */
  readonly code: number | undefined;
  readonly out: string;
  readonly err: string;
}

/** Runs a program of the system to its end. Never rejects. */
export type Tool = (program: string, args: readonly string[]) => Promise<ToolRun>;

/** @param env - What the program is started with, and where it is looked for (`PATH`). */
export function toolIn(env: Environment): Tool {
  const PATH = env["PATH"] ?? "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin";
  // What it says is read by us: not in the language of whoever looks on.
  const own = { ...env, PATH, LC_ALL: "C", SYSTEMD_COLORS: "0", SYSTEMD_PAGER: "" };
  const options = { env: own, timeout: TIMEOUT_MS, maxBuffer: MAX_OUTPUT_BYTES };
  return (program, args) =>
    new Promise((resolve) => {
      execFile(program, [...args], { ...options, encoding: "utf8" }, (error, out, err) => {
        if (error === null) resolve({ code: 0, out, err });
        else resolve({ code: typeof error.code === "number" ? error.code : undefined, out, err });
      });
    });
}

/** What a tool complained of, as one line. */
export function complaintOf({ code, out, err }: ToolRun): string {
  const line = `${err}\n${out}`.split("\n").find((one) => one.trim() !== "");
  return line?.trim().slice(0, 300) ?? (code === undefined ? "cannot be run" : `exit code ${code}`);
}
