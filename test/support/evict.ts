/** A relay that loses its memory, its storage or its alarm when a test says so. */
import * as z from "zod";
import { bundleVariant } from "./bundle-variant.ts";
import type { RunningEdge } from "./edge.ts";
import { FAULTY_WORKER } from "./evict-worker.ts";

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
  const made = bundles.get(name) ?? bundleVariant(name, text);
  bundles.set(name, made);
  return made;
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
  /** Rows its statements have written since it was asked last, or woke. */
  rowsWritten(): Promise<number>;
  /** Rows of a statement, run in its storage. */
  query(statement: string, ...values: readonly (string | number)[]): Promise<unknown[]>;
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
    rowsWritten: async () => z.number().parse(JSON.parse(await tell({ kind: "rows" }))),
    query: async (statement, ...values) =>
      z.array(z.unknown()).parse(JSON.parse(await tell({ kind: "query", statement, values }))),
    loseAlarm: () => order({ kind: "lose-alarm" }),
    ringAlarm: () => order({ kind: "ring-alarm" }),
  };
}
