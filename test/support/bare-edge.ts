/** The edge on the bare runtime, with a disk that outlives it. */
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { bundleEdge } from "../../infra/cloudflare/bundle.ts";
import { readWrangler } from "../../infra/cloudflare/settings.ts";
import { edgeWorker, workerdConfig } from "../../infra/cloudflare/workerd-config.ts";
import { startWorkerd, type Workerd } from "../../infra/cloudflare/workerd.ts";
import { randomToken } from "../../shared/bytes.ts";
import { Secret } from "../../shared/secret.ts";
import { callEdge } from "./edge-with-core.ts";
import { TOKENS } from "./tunnel-core.ts";

/** Starts it, and starts it again after it was killed. */
export class BareEdge implements AsyncDisposable {
  readonly pairing: Secret;
  readonly url: URL;
  readonly #start: () => Promise<Workerd>;
  readonly #storageDir: string;
  #runtime: Workerd;

  private constructor(
    pairing: Secret,
    storageDir: string,
    runtime: Workerd,
    start: (port: number) => Promise<Workerd>,
  ) {
    const { port } = runtime;
    this.pairing = pairing;
    this.url = new URL(`http://127.0.0.1:${port}/`);
    this.#storageDir = storageDir;
    this.#runtime = runtime;
    this.#start = () => start(port);
  }

  /** @param scriptPath - Of a bundle; default: one that is made now. */
  static async start(scriptPath?: string): Promise<BareEdge> {
    const storageDir = await mkdtemp(join(tmpdir(), "sallyport-bare-edge-"));
    const script = await readFile(scriptPath ?? (await bundleEdge()).path, "utf8");
    const settings = await readWrangler();
    const pairing = new Secret(randomToken());
    const bindings = { PAIRING_SECRET: pairing.reveal(), SEAL_KEY: randomToken() };
    const start = (port: number): Promise<Workerd> =>
      startWorkerd(
        workerdConfig(edgeWorker(settings, script, { port, storageDir, bindings })),
        () => undefined,
      );
    return new BareEdge(pairing, storageDir, await start(0), start);
  }

  get pid(): number {
    return this.#runtime.pid;
  }

  /** SIGKILL, and at once a new one on the same disk and port. */
  async killAndStart(): Promise<void> {
    process.kill(this.#runtime.pid, "SIGKILL");
    await this.#runtime.exited;
    this.#runtime = await this.#start();
  }

  /** What its relay says of its core and spool. */
  async core(): Promise<{ readonly connected: boolean; readonly spooled: number }> {
    const response = await callEdge(this.url, "/health", { token: TOKENS.operator });
    return JSON.parse(await response.text()).core;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#runtime[Symbol.asyncDispose]();
    await rm(this.#storageDir, { recursive: true });
  }
}
