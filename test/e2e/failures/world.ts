/** A real edge, a real end of the tunnel, and between the two a path that fails on demand. */
import { once } from "node:events";
import { WebSocket } from "ws";
import * as z from "zod";
import type { Upgrade } from "../../../core/tunnel/handlers.ts";
import { randomToken } from "../../../shared/bytes.ts";
import { Secret } from "../../../shared/secret.ts";
import { callEdge } from "../../support/edge-with-core.ts";
import { type RunningEdge, startEdge } from "../../support/edge.ts";
import { bundleFaultyEdge, faultsOf, type RelayFaults } from "../../support/evict.ts";
import { type FaultProxy, startFaultProxy } from "../../support/fault-proxy.ts";
import { becomes, bodyOf, EdgeLog, Ledger, strayIn } from "../../support/invariants.ts";
import {
  connectCore,
  type TunnelCore,
  type TunnelCoreOptions,
  TOKENS,
} from "../../support/tunnel-core.ts";

export interface WorldOptions extends Omit<TunnelCoreOptions, "edge" | "pairing" | "shelf"> {
  /** False: the edge is alone at first. */
  readonly connect?: boolean;
  /** Of the edge. */
  readonly rateLimits?: boolean;
  readonly storageDir?: string;
  /** Default: with a relay that obeys `faults`. */
  readonly scriptPath?: string;
  /** Sees what the core says. */
  readonly onSent?: (bytes: Uint8Array) => void;
}

const RelayState = z.object({
  cores: z.array(z.object({ instance: z.string(), leads: z.boolean(), requests: z.number() })),
  sockets: z.number(),
  bufferedBytes: z.number(),
});

/** Above the 15 s that a core may wait between two dials. */
const PATIENCE_MS = 30_000;

export async function startWorld(options: WorldOptions = {}): Promise<World> {
  const { connect = true, rateLimits, storageDir, scriptPath, onSent, ...core } = options;
  await using parts = new AsyncDisposableStack();
  const pairing = new Secret(randomToken());
  const log = new EdgeLog();
  const edge = parts.use(
    await startEdge({
      bindings: { PAIRING_SECRET: pairing.reveal() },
      scriptPath: scriptPath ?? (await bundleFaultyEdge()),
      onLine: log.onLine,
      ...(rateLimits === undefined ? {} : { rateLimits }),
      ...(storageDir === undefined ? {} : { storageDir }),
    }),
  );
  const proxy = parts.use(
    await startFaultProxy({
      target: Number(edge.url.port),
      ...(onSent === undefined ? {} : { onSent }),
    }),
  );
  const world = new World({ edge, proxy, log, pairing, options: core });
  if (connect) await world.connect();
  parts.use(world);
  const rest = parts.move();
  world.onDispose = () => rest.disposeAsync();
  return world;
}

interface Parts {
  readonly edge: RunningEdge;
  readonly proxy: FaultProxy;
  readonly log: EdgeLog;
  readonly pairing: Secret;
  readonly options: Omit<TunnelCoreOptions, "edge" | "pairing" | "shelf">;
}

export class World implements AsyncDisposable {
  readonly edge: RunningEdge;
  /** On the way of the core to the edge. */
  readonly proxy: FaultProxy;
  readonly log: EdgeLog;
  readonly faults: RelayFaults;
  readonly pairing: Secret;
  readonly ledger = new Ledger();
  readonly #options: Parts["options"];
  /** What the core keeps of itself while it is away. */
  readonly #shelf = new Map<string, string>();
  #core: TunnelCore | undefined;
  onDispose: () => Promise<void> = () => Promise.resolve();

  constructor({ edge, proxy, log, pairing, options }: Parts) {
    this.edge = edge;
    this.proxy = proxy;
    this.log = log;
    this.pairing = pairing;
    this.faults = faultsOf(edge);
    this.#options = options;
  }

  get core(): TunnelCore {
    if (this.#core === undefined) throw new Error("there is no core now");
    return this.#core;
  }

  /** Of the edge, as the core dials it: through the proxy. */
  get path(): URL {
    return new URL(`http://127.0.0.1:${this.proxy.port}/`);
  }

  /** Starts a core with the same identity, and the same inbox, as the one before. */
  async connect(change: Partial<Parts["options"]> = {}): Promise<TunnelCore> {
    this.#core = await connectCore({
      fetch: echo,
      upgrade: () => Promise.resolve(echoSocket()),
      deliver: ({ id }) => Promise.resolve(this.ledger.commit(id)),
      ...this.#options,
      ...change,
      edge: this.path,
      pairing: this.pairing,
      shelf: this.#shelf,
    });
    return this.#core;
  }

  /** The core takes its leave. */
  async disconnect(): Promise<void> {
    await this.#core?.[Symbol.asyncDispose]();
    this.#core = undefined;
  }

  call(path: string, init: RequestInit & { readonly token?: string } = {}): Promise<Response> {
    return callEdge(this.edge.url, path, { token: TOKENS.operator, ...init });
  }

  /** Sends body `seed` to the core and back. @returns What is wrong; undefined when nothing is. */
  async echo(seed: number, length: number): Promise<string | undefined> {
    const response = await this.call("/echo", { method: "POST", body: bodyOf(seed, length) });
    const bytes = await response.bytes();
    if (response.status !== 200) return `status ${response.status}`;
    if (bytes.byteLength !== length) return `${bytes.byteLength} bytes of ${length}`;
    return strayIn(bytes, seed, length);
  }

  /** Waits until a request goes through. @throws Error when none does. */
  async reachable(): Promise<void> {
    const isSo = async (): Promise<boolean> => (await this.echo(1, 100)) === undefined;
    if (!(await becomes(isSo, PATIENCE_MS))) throw new Error("the core cannot be reached");
  }

  /** A webhook of one lane; a 2xx is written down. */
  async webhook(number: number, lane = 1): Promise<Response> {
    const response = await callEdge(this.edge.url, "/hooks/telegram", {
      method: "POST",
      headers: { "X-Telegram-Bot-Api-Secret-Token": TOKENS.telegram },
      body: JSON.stringify({ update_id: number, message: { chat: { id: lane }, text: "hi" } }),
    });
    await response.arrayBuffer();
    if (response.ok) this.ledger.acknowledge(`telegram:${number}`);
    return response;
  }

  async health(): Promise<{ readonly connected: boolean; readonly spooled: number }> {
    const response = await callEdge(this.edge.url, "/health", { token: TOKENS.operator });
    return JSON.parse(await response.text()).core;
  }

  /** What the relay says of itself to its core. */
  async relayState(): Promise<z.output<typeof RelayState>> {
    const { status, body } = await this.core.tunnel.request(undefined, "GET", "/state");
    if (status !== 200) throw new Error(`the relay's state was answered with ${status}`);
    return RelayState.parse(body);
  }

  /** A client's WebSocket, opened. */
  async socket(path = "/gateway"): Promise<WebSocket> {
    const url = new URL(path, this.edge.url);
    url.protocol = "ws:";
    const headers = { Authorization: `Bearer ${TOKENS.operator}` };
    const socket = new WebSocket(url, { headers });
    await once(socket, "open");
    return socket;
  }

  /**
   * The invariants, once the failure is over: the core is reached, nothing waits, nothing is lost
   * or doubled, and nobody has complained but of what was done on purpose.
   *
   * @param expected - Parts of log lines that belong to the failure itself.
   * @throws Error that says what does not hold.
   */
  async settled(...expected: readonly string[]): Promise<void> {
    await this.reachable();
    const empty = async (): Promise<boolean> => (await this.health()).spooled === 0;
    if (!(await becomes(empty, PATIENCE_MS))) throw new Error("webhooks still wait in the relay");
    const forgotten = async (): Promise<boolean> => (await this.relayState()).bufferedBytes === 0;
    if (!(await becomes(forgotten, PATIENCE_MS))) throw new Error("bytes still wait in the relay");
    const { lost, doubled } = this.ledger;
    const complaints = this.log.complaints(expected);
    const broken = Object.entries({ lost, doubled, complaints }).filter(([, list]) => list.length);
    if (broken.length > 0) throw new Error(`invariants broken: ${JSON.stringify(broken)}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.disconnect();
    const { onDispose } = this;
    this.onDispose = () => Promise.resolve();
    await onDispose();
  }
}

async function echo(request: Request): Promise<Response> {
  return new Response(await request.bytes());
}

/** Sends back what it gets. */
export function echoSocket(onClose: (code: number) => void = () => undefined): Upgrade {
  return {
    accepted: true,
    protocol: undefined,
    survives: true,
    take(socket) {
      socket.listen({
        onMessage: (message, receipt) => receipt.answer(message),
        onClose,
      });
    },
  };
}
