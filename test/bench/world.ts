import { rmSync } from "node:fs";
import { mkdtemp, readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import * as z from "zod";
import { bundleEdge } from "../../infra/cloudflare/bundle.ts";
import { readWrangler } from "../../infra/cloudflare/settings.ts";
import {
  edgeWorker,
  workerdConfig,
  type WorkerdWorker,
} from "../../infra/cloudflare/workerd-config.ts";
import { startWorkerd, type Workerd } from "../../infra/cloudflare/workerd.ts";
import { randomToken } from "../../shared/bytes.ts";
import {
  EventsResult,
  IdleResult,
  RequestsResult,
  type Target,
  type Task,
  TransferResult,
} from "./load/task.ts";
import { FLOOR_SCRIPT } from "./peers/floor-worker.ts";
import { WebhookCounts, type WebhookOrder } from "./peers/webhook-orders.ts";
import { NodeChild } from "./processes/child.ts";
import { type EdgeDoor, launchCore, makeCoreHome } from "./processes/core.ts";
import { atExit, forget, remember } from "./processes/registry.ts";

const HERE = fileURLToPath(new URL("./", import.meta.url));

/** How often we look whether the edge knows its core. */
const POLL_MS = 20;
const CONNECT_PATIENCE_MS = 20_000;

/** An edge on the bare runtime. */
export interface Edge extends EdgeDoor {
  readonly pid: number;
  readonly storageDir: string;
}

/** The real core, as `sallyport gateway` runs it. */
export interface Core {
  readonly port: number;
  readonly pid: number;
  readonly token: string;
  readonly hooksToken: string;
  readonly githubSecret: string;
  /** What a command line of the same machine needs to find it. */
  readonly env: Readonly<Record<string, string>>;
  readonly edge: Edge | undefined;
  /** Lets it end in its own way, which leaves its compiled code behind for the next one. */
  stop(): Promise<void>;
}

/** The real end of the tunnel, with a handler of the bench behind it. */
export interface TunnelEnd {
  /** What its relay says of itself; wakes it. */
  state(): Promise<RelayState>;
  /** Its own port, without any edge in between. */
  readonly port: number;
  readonly token: string;
  readonly edge: Edge;
}

/** A core that does nothing with webhooks but to say that it has them. */
export interface WebhookEnd {
  readonly edge: Edge;
  readonly token: string;
  /** What its routes are signed with. */
  readonly secret: string;
  readonly pid: number;
  /** Resolves when that is done. */
  tell(order: WebhookOrder): Promise<WebhookCounts>;
}

const RelayState = z.object({
  awakeMs: z.number(),
  wakes: z.record(z.string(), z.number()),
  sockets: z.int(),
  bufferedBytes: z.number(),
});
export type RelayState = z.output<typeof RelayState>;

/** The parts that measurements share; each is started when the first of them asks for it. */
export class World implements AsyncDisposable {
  readonly quick: boolean;
  /** For everything that is written; gone when the bench is. */
  readonly folder: string;
  readonly parts: AsyncDisposableStack;
  readonly #load: () => Promise<NodeChild>;
  readonly #background: () => Promise<NodeChild>;
  readonly model = lazy(() => this.#startModel());
  readonly bareGateway = lazy(async () => this.#startPeer("bare-gateway.ts", [await this.model()]));
  readonly bareRpc = lazy(() => this.#startPeer("bare-rpc.ts", []));
  readonly floor = lazy(() => this.#startFloor());
  readonly tunnelEnd = lazy(() => this.#startTunnelEnd());
  /** Connected to an edge of its own, and with a model that answers at once. */
  readonly core = lazy(async () => this.startCore(await this.startEdge()));

  static async create(quick: boolean): Promise<World> {
    const folder = await mkdtemp(join(tmpdir(), "sallyport-bench-"));
    return new World(quick, folder);
  }

  private constructor(quick: boolean, folder: string) {
    this.quick = quick;
    this.folder = folder;
    this.parts = new AsyncDisposableStack();
    atExit(() => rmSync(folder, { recursive: true, force: true, maxRetries: 3 }));
    const startLoad = async (): Promise<NodeChild> => {
      const { child } = await NodeChild.start(join(HERE, "load/main.ts"), folder);
      return this.parts.use(child);
    };
    this.#load = lazy(startLoad);
    this.#background = lazy(startLoad);
  }

  /** @throws Error when an answer was not what it should be: a fast refusal is no result. */
  async requests(
    target: Target,
    options: { readonly connections: number; readonly forMs?: number; readonly count?: number },
  ): Promise<RequestsResult> {
    const result = RequestsResult.parse(await this.#ask({ kind: "requests", target, ...options }));
    if (result.failed > 0) throw new Error(`${result.failed} × ${target.path} failed`);
    return result;
  }

  async events(target: Target): Promise<EventsResult> {
    return EventsResult.parse(await this.#ask({ kind: "events", target }));
  }

  async transfer(target: Target, uploadBytes: number, times: number): Promise<TransferResult> {
    const task: Task = { kind: "transfer", target, uploadBytes, times };
    return TransferResult.parse(await this.#ask(task));
  }

  async echo(
    target: Target,
    options: {
      readonly sockets: number;
      readonly window: number;
      readonly bytes: number;
      readonly forMs: number;
    },
  ): Promise<RequestsResult> {
    return RequestsResult.parse(await this.#ask({ kind: "echo", target, ...options }));
  }

  async idle(target: Target, sockets: number): Promise<IdleResult> {
    return IdleResult.parse(await this.#ask({ kind: "idle", target, sockets }));
  }

  async calls(task: Omit<Extract<Task, { kind: "calls" }>, "kind">): Promise<RequestsResult> {
    return RequestsResult.parse(await this.#ask({ kind: "calls", ...task }));
  }

  async chats(task: Omit<Extract<Task, { kind: "chats" }>, "kind">): Promise<RequestsResult> {
    return RequestsResult.parse(await this.#ask({ kind: "chats", ...task }));
  }

  /** Does something beside what is measured, from a process of its own. */
  async beside(task: Task): Promise<unknown> {
    return (await this.#background()).ask(task);
  }

  async startEdge(): Promise<Edge> {
    const { path } = await bundleEdge(join(this.folder, "worker.js"));
    const pairing = randomToken();
    const storageDir = await mkdtemp(join(this.folder, "edge-"));
    const script = await readFile(path, "utf8");
    const worker = edgeWorker(await readWrangler(), script, {
      port: 0,
      storageDir,
      bindings: { PAIRING_SECRET: pairing, SEAL_KEY: randomToken() },
    });
    const { port, pid } = await this.startRuntime(worker);
    return { port, pid, storageDir, pairing };
  }

  async startRuntime(worker: WorkerdWorker): Promise<Workerd> {
    const workerd = this.parts.use(await startWorkerd(workerdConfig(worker), () => {}));
    remember(workerd.pid);
    void workerd.exited.then(() => forget(workerd.pid));
    return workerd;
  }

  /** A Worker as bare as the floor's, for the same runtime as the edge. */
  async floorWorker(): Promise<WorkerdWorker> {
    const { compatibility_date, compatibility_flags } = await readWrangler();
    return {
      name: "floor",
      script: FLOOR_SCRIPT,
      compatibilityDate: compatibility_date,
      compatibilityFlags: compatibility_flags,
      bindings: {},
      durableObjects: [{ binding: "FLOOR", className: "Floor", sqlite: true }],
      storageDir: await mkdtemp(join(this.folder, "floor-")),
      host: "127.0.0.1",
      port: 0,
    };
  }

  /** A gateway with a fresh state folder, ready and, if it has an edge, connected to it. */
  async startCore(edge?: Edge): Promise<Core> {
    const home = await makeCoreHome(this.folder, { model: await this.model(), edge });
    const { child, port } = await launchCore(home, this.folder);
    this.parts.use(child);
    const { token, hooksToken, githubSecret } = home;
    if (edge !== undefined) await reaches(edge.port, "/v1/models", token);
    const env = { ...home.env, OPENCLAW_GATEWAY_PORT: String(port) };
    const stop = (): Promise<void> => child.stop();
    return { port, pid: child.pid, token, hooksToken, githubSecret, env, edge, stop };
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.parts.disposeAsync();
  }

  async #ask(task: Task): Promise<unknown> {
    return (await this.#load()).ask(task);
  }

  async #startModel(): Promise<string> {
    const { child, ready } = await NodeChild.start(join(HERE, "peers/model.ts"), this.folder);
    this.parts.use(child);
    return z.object({ baseUrl: z.string() }).parse(ready).baseUrl;
  }

  async #startPeer(script: string, args: readonly string[]): Promise<{ readonly port: number }> {
    const { child, ready } = await NodeChild.start(join(HERE, "peers", script), this.folder, args);
    this.parts.use(child);
    return z.object({ port: z.int() }).parse(ready);
  }

  async #startFloor(): Promise<Workerd> {
    return this.startRuntime(await this.floorWorker());
  }

  /** An edge of its own, and a core behind it that comes and goes. */
  async startWebhookEnd(): Promise<WebhookEnd> {
    const edge = await this.startEdge();
    const args = [`http://127.0.0.1:${edge.port}`, edge.pairing];
    const script = join(HERE, "peers/webhook-core.ts");
    const { child, ready } = await NodeChild.start(script, this.folder, args);
    this.parts.use(child);
    const { token, secret } = z.object({ token: z.string(), secret: z.string() }).parse(ready);
    const tell = async (order: WebhookOrder): Promise<WebhookCounts> =>
      WebhookCounts.parse(await child.ask(order));
    return { edge, token, secret, pid: child.pid, tell };
  }

  async #startTunnelEnd(): Promise<TunnelEnd> {
    const edge = await this.startEdge();
    const { child, ready } = await NodeChild.start(
      join(HERE, "peers/tunnel-core.ts"),
      this.folder,
      [`http://127.0.0.1:${edge.port}`, edge.pairing],
    );
    this.parts.use(child);
    const { port, token } = z.object({ port: z.int(), token: z.string() }).parse(ready);
    await reaches(edge.port, "/tiny", token);
    const state = async (): Promise<RelayState> => RelayState.parse(await child.ask({}));
    return { port, token, edge, state };
  }
}

/** A request with a bearer token, as the load process sends it. */
export function bearer(port: number, path: string, token: string): Target {
  return { port, path, headers: { Authorization: `Bearer ${token}` } };
}

async function reaches(port: number, path: string, token: string): Promise<void> {
  const until = Date.now() + CONNECT_PATIENCE_MS;
  let status = 0;
  while (Date.now() < until) {
    const headers = { Authorization: `Bearer ${token}` };
    const response = await fetch(`http://127.0.0.1:${port}${path}`, { headers });
    await response.bytes();
    ({ status } = response);
    if (status === 200) return;
    await delay(POLL_MS);
  }
  throw new Error(`${path} through the edge still answers ${status}`);
}

/** The same promise every time, made when it is first wanted. */
function lazy<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => (made ??= make());
}
