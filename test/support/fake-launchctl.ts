/**
 * `launchctl` as macOS 14 has it, as far as a launch agent needs it: its words, its exit codes, and
 * that a `bootout` goes on after it has returned. It reads the real property list and really starts
 * what stands in there. What it remembers is in the folder FAKE_LAUNCHD.
 */
import { spawn, spawnSync } from "node:child_process";
import { openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as z from "zod";

const FOLDER = process.env["FAKE_LAUNCHD"] ?? "/nowhere";

const Agent = z.object({
  Label: z.string(),
  ProgramArguments: z.array(z.string()).min(1),
  EnvironmentVariables: z.record(z.string(), z.string()),
  WorkingDirectory: z.string(),
  RunAtLoad: z.literal(true),
  StandardErrorPath: z.string(),
  Umask: z.int(),
});
const Loaded = z.object({ path: z.string(), pid: z.int(), runs: z.int(), leaving: z.boolean() });
type Loaded = z.output<typeof Loaded>;

const [verb = "", ...args] = process.argv.slice(2);
process.exitCode = run(verb, args);

function run(word: string, [first = "", second = ""]: readonly string[]): number {
  if (/^gui\/\d+$/.test(first)) return ofDomain(word, second);
  if (first !== "-k" && !/^gui\/\d+\/ai\.sallyport\.gateway$/.test(first)) return 64;
  switch (word) {
    case "enable":
      return remember("disabled", undefined);
    case "disable":
      return remember("disabled", "yes");
    case "print":
      return print();
    case "bootout":
      return bootout();
    case "kickstart":
      return kickstart(first === "-k");
    default:
      return 64;
  }
}

function ofDomain(word: string, path: string): number {
  if (word === "bootstrap") return bootstrap(path);
  if (word === "print") return 0;
  if (word !== "print-disabled") return 64;
  const state = isDisabled() ? "disabled" : "enabled";
  process.stdout.write(`disabled services = {\n\t"ai.sallyport.gateway" => ${state}\n}\n`);
  return 0;
}

function print(): number {
  const loaded = current();
  if (loaded === undefined) {
    process.stderr.write(`Could not find service "ai.sallyport.gateway" in domain for port\n`);
    return 113;
  }
  const { path, pid, runs } = loaded;
  const lives = isAlive(pid);
  const running = lives ? `\tstate = running\n\tpid = ${pid}\n` : "\tstate = not running\n";
  process.stdout.write(`gui/501/ai.sallyport.gateway = {
\tactive count = ${lives ? 1 : 0}
\tpath = ${path}
\ttype = LaunchAgent
${running}\truns = ${runs}
\tlast exit code = ${lives ? "(never exited)" : "1"}
}
`);
  return 0;
}

function bootstrap(path: string): number {
  if (current() !== undefined || isDisabled()) {
    process.stderr.write("Bootstrap failed: 5: Input/output error\n");
    return 5;
  }
  return remember("loaded", JSON.stringify({ path, pid: start(path), runs: 1, leaving: false }));
}

function bootout(): number {
  const loaded = current();
  if (loaded === undefined) {
    process.stderr.write("Boot-out failed: 3: No such process\n");
    return 3;
  }
  if (isAlive(loaded.pid)) process.kill(loaded.pid, "SIGTERM");
  return remember("loaded", JSON.stringify({ ...loaded, leaving: true }));
}

function kickstart(kills: boolean): number {
  const loaded = current();
  if (loaded === undefined) return 113;
  if (isAlive(loaded.pid) && !kills) return 0;
  if (isAlive(loaded.pid)) process.kill(loaded.pid, "SIGKILL");
  const { path, runs } = loaded;
  const next = { path, pid: start(path), runs: runs + 1, leaving: false };
  return remember("loaded", JSON.stringify(next));
}

function start(path: string): number {
  const read =
    "import json,plistlib,sys; print(json.dumps(plistlib.load(open(sys.argv[1], 'rb'))))";
  const { stdout } = spawnSync("python3", ["-c", read, path], { encoding: "utf8" });
  const agent = Agent.parse(JSON.parse(stdout));
  const [program = "", ...rest] = agent.ProgramArguments;
  const { HOME, XDG_CACHE_HOME } = process.env;
  process.umask(agent.Umask);
  const log = openSync(agent.StandardErrorPath, "a");
  const child = spawn(program, rest, {
    cwd: agent.WorkingDirectory,
    env: { HOME, XDG_CACHE_HOME, ...agent.EnvironmentVariables },
    stdio: ["ignore", "ignore", log],
    detached: true,
  });
  child.unref();
  return z.int().parse(child.pid);
}

/** Undefined: not loaded, or not any more. */
function current(): Loaded | undefined {
  const text = recall("loaded");
  if (text === undefined) return undefined;
  const loaded = Loaded.parse(JSON.parse(text));
  if (!loaded.leaving || isAlive(loaded.pid)) return loaded;
  remember("loaded", undefined);
  return undefined;
}

/** One that has ended and that nobody has asked about is none. */
function isAlive(pid: number): boolean {
  const state = spawnSync("ps", ["-o", "stat=", "-p", String(pid)], { encoding: "utf8" });
  return state.status === 0 && !state.stdout.trim().startsWith("Z");
}

function isDisabled(): boolean {
  return recall("disabled") !== undefined;
}

function recall(name: string): string | undefined {
  try {
    return readFileSync(join(FOLDER, name), "utf8");
  } catch {
    return undefined; // nothing was remembered
  }
}

function remember(name: string, text: string | undefined): 0 {
  if (text === undefined) rmSync(join(FOLDER, name), { force: true });
  else writeFileSync(join(FOLDER, name), text);
  return 0;
}
