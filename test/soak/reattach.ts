import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { WebSocket } from "ws";
import { bundleEdge } from "../../infra/cloudflare/bundle.ts";
import { randomToken } from "../../shared/bytes.ts";
import { startEdge } from "../support/edge.ts";
import { becomes, EdgeLog } from "../support/invariants.ts";
import { aBundle, TOKENS } from "../support/tunnel-core.ts";
import type { Budget, Outcome } from "./scenario.ts";

const CLIENTS = 20;
/** Messages of each client that are always under way. */
const UNDER_WAY = 5;
const KILL_EVERY_MS = 2_000;
const DRAIN_MS = 30_000;
const CORE = fileURLToPath(new URL("./echo-core.ts", import.meta.url));

/** Asks the next question with each answer, and keeps count of both. */
class Client {
  answered = 0;
  wrong: string | undefined;
  readonly #socket: WebSocket;
  #sent = 0;
  #stopped = false;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.on("message", (data: Buffer) => this.#heard(data.toString()));
    socket.on("close", (code) => {
      this.wrong ??= `closed with ${code}`;
    });
    for (let count = 0; count < UNDER_WAY; count += 1) this.#ask();
  }

  static async open(edge: URL): Promise<Client> {
    const url = new URL("/echo", edge);
    url.protocol = "ws:";
    const headers = { Authorization: `Bearer ${TOKENS.operator}` };
    const socket = new WebSocket(url, { headers });
    await once(socket, "open");
    return new Client(socket);
  }

  get settled(): boolean {
    return this.answered === this.#sent || this.wrong !== undefined;
  }

  /** Asks nothing more. */
  stop(): void {
    this.#stopped = true;
  }

  end(): void {
    this.#socket.terminate();
  }

  #ask(): void {
    this.#sent += 1;
    this.#socket.send(`m${this.#sent}`);
  }

  #heard(text: string): void {
    this.answered += 1;
    const expected = `${this.answered}:m${this.answered}`;
    if (text !== expected) this.wrong ??= `heard ${text} instead of ${expected}`;
    if (!this.#stopped && this.wrong === undefined) this.#ask();
  }
}

/** Clients of a core that is killed every two seconds: none is closed, and each counts on. */
export async function reattachClients({ seconds }: Budget): Promise<Outcome> {
  await using parts = new AsyncDisposableStack();
  const pairing = randomToken();
  const log = new EdgeLog();
  const { path: scriptPath } = await bundleEdge();
  const bindings = { PAIRING_SECRET: pairing };
  const edge = parts.use(await startEdge({ scriptPath, bindings, onLine: log.onLine }));
  const stateDir = await mkdtemp(join(tmpdir(), "sallyport-soak-"));
  parts.defer(() => rm(stateDir, { recursive: true }));
  const store = randomToken();
  const bundle = await aBundle();
  let epoch = 0;
  const start = () => {
    epoch += 1;
    const options = { edge: edge.url.href, pairing, stateDir, store, epoch, bundle };
    const child = spawn(process.execPath, [CORE, JSON.stringify(options)], { stdio: "ignore" });
    const exited = once(child, "exit");
    return {
      kill: async () => {
        child.kill("SIGKILL");
        await exited;
      },
    };
  };
  let core = start();
  parts.defer(() => core.kill());
  const served = await becomes(async () => {
    const headers = { Authorization: `Bearer ${TOKENS.operator}` };
    return (await fetch(new URL("/x", edge.url), { headers })).status === 200;
  }, DRAIN_MS);
  if (!served) throw new Error("the core did not reach its edge");

  // Of the time before there was a core.
  log.lines.length = 0;
  const clients = await Promise.all(Array.from({ length: CLIENTS }, () => Client.open(edge.url)));
  parts.defer(() => {
    for (const client of clients) client.end();
  });
  const until = performance.now() + seconds * 1000;
  let kills = 0;
  while (performance.now() < until) {
    await sleep(KILL_EVERY_MS);
    await core.kill();
    kills += 1;
    core = start();
  }
  for (const client of clients) client.stop();
  await becomes(async () => clients.every(({ settled }) => settled), DRAIN_MS);
  const unanswered = clients.filter(({ settled }) => !settled).length;
  return {
    counts: {
      clients: CLIENTS,
      kills,
      answered: clients.reduce((sum, { answered }) => sum + answered, 0),
    },
    violations: [
      ...clients.flatMap(({ wrong }, index) =>
        wrong === undefined ? [] : [`client ${index}: ${wrong}`],
      ),
      ...(unanswered === 0 ? [] : [`${unanswered} clients wait for an answer`]),
      ...log.complaints().map((line) => `the edge: ${line}`),
    ],
  };
}
