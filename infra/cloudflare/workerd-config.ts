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
