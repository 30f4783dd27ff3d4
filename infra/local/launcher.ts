import { once } from "node:events";
import { coreConnected } from "./connected.ts";
import type { CoreReady } from "./core-ready.ts";
import { startCore } from "./core.ts";
import type { EdgeFailure } from "../miniflare/messages.ts";
import { type EdgeReady, startEdge } from "../miniflare/edge.ts";
import { edgeFailureText } from "../miniflare/failure-text.ts";
import { Failure } from "../process/failure.ts";
import { oneLine } from "../terminal/one-line.ts";
import { tellRestarts } from "../terminal/tell-restarts.ts";
import type { LogSink } from "../terminal/log-sink.ts";
import type { Environment } from "../process/place.ts";
import type { Running } from "./print.ts";
import { type StateDir, openStateDir } from "../miniflare/state-dir.ts";
import { type Supervised, supervise } from "../process/supervise.ts";
import { readToken } from "./token.ts";

/** A bit more than the core allows itself for finishing what it has begun. */
const CORE_STOP_MS = 35_000;
const EDGE_STOP_MS = 6_000;

/** Pairing and the first connect take well below a second; a loaded machine may need more. */
const CONNECT_MS = 30_000;

export interface LauncherSettings {
  /** The checkout. */
  readonly root: string;
  /** 0 means any free one. */
  readonly edgePort: number;
  /** Absolute. */
  readonly stateDir: string;
  /** For the core; names the state directory. */
  readonly env: Environment;
  readonly logs: LogSink;
  /** Says what is under way. */
  readonly progress: (text: string) => void;
}

/** Runs edge and core side by side, until told to stop or until one of them is down for good. */
export class Launcher {
  readonly #settings: LauncherSettings;
  readonly #stopping = new AbortController();
  #edge: Supervised<EdgeReady> | undefined;
  #core: Supervised<CoreReady> | undefined;
  #edgeFailure: EdgeFailure | undefined;
  #corePid = 0;

  constructor(settings: LauncherSettings) {
    this.#settings = settings;
  }

  /**
   * Starts both and connects them.
   *
   * @returns undefined when `stop` was called meanwhile.
   * @throws Failure
   */
  async start(): Promise<Running | undefined> {
    const { stateDir, edgePort, progress } = this.#settings;
    const state = await openStateDir(stateDir);
    if (!state.ok) throw new Failure(state.error);

    progress("Starting the edge");
    this.#edge = this.#superviseEdge(state.value, edgePort);
    const edge = await this.#edge.ready;
    if (this.#stopping.signal.aborted) return undefined;
    if (edge === undefined) {
      throw new Failure(edgeFailureText(this.#edgeFailure, stateDir, this.#lastWords()));
    }
    const edgeUrl = `http://127.0.0.1:${edge.port}`;

    progress("Starting the core");
    this.#core = this.#superviseCore(state.value, edgeUrl);
    const core = await this.#core.ready;
    if (this.#stopping.signal.aborted) return undefined;
    if (core === undefined) throw await this.#coreFailure(this.#core);

    progress("Connecting them");
    return this.#connect(edgeUrl, core, this.#core);
  }

  /** @returns The exit code, once one of the two is down for good or `stop` was called. */
  async ended(): Promise<number> {
    const { signal } = this.#stopping;
    const stopped = signal.aborted ? Promise.resolve() : once(signal, "abort");
    const ends = [this.#edge, this.#core].map((part) => part?.ended ?? 0);
    const code = await Promise.race([...ends, stopped.then(() => 0)]);
    if (code !== 0) throw new Failure(this.#lastWords(), code);
    return code;
  }

  /** Ends both and waits: first the core, which may still be answering through the edge. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#core?.stop(CORE_STOP_MS);
    await this.#edge?.stop(EDGE_STOP_MS);
  }

  /** Ends both at once. */
  kill(): void {
    this.#core?.kill();
    this.#edge?.kill();
  }

  async #connect(
    edge: string,
    core: CoreReady,
    supervised: Supervised<CoreReady>,
  ): Promise<Running | undefined> {
    const { root, env } = this.#settings;
    const token = await readToken(core.token, { root, env });
    const patience = AbortSignal.any([this.#stopping.signal, AbortSignal.timeout(CONNECT_MS)]);
    const connected = await Promise.race([
      coreConnected({ gateway: core.gateway, edge }, token, patience),
      supervised.ended.then(() => false),
    ]);
    if (this.#stopping.signal.aborted) return undefined;
    if (!connected) throw new Failure(`the core did not reach its edge: ${this.#lastWords()}`);
    return { edge, core, token, pid: this.#corePid };
  }

  #superviseEdge(state: StateDir, port: number): Supervised<EdgeReady> {
    const { env, logs } = this.#settings;
    return supervise<EdgeReady>(
      (previous) =>
        startEdge({
          port: previous?.port ?? port,
          storageDir: state.edgeDir,
          pairing: state.pairing.secret,
          sealKey: state.sealKey,
          env,
          onLine: (line) => logs.take(line),
          onFailure: (failure) => {
            this.#edgeFailure = failure;
          },
        }),
      tellRestarts("edge", logs),
    );
  }

  #superviseCore(state: StateDir, edgeUrl: string): Supervised<CoreReady> {
    const { root, env, logs } = this.#settings;
    return supervise<CoreReady>(
      (previous) => {
        const child = startCore({
          root,
          env,
          port: previous?.port,
          edgeUrl,
          pairing: state.pairing.secret,
          onLine: (line) => logs.take(line),
        });
        this.#corePid = child.pid;
        return child;
      },
      tellRestarts("core", logs),
    );
  }

  async #coreFailure(core: Supervised<CoreReady>): Promise<Failure> {
    const exitCode = await core.ended;
    return new Failure(this.#lastWords(), exitCode === 0 ? 1 : exitCode);
  }

  #lastWords(): string {
    const words = oneLine(this.#settings.logs.lastError ?? "it gave no reason");
    // The core says its own name first, as a command of its own would.
    return words.replace(/^sallyport: /, "");
  }
}
