import { execFile } from "node:child_process";
import { randomUUID } from "node:crypto";
import { isAbsolute } from "node:path";
import { err, ok, type Result } from "../../../shared/result.ts";
import type { Environment } from "../paths.ts";

/** A profile that prints a page of variables is unusual enough. */
const MAX_OUTPUT_BYTES = 1024 * 1024;

export interface ShellRequest {
  /** What the shell is started with. */
  readonly environment: Environment;
  readonly home: string;
  /** The variables that are wanted; others are not taken. */
  readonly names: readonly string[];
  readonly timeoutMs: number;
}

/** Variables that the user's login shell sets; an error says why there are none, and nothing else. */
export async function shellVariables({
  environment,
  home,
  names,
  timeoutMs,
}: ShellRequest): Promise<Result<Environment, string>> {
  const wanted = environment["SHELL"] ?? "";
  const shell = isAbsolute(wanted) ? wanted : "/bin/sh";
  // What a profile prints comes before it.
  const marker = `sallyport-${randomUUID()}`;
  const { promise, resolve } = Promise.withResolvers<Result<string, string>>();
  const child = execFile(
    shell,
    ["-l", "-c", `printf '%s\\0' '${marker}'; env -0`],
    {
      env: { HOME: home, ...environment },
      timeout: timeoutMs,
      killSignal: "SIGKILL",
      maxBuffer: MAX_OUTPUT_BYTES,
      encoding: "utf8",
    },
    (error, stdout) => resolve(error === null ? ok(stdout) : err(faultOf(error, shell, timeoutMs))),
  );
  // A profile that asks a question gets no answer.
  child.stdin?.end();
  const output = await promise;
  if (!output.ok) return output;
  const [, ...lines] = output.value.slice(Math.max(0, output.value.indexOf(marker))).split("\0");
  const all = new Map(lines.map((line) => splitAt(line, line.indexOf("="))));
  return ok(
    Object.fromEntries(
      names.flatMap((name) => {
        const value = all.get(name) ?? "";
        return value === "" ? [] : [[name, value]];
      }),
    ),
  );
}

function splitAt(line: string, at: number): [string, string] {
  return at < 0 ? [line, ""] : [line.slice(0, at), line.slice(at + 1)];
}

function faultOf(
  error: Error & { code?: unknown; killed?: boolean },
  shell: string,
  ms: number,
): string {
  if (error.code === "ENOENT" || error.code === "EACCES") return `${shell} cannot be started`;
  if (error.code === "ERR_CHILD_PROCESS_STDIO_MAXBUFFER") return `${shell} printed too much`;
  if (error.killed === true) return `${shell} did not answer within ${ms} ms`;
  return `${shell} failed`;
}
