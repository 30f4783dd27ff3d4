/**
 * `wrangler.toml` as the one source of how the Worker runs: what wrangler deploys is what
 * Miniflare gets in tests and in `npm start`.
 */
import { readFile } from "node:fs/promises";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { parse } from "smol-toml";
import * as z from "zod";

const WRANGLER_TOML = fileURLToPath(new URL("../../wrangler.toml", import.meta.url));

const RateLimit = z.strictObject({
  name: z.string(),
  namespace_id: z.string(),
  simple: z.strictObject({
    limit: z.int().positive(),
    /** Seconds; the platform knows these two. */
    period: z.union([z.literal(10), z.literal(60)]),
  }),
});

/** Strict: a key this file does not carry over to Miniflare would be tested as if it were absent. */
const Wrangler = z.strictObject({
  name: z.string(),
  main: z.string(),
  no_bundle: z.literal(true),
  compatibility_date: z.iso.date(),
  compatibility_flags: z.array(z.string()),
  build: z.strictObject({ command: z.string() }),
  vars: z.record(z.string(), z.string()),
  durable_objects: z.strictObject({
    bindings: z.array(z.strictObject({ name: z.string(), class_name: z.string() })),
  }),
  migrations: z.array(
    z.strictObject({ tag: z.string(), new_sqlite_classes: z.array(z.string()).default([]) }),
  ),
  ratelimits: z.array(RateLimit).default([]),
});
export type WranglerSettings = z.output<typeof Wrangler>;

/** @throws Error naming the key when the file is not what we write. */
export function parseWrangler(toml: string): WranglerSettings {
  const parsed = Wrangler.safeParse(parse(toml));
  if (!parsed.success) throw new Error(`wrangler.toml: ${z.prettifyError(parsed.error)}`);
  return parsed.data;
}

/** Reads the file of this checkout. @throws Error when it is missing or not what we write. */
export async function readWrangler(): Promise<WranglerSettings> {
  return parseWrangler(await readFile(WRANGLER_TOML, "utf8"));
}

export interface LocalEdge {
  /** The bundle to run, as `bundleEdge` made it. */
  readonly scriptPath: string;
  /** 0 means any free one. */
  readonly port: number;
  /** Loopback unless told otherwise. */
  readonly host?: string;
  /** Folder for Durable Object storage; without it everything is gone when the edge stops. */
  readonly storageDir?: string;
  /** Secrets, and variables that differ from the file. */
  readonly bindings?: Readonly<Record<string, string>>;
  /** False leaves out the coarse rate limits, as on a plan without them. Default true. */
  readonly rateLimits?: boolean;
}

/**
 * The same Worker as options for `new Miniflare()`, whose own type is `any` with this zod. Pure.
 *
 * `cf: false`, because by default Miniflare fetches a sample of `request.cf` from the internet.
 */
export function miniflareOptions(
  settings: WranglerSettings,
  { scriptPath, port, host = "127.0.0.1", storageDir, bindings, rateLimits = true }: LocalEdge,
) {
  const withStorage = settings.migrations.flatMap((migration) => migration.new_sqlite_classes);
  const limits = rateLimits ? settings.ratelimits : [];
  return {
    name: settings.name,
    host,
    port,
    cf: false,
    // The runtime takes no path that leads out of the root, which would be the working directory.
    modulesRoot: dirname(scriptPath),
    modules: [{ type: "ESModule" as const, path: scriptPath }],
    compatibilityDate: settings.compatibility_date,
    compatibilityFlags: settings.compatibility_flags,
    bindings: { ...settings.vars, ...bindings },
    durableObjects: Object.fromEntries(
      settings.durable_objects.bindings.map(({ name, class_name: className }) => [
        name,
        { className, useSQLite: withStorage.includes(className) },
      ]),
    ),
    ...(storageDir === undefined ? {} : { durableObjectsPersist: storageDir }),
    ratelimits: Object.fromEntries(
      limits.map(({ name, namespace_id, simple }) => [name, { namespace_id, simple }]),
    ),
  };
}
