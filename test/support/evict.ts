/** A relay that loses its memory, its storage or its alarm when a test says so. */
import { mkdir, rename, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import * as z from "zod";
import type { RunningEdge } from "./edge.ts";
import { FAULTY_WORKER } from "./evict-worker.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));

/** Name of the one relay that `wrangler.toml` makes. */
export const RELAY_NAME = "relay:v1:default:weur:1:0";
const SCRIPT = "sallyport";
const CLASS = "Relay";

/**
 * The relay forgets everything that is not stored or attached to a socket, as when the platform
 * moves it. Waits for requests under way. Works with the bundle that is deployed.
 *
 * @param webSockets - `hibernate` keeps every socket, the core's too; `close` cuts them.
 */
export async function evictRelay(
  edge: RunningEdge,
  webSockets: "hibernate" | "close" = "hibernate",
  name = RELAY_NAME,
): Promise<void> {
  await edge.miniflare.unsafeEvictDurableObject(SCRIPT, CLASS, { name, webSockets });
}

/**
 * The edge with a relay that obeys `faultsOf`: the product's own source, extended from outside.
 *
 * @returns The path of its bundle, for `startEdge`.
 */
export function bundleFaultyEdge(): Promise<string> {
  return bundleWorker(FAULTY_WORKER, "faulty");
}

const bundles = new Map<string, Promise<string>>();

/** @returns The path of the bundle of a Worker that is given as text, made once for each name. */
export function bundleWorker(text: string, name: string): Promise<string> {
  const made = bundles.get(name) ?? makeBundle(text, name);
  bundles.set(name, made);
  return made;
}

async function makeBundle(text: string, name: string): Promise<string> {
  const { outputFiles } = await build({
    stdin: { contents: text, resolveDir: ROOT, loader: "js" },
    absWorkingDir: ROOT,
    bundle: true,
    write: false,
    format: "esm",
    target: "es2024",
    conditions: ["workerd", "worker", "browser"],
    external: ["cloudflare:workers"],
    define: { SALLYPORT_VERSION: JSON.stringify(`0.0.0-${name}`) },
    logLevel: "silent",
  });
  const [script] = outputFiles;
  if (script === undefined) throw new Error("esbuild made no output");
  const path = `${ROOT}.build/${name}/worker.js`;
  await mkdir(dirname(path), { recursive: true });
  const draft = `${path}.${process.pid}`;
  await writeFile(draft, script.contents);
  await rename(draft, path);
  return path;
}

/** What can be done to a relay of `bundleFaultyEdge`. */
export interface RelayFaults {
  /** It dies where it stands, in the middle of whatever it does; every socket with it. */
  abort(): Promise<void>;
  /** Its clock, and that of the Worker in front of it, runs ahead of ours by this much. */
  setClock(aheadMs: number): Promise<void>;
  /** Replaces some of `LIMITS`. */
  setLimits(limits: Readonly<Record<string, number>>): Promise<void>;
  /** The next so many SQL statements that begin with `prefix` fail. */
  failSql(prefix: string, times: number): Promise<void>;
  /** Unix ms at which it will wake by itself; undefined when it will not. */
  nextAlarm(): Promise<number | undefined>;
  /** Its alarm is gone, as if it had never been set. */
  loseAlarm(): Promise<void>;
  /** Its alarm rings now. Resolves when the handler has ended. */
  ringAlarm(): Promise<void>;
}

export function faultsOf(edge: RunningEdge, name = RELAY_NAME): RelayFaults {
  const tell = async (fault: object): Promise<string> => {
    const headers = { "X-Test-Fault": JSON.stringify({ ...fault, name }) };
    const response = await fetch(edge.url, { method: "POST", headers });
    const text = await response.text();
    if (!response.ok) throw new Error(`the relay did not obey: ${text}`);
    return text;
  };
  const order = async (fault: object): Promise<void> => void (await tell(fault));
  return {
    abort: () => order({ kind: "abort" }),
    setClock: (aheadMs) => order({ kind: "clock", aheadMs }),
    setLimits: (limits) => order({ kind: "limits", limits }),
    failSql: (prefix, times) => order({ kind: "sql", prefix, times }),
    nextAlarm: async () => {
      const at = z
        .number()
        .nullable()
        .parse(JSON.parse(await tell({ kind: "next-alarm" })));
      return at ?? undefined;
    },
    loseAlarm: () => order({ kind: "lose-alarm" }),
    ringAlarm: () => order({ kind: "ring-alarm" }),
  };
}
