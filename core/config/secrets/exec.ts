import { spawn } from "node:child_process";
import { lstat } from "node:fs/promises";
import { isAbsolute, relative } from "node:path";
import * as z from "zod";
import { err, ok, type Result } from "../../../shared/result.ts";
import type { Environment } from "../paths.ts";
import type { ExecProvider } from "../sections/secrets.ts";
import type { Owner, SecretFault } from "./file.ts";

/** What the program prints; what else is in it is not ours. */
const Answer = z.object({
  protocolVersion: z.literal(1),
  values: z.record(z.string(), z.unknown()).default({}),
  errors: z.record(z.string(), z.unknown()).default({}),
});

type Secrets = ReadonlyMap<string, Result<string, SecretFault>>;

export interface ExecRequest extends Owner {
  readonly name: string;
  readonly provider: ExecProvider;
  readonly ids: readonly string[];
  readonly environment: Environment;
}

/**
 * Asks a program for secrets, all of one provider at once: `{"protocolVersion":1,"provider","ids"}`
 * on its stdin, `{"protocolVersion":1,"values":{id:…},"errors":{id:…}}` on its stdout. What it says on
 * stderr is read by nobody. Source: the SecretRef contract of OpenClaw 2026.9.
 */
export async function secretsOfProgram(request: ExecRequest): Promise<Secrets> {
  const { provider, ids, home } = request;
  const all = (fault: SecretFault): Secrets => new Map(ids.map((id) => [id, err(fault)]));
  const command = provider.command.replace(/^~(?=\/)/, home);
  const distrust = await whyNotTrusted(command, request);
  if (distrust !== undefined) return all(distrust);
  const output = await run(command, request);
  if (!output.ok) return all(output.error);
  if (!provider.jsonOnly && ids.length === 1 && !output.value.trimStart().startsWith("{")) {
    const value = output.value.replace(/\r?\n$/, "");
    return value === "" ? all("its program printed nothing") : new Map([[ids[0] ?? "", ok(value)]]);
  }
  const answer = parsed(output.value);
  if (answer === undefined) return all("its program did not answer as agreed");
  return new Map(ids.map((id) => [id, valueOf(answer, id)]));
}

function valueOf({ values }: z.output<typeof Answer>, id: string): Result<string, SecretFault> {
  const value = Object.hasOwn(values, id) ? values[id] : undefined;
  return typeof value === "string" && value !== ""
    ? ok(value)
    : err("its program does not have it");
}

function parsed(text: string): z.output<typeof Answer> | undefined {
  try {
    return Answer.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined; // the message of the parser quotes the text
  }
}

/** Whoever can change the program has the secrets. */
async function whyNotTrusted(
  command: string,
  { provider: { trustedDirs }, uid, home }: ExecRequest,
): Promise<SecretFault | undefined> {
  if (!isAbsolute(command)) return "its program is not named by an absolute path";
  const dirs = trustedDirs?.map((dir) => dir.replace(/^~(?=\/|$)/, home));
  if (dirs?.some((dir) => isInside(dir, command)) === false) {
    return "its program is in none of the trustedDirs";
  }
  try {
    const facts = await lstat(command);
    if (facts.isSymbolicLink()) return "its program is a link: name the program itself";
    if (!facts.isFile()) return "its program is not a file";
    if (uid !== undefined && facts.uid !== uid && facts.uid !== 0) {
      return "its program belongs to another user";
    }
    if ((facts.mode & 0o022) !== 0) return "its program can be changed by others: run chmod 755";
    return undefined;
  } catch {
    return "its program is not there";
  }
}

function isInside(dir: string, path: string): boolean {
  const way = relative(dir, path);
  return way !== "" && !way.startsWith("..") && !isAbsolute(way);
}

function run(
  command: string,
  { name, provider, ids, environment }: ExecRequest,
): Promise<Result<string, SecretFault>> {
  const { args, timeoutMs, noOutputTimeoutMs, maxOutputBytes } = provider;
  const passed = provider.passEnv.flatMap((key) => {
    const value = environment[key];
    return value === undefined ? [] : [[key, value] as const];
  });
  const { promise, resolve } = Promise.withResolvers<Result<string, SecretFault>>();
  const child = spawn(command, args, {
    env: { ...Object.fromEntries(passed), ...provider.env, OPENCLAW_CLI: "1" },
    stdio: ["pipe", "pipe", "ignore"],
    // A group of its own, so that what it starts ends with it.
    detached: true,
  });
  const chunks: Buffer[] = [];
  let bytes = 0;
  const end = (result: Result<string, SecretFault>): void => {
    clearTimeout(deadline);
    clearTimeout(silence);
    resolve(result);
    if (!result.ok) stop(child.pid);
  };
  const deadline = setTimeout(() => end(err("its program did not end in time")), timeoutMs);
  const silenceMs = noOutputTimeoutMs ?? timeoutMs;
  const silence = setTimeout(() => end(err("its program said nothing in time")), silenceMs);
  child.on("error", () => end(err("its program cannot be started")));
  child.stdout.on("data", (chunk: Buffer) => {
    silence.refresh();
    bytes += chunk.byteLength;
    if (bytes > maxOutputBytes) end(err(`its program printed more than ${maxOutputBytes} bytes`));
    else chunks.push(chunk);
  });
  child.on("close", (code) => {
    if (code === 0) end(ok(Buffer.concat(chunks).toString("utf8")));
    else end(err(`its program failed (${code === null ? "by a signal" : `exit ${code}`})`));
  });
  // One that does not read what it is asked may answer all the same.
  child.stdin.on("error", () => undefined);
  child.stdin.end(JSON.stringify({ protocolVersion: 1, provider: name, ids }));
  return promise;
}

function stop(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, "SIGKILL");
  } catch {
    // It has ended by itself.
  }
}
