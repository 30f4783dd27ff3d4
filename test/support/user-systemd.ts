/** A real systemd as the manager of a user, beside whatever starts this machine's services. */
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { chmod, mkdir, mkdtemp, readdir, rm, rmdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Run, runProgram } from "./run-program.ts";
import { until } from "./until.ts";

const PROGRAM = ["/usr/lib/systemd/systemd", "/lib/systemd/systemd"].find((file) =>
  existsSync(file),
);
/** Where there are several hierarchies of control groups, systemd uses one of these. */
const GROUPS = ["/sys/fs/cgroup", "/sys/fs/cgroup/unified", "/sys/fs/cgroup/systemd"];

/** systemd looks whether the machine was started with one: that is so where only it looks. */
const BEGIN = `mount -t tmpfs tmpfs /run/systemd && mkdir /run/systemd/system || exit 1
for group in ${GROUPS.join(" ")}; do
  test -w "$group/cgroup.procs" && mkdir "$group/$1" && echo $$ > "$group/$1/cgroup.procs"
done 2> /dev/null
exec "$2" --user`;

export interface UserSystemd extends AsyncDisposable {
  readonly home: string;
  /** Of whoever is this user. */
  readonly env: Readonly<Record<string, string>>;
  /** The folder that it reads units from. */
  readonly unitFolder: string;
  /** A command of ours. */
  run(args: readonly string[], env?: Readonly<Record<string, string>>): Promise<Run>;
  /** What `systemctl --user show` says of one property of our unit. */
  property(name: string): string;
}

/** Undefined: there can be one here. */
export async function whyNoUserSystemd(): Promise<string | undefined> {
  if (PROGRAM === undefined) return "systemd is not installed";
  if (spawnSync("unshare", [...namespaces(), "true"]).status !== 0) return "unshare is not allowed";
  try {
    const started = await startUserSystemd();
    await started[Symbol.asyncDispose]();
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : "systemd does not start";
  }
}

function namespaces(): string[] {
  return process.getuid?.() === 0 ? ["--mount"] : ["--map-root-user", "--mount"];
}

export async function startUserSystemd(): Promise<UserSystemd> {
  const folder = await mkdtemp(join(tmpdir(), "sallyport-systemd-"));
  const [home, runtime] = [join(folder, "home"), join(folder, "run")];
  await Promise.all([mkdir(home), mkdir(runtime)]);
  await chmod(runtime, 0o700);
  const PATH = process.env["PATH"] ?? "";
  const env = { PATH, HOME: home, XDG_RUNTIME_DIR: runtime };
  const group = folder.slice(folder.lastIndexOf("/") + 1);
  const script = ["sh", "-c", BEGIN, "sh", group, PROGRAM ?? ""];
  const child = spawn("unshare", [...namespaces(), ...script], { env, stdio: "ignore" });
  const exited = once(child, "exit");
  const end = async (): Promise<void> => {
    child.kill("SIGTERM");
    await exited;
    for (const parent of GROUPS) await removeGroup(join(parent, group));
    await rm(folder, { recursive: true, force: true });
  };
  const systemctl = (...args: readonly string[]) =>
    spawnSync("systemctl", ["--user", ...args], { env, encoding: "utf8" });
  try {
    await Promise.race([
      until(() => systemctl("show", "--property=Version").status === 0),
      exited.then(() => Promise.reject(new Error("systemd ends at once here"))),
    ]);
  } catch (error) {
    await end();
    throw error;
  }
  return {
    home,
    env,
    unitFolder: join(home, ".config", "systemd", "user"),
    run: (args, more = {}) => runProgram(args, { cwd: folder, env: { ...env, ...more } }),
    property: (name) =>
      systemctl("show", "sallyport-gateway.service", `--property=${name}`, "--value").stdout.trim(),
    [Symbol.asyncDispose]: end,
  };
}

/** Deepest first: a group is only removed when it is empty, and never by its files. */
async function removeGroup(path: string): Promise<void> {
  const entries = await readdir(path, { withFileTypes: true }).catch(() => []);
  for (const entry of entries) if (entry.isDirectory()) await removeGroup(join(path, entry.name));
  await rmdir(path).catch(() => undefined);
}
