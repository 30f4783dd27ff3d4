/**
 * A process of its own for the local edge: bundles the Worker and runs it in Miniflare. The launcher
 * starts it (edge.ts), tells it what to do over IPC, and is the reason it lives: without the
 * launcher it ends, and takes the runtime with it, which would otherwise stay behind.
 */
import { join } from "node:path";
import { type Bundle, bundleEdge } from "../cloudflare/bundle.ts";
import { startFront } from "./front.ts";
import { miniflareOptions, readWrangler } from "../cloudflare/settings.ts";
import { type EdgeFailure, type FromEdgeHost, type StartEdge, ToEdgeHost } from "./messages.ts";
import { isPortFree } from "./port.ts";
import { lockStorage } from "../process/storage-lock.ts";

/** Miniflare ends the runtime with SIGKILL and removes its temporary folder: well below this. */
const STOP_DEADLINE_MS = 5_000;

class EdgeError extends Error {
  override readonly name = "EdgeError";
  readonly reason: EdgeFailure["reason"];

  constructor(reason: EdgeFailure["reason"], message: string, cause?: unknown) {
    super(message, { cause });
    this.reason = reason;
  }
}

/** Everything the edge needs, in order; disposal runs backwards. */
const parts = new AsyncDisposableStack();

async function start({ port, storageDir, pairing, sealKey }: StartEdge): Promise<number> {
  const lock = await lockStorage(storageDir);
  if (lock === undefined) throw new EdgeError("storage_in_use", storageDir);
  parts.use(lock);
  if (!(await isPortFree(port))) throw new EdgeError("port_in_use", String(port));

  // Beside each other: the bundler is a process of its own, and Miniflare takes as long to load.
  const [bundle, settings, { Miniflare }] = await Promise.all([
    bundleInto(storageDir),
    readWrangler(),
    import("miniflare"),
  ]);
  const options = miniflareOptions(settings, {
    scriptPath: bundle.path,
    // Any free one: people reach the runtime through the front.
    port: 0,
    storageDir: join(storageDir, "storage"),
    bindings: { PAIRING_SECRET: pairing, SEAL_KEY: sealKey },
  });
  try {
    const miniflare = new Miniflare(options);
    parts.defer(() => miniflare.dispose());
    const target = Number((await miniflare.ready).port);
    return parts.use(await startFront({ host: "127.0.0.1", port, target })).port;
  } catch (error) {
    const { message } = asError(error);
    const taken = /address already in use/i.test(message);
    if (taken) throw new EdgeError("port_in_use", String(port), error);
    // What Miniflare itself says is the same every time; the reason is what the runtime wrote.
    const [, reason = message] = message.split("Runtime stderr:\n");
    throw new EdgeError("runtime_failed", reason, error);
  }
}

async function bundleInto(folder: string): Promise<Bundle> {
  try {
    return await bundleEdge(join(folder, "worker.js"));
  } catch (error) {
    throw new EdgeError("bundle_failed", asError(error).message, error);
  }
}

function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}

/** Resolves when it is sent, or cannot be: without a launcher `disconnect` ends us. */
async function report(message: FromEdgeHost): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  if (process.connected) process.send?.(message, undefined, undefined, () => resolve());
  else resolve();
  await promise;
}

async function stop(exitCode: number): Promise<void> {
  setTimeout(() => process.exit(1), STOP_DEADLINE_MS).unref();
  try {
    await parts.disposeAsync();
  } finally {
    // Miniflare rejects again here when it never started. Its keep-alive sockets and the
    // bundler's service would hold the process for a while.
    process.exit(exitCode);
  }
}

async function startAndReport(message: StartEdge): Promise<void> {
  try {
    await report({ type: "ready", port: await start(message) });
  } catch (error) {
    const reason = error instanceof EdgeError ? error.reason : "runtime_failed";
    await report({ type: "failed", reason, detail: asError(error).message });
    await stop(1);
  }
}

process.on("disconnect", () => void stop(0));
process.on("message", (raw) => {
  const message = ToEdgeHost.parse(raw);
  if (message.type === "start") void startAndReport(message);
  else void stop(0);
});
