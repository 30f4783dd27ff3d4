import { mkdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import type { Secret } from "../../../shared/secret.ts";
import { readWrangler } from "../../cloudflare/settings.ts";
import { edgeWorker, workerdConfig } from "../../cloudflare/workerd-config.ts";
import { type Workerd, startWorkerd } from "../../cloudflare/workerd.ts";
import type { Child } from "../../process/child.ts";
import { Failure } from "../../process/failure.ts";
import { isSet } from "../../process/place.ts";
import { PRIVATE_DIR } from "../../process/private-files.ts";
import { probeRuntime } from "./probe.ts";

export interface RuntimeSettings {
  /** The bundle. */
  readonly scriptPath: string;
  /** Absolute; this process alone uses it. */
  readonly storageDir: string;
  readonly socketPath: string;
  readonly name: string | undefined;
  readonly pairing: Secret;
  readonly sealKey: Secret;
  /** Variables that differ from wrangler.toml. */
  readonly vars: Readonly<Record<string, string>>;
}

/** What Cloudflare checks, or vouches for: here nobody does, and the edge would let no core in. */
const NEEDS_CLOUDFLARE = ["ACCESS_TEAM", "ACCESS_AUD", "MTLS_FINGERPRINTS"] as const;

/** Pure. @returns One line for the user when the variables ask for what only Cloudflare does. */
export function needsCloudflare(vars: Readonly<Record<string, string>>): string | undefined {
  const needing = NEEDS_CLOUDFLARE.filter((name) => isSet(vars[name]));
  if (needing.length === 0) return undefined;
  return `wrangler.toml sets ${needing.join(" and ")}, which only works on Cloudflare: take it out for an edge of your own`;
}

/**
 * The runtime's configuration. It holds the secrets of the edge.
 *
 * @throws Failure when wrangler.toml asks for what needs Cloudflare in front.
 */
export async function runtimeConfig(settings: RuntimeSettings): Promise<string> {
  const { storageDir, socketPath, name, pairing, sealKey, vars } = settings;
  const [wrangler, script] = await Promise.all([
    readWrangler(),
    readFile(settings.scriptPath, "utf8"),
  ]);
  const refused = needsCloudflare(wrangler.vars);
  if (refused !== undefined) throw new Failure(refused);
  const objects = join(storageDir, "storage");
  await mkdir(objects, { recursive: true, mode: PRIVATE_DIR });
  const worker = edgeWorker({ ...wrangler, name: name ?? wrangler.name }, script, {
    port: 0,
    storageDir: objects,
    frontSocket: socketPath,
    rateLimits: true,
    bindings: { ...vars, PAIRING_SECRET: pairing.reveal(), SEAL_KEY: sealKey.reveal() },
  });
  return workerdConfig(worker);
}

export interface RuntimeReady {
  readonly pid: number;
}

export interface RuntimeLog {
  /** One line that the Worker or the runtime wrote. */
  onLine(line: string): void;
  /** It runs, but does not answer any more, and is ended for that. */
  onHung(): void;
  /** It did not start. */
  onFailure(error: Error): void;
}

/** One run of the runtime, for the supervisor. */
export function startRuntime(
  config: string,
  socketPath: string,
  log: RuntimeLog,
): Child<RuntimeReady> {
  const startedAt = performance.now();
  const starting = launch(config, socketPath, log);
  // Asked to end while it starts, it ends when it has.
  let ending: "stop" | "kill" | undefined;
  void starting.then((workerd) => workerd !== undefined && ending !== undefined && end(workerd));

  function end(workerd: Workerd): void {
    if (ending === "kill") workerd.kill();
    else void workerd[Symbol.asyncDispose]();
  }
  function ask(how: "stop" | "kill"): void {
    ending = how;
    void starting.then((workerd) => workerd !== undefined && end(workerd));
  }
  return {
    pid: 0,
    ready: starting.then((workerd) => (workerd === undefined ? undefined : { pid: workerd.pid })),
    exited: starting.then(async (workerd) => {
      await workerd?.exited;
      const uptimeMs = performance.now() - startedAt;
      // It never ends by itself: whatever its code, that was an accident.
      return { code: ending === undefined ? 1 : 0, signal: null, wasReady: true, uptimeMs };
    }),
    stop: () => ask("stop"),
    kill: () => ask("kill"),
  };
}

async function launch(
  config: string,
  socketPath: string,
  log: RuntimeLog,
): Promise<Workerd | undefined> {
  // Left by the one before when that was killed; nobody else uses it.
  await rm(socketPath, { force: true });
  try {
    const workerd = await startWorkerd(config, (line) => log.onLine(line));
    const probe = probeRuntime(socketPath, () => {
      log.onHung();
      workerd.kill();
    });
    void workerd.exited.then(() => probe[Symbol.dispose]());
    return workerd;
  } catch (error) {
    log.onFailure(error instanceof Error ? error : new Error(String(error)));
    return undefined;
  }
}
