/**
 * The edge on the bare runtime: `workerd serve`, without Miniflare and the Worker it puts in front
 * of ours. For machines that are their own edge, and for measuring what the edge itself costs.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { Readable } from "node:stream";
import * as z from "zod";
import { RATE_LIMIT_MODULE, RATE_LIMIT_SCRIPT } from "./rate-limit.ts";
import type { LocalEdge, WranglerSettings } from "./settings.ts";

/** One Worker, as the runtime needs to know it. */
export interface WorkerdWorker {
  readonly name: string;
  /** Text of its one ES module. */
  readonly script: string;
  readonly compatibilityDate: string;
  readonly compatibilityFlags: readonly string[];
  /** Variables and secrets. */
  readonly bindings: Readonly<Record<string, string>>;
  readonly durableObjects: readonly {
    readonly binding: string;
    readonly className: string;
    readonly sqlite: boolean;
  }[];
  /**
   * Absolute, and there. One runtime at a time may use it; the runtime itself does not see to
   * that. There is no other way to store: in memory it has no SQL.
   */
  readonly storageDir: string;
  readonly host: string;
  /** 0 means any free one. */
  readonly port: number;
  /**
   * Absolute path of a Unix socket to listen on instead of `host` and `port`, in a folder that is
   * ours alone: whoever reaches it is believed who the client is (`CF-Connecting-IP`) and whether
   * it came by TLS (`X-Forwarded-Proto`).
   */
  readonly frontSocket?: string | undefined;
  /** Bindings that count as Cloudflare's do. */
  readonly rateLimits?: readonly {
    readonly binding: string;
    readonly limit: number;
    readonly periodMs: number;
  }[];
}

/** Where the edge runs, and what only this machine knows. */
export interface RawEdge extends Pick<LocalEdge, "port" | "host" | "bindings" | "rateLimits"> {
  readonly storageDir: string;
  readonly frontSocket?: string | undefined;
}

/**
 * What `wrangler.toml` says, for `workerdConfig`. Pure.
 *
 * Rate-limit bindings are left out unless asked for: they are for an edge that strangers reach.
 *
 * @param script - Text of the bundle.
 */
export function edgeWorker(
  settings: WranglerSettings,
  script: string,
  { port, host = "127.0.0.1", storageDir, bindings, frontSocket, rateLimits = false }: RawEdge,
): WorkerdWorker {
  const limits = rateLimits ? settings.ratelimits : [];
  const withStorage = settings.migrations.flatMap((migration) => migration.new_sqlite_classes);
  return {
    name: settings.name,
    script,
    compatibilityDate: settings.compatibility_date,
    compatibilityFlags: settings.compatibility_flags,
    bindings: { ...settings.vars, ...bindings },
    durableObjects: settings.durable_objects.bindings.map(({ name, class_name: className }) => ({
      binding: name,
      className,
      sqlite: withStorage.includes(className),
    })),
    storageDir,
    host,
    port,
    frontSocket,
    rateLimits: limits.map(({ name, simple }) => ({
      binding: name,
      limit: simple.limit,
      periodMs: simple.period * 1_000,
    })),
  };
}

/**
 * The runtime's configuration as text. Pure; it holds the bindings, so it is as secret as they are.
 *
 * The Worker can reach nothing (`internet` allows no address): ours calls nobody. What a client
 * claims its address to be is taken away, because here no Cloudflare vouches for it; a front of
 * ours does.
 * Source: https://github.com/cloudflare/workerd/blob/main/src/workerd/server/workerd.capnp
 */
export function workerdConfig(worker: WorkerdWorker): string {
  const { name, durableObjects, storageDir, frontSocket, rateLimits = [] } = worker;
  const host = worker.host.includes(":") ? `[${worker.host}]` : worker.host;
  const address = frontSocket === undefined ? `${host}:${worker.port}` : `unix:${frontSocket}`;
  const http =
    frontSocket === undefined
      ? `injectRequestHeaders = [(name = "CF-Connecting-IP")]`
      : `forwardedProtoHeader = "X-Forwarded-Proto"`;
  const bindings = [
    ...Object.entries(worker.bindings).map(
      ([key, value]) => `(name = ${quote(key)}, text = ${quote(value)})`,
    ),
    ...durableObjects.map(
      ({ binding, className }) =>
        `(name = ${quote(binding)}, durableObjectNamespace = ${quote(className)})`,
    ),
    ...rateLimits.map(
      ({ binding, limit, periodMs }) =>
        `(name = ${quote(binding)}, wrapped = (moduleName = ${quote(RATE_LIMIT_MODULE)}, entrypoint = "rateLimit", innerBindings = [(name = "limit", json = "${limit}"), (name = "periodMs", json = "${periodMs}")]))`,
    ),
  ];
  // Miniflare names them the same way, so storage can move from the one to the other.
  const namespaces = durableObjects.map(({ className, sqlite }) => {
    const key = quote(`${name}-${className}`);
    return `(className = ${quote(className)}, uniqueKey = ${key}, enableSql = ${sqlite})`;
  });
  return `using Workerd = import "/workerd/workerd.capnp";

const config :Workerd.Config = (
  services = [
    (name = "internet", network = (allow = [])),
    (name = "storage", disk = (path = ${quote(storageDir)}, writable = true)),
    (name = "main", worker = (
      modules = [(name = "worker.js", esModule = ${quote(worker.script)})],
      compatibilityDate = ${quote(worker.compatibilityDate)},
      compatibilityFlags = [${worker.compatibilityFlags.map(quote).join(", ")}],
      bindings = [${bindings.join(", ")}],
      durableObjectNamespaces = [${namespaces.join(", ")}],
      durableObjectStorage = (localDisk = "storage"),
    )),
  ],
  sockets = [(
    name = "http",
    address = ${quote(address)},
    http = (${http}),
    service = "main",
  )],
  extensions = [(modules = [
    (name = ${quote(RATE_LIMIT_MODULE)}, internal = true, esModule = ${quote(RATE_LIMIT_SCRIPT)}),
  ])],
);
`;
}

/** Cap'n Proto's string literal: UTF-8 as it is, bytes that could end it as C writes them. */
function quote(text: string): string {
  const escaped = text.replaceAll(NEEDS_ESCAPE, (char) =>
    [...Buffer.from(char)].map((byte) => `\\x${byte.toString(16).padStart(2, "0")}`).join(""),
  );
  return `"${escaped}"`;
}

/** Control characters are `Cc`. */
const NEEDS_ESCAPE = /["\\]|\p{Cc}/gu;

/** A running runtime. Disposing it asks it to end, and ends it when it does not. */
export interface Workerd extends AsyncDisposable {
  readonly pid: number;
  /** 0 when it listens on a Unix socket. */
  readonly port: number;
  /** Settles when the process is gone, for whatever reason. */
  readonly exited: Promise<void>;
  /** Ends it at once. */
  kill(): void;
}

/** It finishes requests that are under way first; a tunnel never finishes. */
const STOP_PATIENCE_MS = 500;

/** Of what it says before it could listen: enough for a message, never without bound. */
const MAX_COMPLAINT_CHARS = 2_000;

/**
 * Runs the runtime as its child and ends it when our end of its standard input closes, which the
 * system sees to however we end: a runtime left behind would go on writing to a storage that the
 * next one uses. A shell, because it costs nothing and is there; the runtime knows no such tie.
 */
const GUARD = `exec 4<&0
"$@" 4<&- &
runtime=$!
echo "{\\"event\\":\\"pid\\",\\"pid\\":$runtime}" >&3
{ read -r _ <&4; kill -KILL "$runtime"; } 3>&- >/dev/null 2>&1 &
guard=$!
wait "$runtime"
code=$?
kill -KILL "$guard"
exit "$code"`;

const Report = z.discriminatedUnion("event", [
  z.object({ event: z.literal("pid"), pid: z.int().positive() }),
  z.object({ event: z.literal("listen"), socket: z.literal("http"), port: z.int() }),
]);

/**
 * Runs the runtime with `config`; resolves once it listens.
 *
 * @param onLine - One line that the Worker or the runtime wrote.
 * @throws Error with the runtime's own words when it cannot run: a port in use, a storage folder
 *   it may not write to, a script that does not load.
 */
export async function startWorkerd(
  config: string,
  onLine: (line: string) => void,
): Promise<Workerd> {
  // For our eyes only (mode 0700), and only until it has been read: the config has secrets in it.
  const folder = await mkdtemp(join(tmpdir(), "sallyport-edge-"));
  try {
    const path = join(folder, "config.capnp");
    await writeFile(path, config, { mode: 0o600 });
    const runtime = [workerdBinary(), "serve", "--control-fd=3", path];
    const child = spawn("/bin/sh", ["-c", GUARD, "sh", ...runtime], {
      // A group of its own: a Ctrl-C is for us, who end it when what is under way has ended.
      detached: true,
      stdio: ["pipe", "pipe", "pipe", "pipe"],
      // It needs nothing of our environment, and that is full of keys.
      env: {},
    });
    return await listening(child, onLine);
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** @throws Error when the package is not installed for this platform. */
export function workerdBinary(): string {
  return z.object({ default: z.string() }).parse(createRequire(import.meta.url)("workerd")).default;
}

async function listening(child: ChildProcess, onLine: (line: string) => void): Promise<Workerd> {
  const gone = Promise.withResolvers<void>();
  let complaint = "";
  child.once("error", (error) => {
    complaint = error.message;
    gone.resolve();
  });
  // When it was the guard that was killed, the runtime goes with it.
  child.once("exit", () => killGroup(child));
  child.once("close", () => gone.resolve());
  for (const stream of [child.stdout, child.stderr]) {
    if (stream === null) continue;
    createInterface({ input: stream }).on("line", (line) => {
      complaint = `${complaint}${line}\n`.slice(-MAX_COMPLAINT_CHARS);
      onLine(line);
    });
  }
  const started = await Promise.race([reportOf(child), gone.promise]);
  if (started === undefined) {
    killGroup(child);
    // Its last words may still be on their way.
    await gone.promise;
    throw new Error(`the edge's runtime did not start: ${complaint.trim() || "it ended"}`);
  }
  return {
    ...started,
    exited: gone.promise,
    kill: () => killGroup(child),
    async [Symbol.asyncDispose]() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const ended = once(child, "exit");
      signal(started.pid, "SIGTERM");
      const late = setTimeout(() => killGroup(child), STOP_PATIENCE_MS);
      await ended;
      clearTimeout(late);
    },
  };
}

/** What is told on the descriptor that we gave for that; undefined when it ends before. */
async function reportOf(child: ChildProcess): Promise<{ pid: number; port: number } | undefined> {
  const control = child.stdio[3];
  if (!(control instanceof Readable)) return undefined;
  let pid = 0;
  for await (const line of createInterface({ input: control })) {
    const report = Report.safeParse(JSON.parse(line));
    if (report.data?.event === "pid") pid = report.data.pid;
    if (report.data?.event === "listen") return { pid, port: report.data.port };
  }
  return undefined;
}

function killGroup({ pid }: ChildProcess): void {
  if (pid !== undefined) signal(-pid, "SIGKILL");
}

/** Sends a signal to a process, or to a whole group; nothing happens when it is gone. */
function signal(pid: number, name: "SIGTERM" | "SIGKILL"): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    const gone = error instanceof Error && "code" in error && error.code === "ESRCH";
    if (!gone) throw error;
  }
}
