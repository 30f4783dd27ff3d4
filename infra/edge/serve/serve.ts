import { execFile } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type { Result } from "../../../shared/result.ts";
import { errorCode } from "../../process/error-code.ts";
import { tellRestarts } from "../../terminal/tell-restarts.ts";
import { oneLine } from "../../terminal/one-line.ts";
import type { LogSink } from "../../terminal/log-sink.ts";
import { type PairingFile, openPairing, openSealKey } from "../../process/private-files.ts";
import { lockStorage } from "../../process/storage-lock.ts";
import { type Supervised, supervise } from "../../process/supervise.ts";
import { Failure, notInstalled } from "../../process/failure.ts";
import type { ServeOptions } from "../options.ts";
import { type KeyPair, loadCertificate, watchCertificate } from "./certificate.ts";
import { type HttpFront, startHttpFront } from "./front.ts";
import { type RuntimeReady, type RuntimeSettings, runtimeConfig, startRuntime } from "./runtime.ts";
import { openSocketPath, openStorage } from "./storage.ts";

const BUNDLER = fileURLToPath(new URL("../../cloudflare/bundle.ts", import.meta.url));

/** Requests that are under way when we are told to end; a service manager gives us 30 s. */
const DRAIN_MS = 10_000;
const RUNTIME_STOP_MS = 2_000;

export interface Serving {
  readonly port: number;
  /** Process id of the runtime. */
  readonly runtimePid: number;
  readonly pairing: PairingFile;
  readonly certificate: KeyPair | undefined;
}

/** The edge on this machine: the runtime, kept running, and the front that people reach. */
export class EdgeServer {
  readonly #options: ServeOptions;
  readonly #logs: LogSink;
  /** Disposed last to first. */
  readonly #parts = new AsyncDisposableStack();
  #front: HttpFront | undefined;
  #runtime: Supervised<RuntimeReady> | undefined;
  #starting: Promise<Serving | undefined> | undefined;
  #stopping: Promise<void> | undefined;
  #lastFailure = "it ended";

  constructor(options: ServeOptions, logs: LogSink) {
    this.#options = options;
    this.#logs = logs;
  }

  /**
   * Starts everything.
   *
   * @returns undefined when `stop` was called meanwhile.
   * @throws Failure
   */
  start(): Promise<Serving | undefined> {
    this.#starting ??= this.#start();
    return this.#starting;
  }

  async #start(): Promise<Serving | undefined> {
    const { storageDir, tls } = this.#options;
    const certificate = tls === undefined ? undefined : orThrow(await loadCertificate(tls));
    orThrow(await openStorage(storageDir));
    const lock = await lockStorage(storageDir);
    if (lock === undefined) {
      throw new Failure(
        `another edge runs on the storage ${storageDir}: stop it, or choose another folder with --storage`,
      );
    }
    this.#parts.use(lock);
    const pairing = orThrow(await openPairing(join(storageDir, "pairing")));
    const socketPath = orThrow(await openSocketPath(storageDir));
    const sealKey = orThrow(await openSealKey(join(storageDir, "seal-key")));
    const runtime = await this.#startRuntime(socketPath, { pairing: pairing.secret, sealKey });
    if (runtime === undefined || this.#stopping !== undefined) return undefined;
    const front = await this.#startFront(socketPath, certificate);
    this.#front = front;
    if (tls !== undefined) this.#parts.use(watchCertificate(tls, () => this.reload()));
    return { port: front.port, runtimePid: runtime.pid, pairing, certificate };
  }

  /** @returns The exit code, once the runtime is down for good. */
  async ended(): Promise<number> {
    return (await this.#runtime?.ended) ?? 0;
  }

  /** Reads the certificate anew; one that cannot be used changes nothing. */
  reload(): void {
    void this.#reload();
  }

  /** Finishes what is under way, for a while, and ends everything. */
  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  /** Ends the runtime at once; the rest goes with this process. */
  kill(): void {
    this.#runtime?.kill();
  }

  async #stop(): Promise<void> {
    await this.#front?.drain(DRAIN_MS);
    await this.#runtime?.stop(RUNTIME_STOP_MS);
    // It sees that it is to stop; what it made until then is undone below.
    await this.#starting?.catch(() => {});
    await this.#parts.disposeAsync();
  }

  async #reload(): Promise<void> {
    const { tls } = this.#options;
    if (tls === undefined) return;
    const loaded = await loadCertificate(tls);
    if (!loaded.ok) {
      const facts = { reason: loaded.error };
      this.#logs.note("error", "the new certificate is not used; the old one still is", facts);
      return;
    }
    this.#front?.useCertificate(loaded.value);
    this.#logs.note("info", "certificate loaded", {});
  }

  async #startRuntime(
    socketPath: string,
    secrets: Pick<RuntimeSettings, "pairing" | "sealKey">,
  ): Promise<RuntimeReady | undefined> {
    const { storageDir, name, relays } = this.#options;
    const config = await runtimeConfig({
      scriptPath: await makeBundle(join(storageDir, "worker.js")),
      storageDir,
      socketPath,
      name,
      ...secrets,
      vars: relays === undefined ? {} : { RELAYS: relays },
    });
    if (this.#stopping !== undefined) return undefined;
    const runtime = supervise(
      () => startRuntime(config, socketPath, this.#runtimeLog()),
      tellRestarts("runtime", this.#logs),
    );
    this.#runtime = runtime;
    const ready = await runtime.ready;
    if (ready === undefined && this.#stopping === undefined) throw new Failure(this.#lastFailure);
    return ready;
  }

  #runtimeLog(): Parameters<typeof startRuntime>[2] {
    return {
      onLine: (line) => this.#logs.take(line),
      onHung: () => this.#logs.note("error", "the runtime does not answer and is ended", {}),
      onFailure: ({ message }) => {
        this.#lastFailure = message;
        this.#logs.note("error", "the runtime did not start", { reason: message });
      },
    };
  }

  async #startFront(target: string, certificate: KeyPair | undefined): Promise<HttpFront> {
    const { host, port, trusted } = this.#options;
    try {
      const front = await startHttpFront({
        host,
        port,
        target,
        certificate,
        trusted,
        onUntrustedProxy: (address) =>
          this.#logs.note(
            "warn",
            "a proxy says who its clients are and is not believed: name it with --trust-proxy if it is yours",
            { address },
          ),
      });
      return this.#parts.use(front);
    } catch (error) {
      throw new Failure(
        `cannot listen on port ${port} of ${host ?? "this machine"} (${errorCode(error)})`,
      );
    }
  }
}

/** In a process of its own: the bundler would stay with us, and take 80 MB. */
async function makeBundle(path: string): Promise<string> {
  try {
    await promisify(execFile)(process.execPath, [BUNDLER, path], { env: {} });
    return path;
  } catch (error) {
    const said = error instanceof Error && "stderr" in error ? String(error.stderr) : "";
    const missing = /Cannot find package '(?<name>[^']+)'/.exec(said)?.groups?.["name"];
    if (missing !== undefined) throw new Failure(notInstalled(missing), 1, error);
    const reason = said.split("\n").find((line) => line.includes("ERROR:")) ?? said;
    throw new Failure(`the edge does not compile: ${oneLine(reason)}`, 1, error);
  }
}

function orThrow<T>(result: Result<T, string>): T {
  if (result.ok) return result.value;
  throw new Failure(result.error);
}
