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
}

/** Where the edge runs, and what only this machine knows. */
export interface RawEdge extends Pick<LocalEdge, "port" | "host" | "bindings"> {
  readonly storageDir: string;
}

/**
 * What `wrangler.toml` says, for `workerdConfig`. Pure.
 *
 * Rate-limit bindings are left out: the runtime has none of its own, and the edge does without.
 *
 * @param script - Text of the bundle.
 */
export function edgeWorker(
  settings: WranglerSettings,
  script: string,
  { port, host = "127.0.0.1", storageDir, bindings }: RawEdge,
): WorkerdWorker {
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
  };
}

/**
 * The runtime's configuration as text. Pure; it holds the bindings, so it is as secret as they are.
 *
 * The Worker can reach nothing (`internet` allows no address): ours calls nobody. What a client
 * claims its address to be is taken away, because here no Cloudflare vouches for it.
 * Source: https://github.com/cloudflare/workerd/blob/main/src/workerd/server/workerd.capnp
 */
export function workerdConfig(worker: WorkerdWorker): string {
  const { name, durableObjects, storageDir } = worker;
  const host = worker.host.includes(":") ? `[${worker.host}]` : worker.host;
  const bindings = [
    ...Object.entries(worker.bindings).map(
      ([key, value]) => `(name = ${quote(key)}, text = ${quote(value)})`,
    ),
    ...durableObjects.map(
      ({ binding, className }) =>
        `(name = ${quote(binding)}, durableObjectNamespace = ${quote(className)})`,
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
    address = ${quote(`${host}:${worker.port}`)},
    http = (injectRequestHeaders = [(name = "CF-Connecting-IP")]),
    service = "main",
  )],
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
  readonly port: number;
  /** Settles when the process is gone, for whatever reason. */
  readonly exited: Promise<void>;
}

/** It finishes requests that are under way first; a tunnel never finishes. */
const STOP_PATIENCE_MS = 500;

/** Of what it says before it could listen: enough for a message, never without bound. */
const MAX_COMPLAINT_CHARS = 2_000;

const Listening = z.object({
  event: z.literal("listen"),
  socket: z.literal("http"),
  port: z.int(),
});

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
    const child = spawn(workerdBinary(), ["serve", "--control-fd=3", path], {
      stdio: ["ignore", "pipe", "pipe", "pipe"],
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
  // Miniflare's own: the runtime that the tests ran on.
  const miniflare = createRequire(import.meta.url).resolve("miniflare");
  return z.object({ default: z.string() }).parse(createRequire(miniflare)("workerd")).default;
}

async function listening(child: ChildProcess, onLine: (line: string) => void): Promise<Workerd> {
  const gone = Promise.withResolvers<void>();
  let complaint = "";
  child.once("error", (error) => {
    complaint = error.message;
    gone.resolve();
  });
  child.once("close", () => gone.resolve());
  for (const stream of [child.stdout, child.stderr]) {
    if (stream === null) continue;
    createInterface({ input: stream }).on("line", (line) => {
      complaint = `${complaint}${line}\n`.slice(-MAX_COMPLAINT_CHARS);
      onLine(line);
    });
  }
  const port = await Promise.race([portOf(child), gone.promise]);
  if (port === undefined || child.pid === undefined) {
    child.kill("SIGKILL");
    // Its last words may still be on their way.
    await gone.promise;
    throw new Error(`the edge's runtime did not start: ${complaint.trim() || "it ended"}`);
  }
  return {
    pid: child.pid,
    port,
    exited: gone.promise,
    async [Symbol.asyncDispose]() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const ended = once(child, "exit");
      child.kill("SIGTERM");
      const late = setTimeout(() => child.kill("SIGKILL"), STOP_PATIENCE_MS);
      await ended;
      clearTimeout(late);
    },
  };
}

/** What it reports on the descriptor that we gave it for that; undefined when it ends before. */
async function portOf(child: ChildProcess): Promise<number | undefined> {
  const control = child.stdio[3];
  if (!(control instanceof Readable)) return undefined;
  for await (const line of createInterface({ input: control })) {
    const report = Listening.safeParse(JSON.parse(line));
    if (report.success) return report.data.port;
  }
  return undefined;
}
