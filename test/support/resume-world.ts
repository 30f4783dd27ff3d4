/**
 * A client, a relay and a core in one process, with every message between them on a wire of its
 * own, so that a test may stop the world between any two and kill what it likes. The relay keeps
 * to shared/tunnel/protocol.md, section 10.1; the client and the core's part are the product's.
 */
import { resumable } from "../../core/resume/resumable.ts";
import { ResumeSessions } from "../../core/resume/sessions.ts";
import type { Caller, TunnelHandlers, Upgrade } from "../../core/tunnel/handlers.ts";
import type { SocketConstructor } from "../../shared/resume/socket-like.ts";
import type { Random } from "./random.ts";
import { ClientEnd } from "./resume-client-end.ts";
import { type CoreFrame, type Message, Stream } from "./resume-stream.ts";

const CALLER: Caller = {
  principal: { subject: "owner", scopes: ["operator"] },
  requestId: "req-1",
  ip: "127.0.0.1",
  via: "edge",
};

/** A client's socket as the relay has it. */
class RelayConnection {
  readonly client: ClientEnd;
  stream: Stream | undefined;
  kept = "";
  protocol = "";
  survives = false;
  count = 0;
  held = new Map<number, Message>();

  constructor(client: ClientEnd) {
    this.client = client;
  }
}

/** One message of the tunnel, of one stream. */
interface Batch {
  readonly connection: RelayConnection;
  readonly stream: Stream;
  readonly frames: readonly CoreFrame[];
}

interface Timer {
  readonly due: number;
  readonly callback: () => void;
}

interface Core {
  readonly handlers: TunnelHandlers;
  readonly sessions: ResumeSessions;
}

export class ResumeWorld {
  readonly random: Random;
  readonly #app: Pick<TunnelHandlers, "upgrade" | "reattach">;
  #core: Core | undefined;
  #isReachable = true;
  #connections = new Set<RelayConnection>();
  #dialling: ClientEnd[] = [];
  #toRelay: Batch[] = [];
  #toCore: (() => void)[] = [];
  #timers = new Map<object, Timer>();
  now = 0;
  /** Who connects from now on. */
  caller = CALLER;
  /** Bytes and texts that clients have sent. */
  readonly sent: Message[] = [];

  constructor(random: Random, app: Pick<TunnelHandlers, "upgrade" | "reattach">) {
    this.random = random;
    this.#app = app;
  }

  readonly delay = (callback: () => void, ms: number): (() => void) => {
    const timer = {};
    this.#timers.set(timer, { due: this.now + ms, callback });
    return () => void this.#timers.delete(timer);
  };

  /** For the client. */
  get webSocket(): SocketConstructor {
    const dial = (client: ClientEnd): void => void this.#dialling.push(client);
    return class extends ClientEnd {
      constructor(_url: string, protocols: string[]) {
        super(protocols);
        dial(this);
      }
    };
  }

  startCore(): void {
    const sessions = new ResumeSessions({ delay: this.delay });
    const handlers = resumable(
      {
        ...this.#app,
        fetch: () => Promise.reject(new Error("no requests here")),
        deliver: () => Promise.reject(new Error("no webhooks here")),
        bundle: () => ({ verifiers: [], routes: [], rate: { perSecond: 1, burst: 1 } }),
      },
      sessions,
    );
    this.#core = { handlers, sessions };
    this.#reattach();
  }

  /** What the core had not sent is lost; the relay keeps its clients. */
  killCore(): void {
    for (const { stream } of this.#connections) if (stream !== undefined) stream.over = true;
    this.#core = undefined;
    this.#loseTunnel();
  }

  /** The same core comes back over another connection. */
  blip(): void {
    const streams = [...this.#connections].flatMap(({ stream }) => stream ?? []);
    this.#loseTunnel();
    for (const stream of streams) stream.end(1006);
    this.#reattach();
  }

  /** The relay forgets all, and every socket with it. */
  loseRelay(): void {
    const lost = [...this.#connections];
    this.#connections.clear();
    this.#loseTunnel();
    for (const { stream, client } of lost) {
      client.outgoing.length = 0;
      client.incoming.length = 0;
      stream?.end(1006);
      client.closed(1006);
    }
  }

  /** Whoever connects from now on fails. @returns What ends that. */
  stopAccepting(): () => void {
    this.#isReachable = false;
    return () => {
      this.#isReachable = true;
    };
  }

  /** Until nothing more happens by itself. */
  async settle(): Promise<void> {
    while (await this.step());
  }

  /** Time passes, and whoever waited for it acts. */
  async elapse(ms: number): Promise<void> {
    const until = this.now + ms;
    for (;;) {
      const [next] = [...this.#timers].toSorted(([, a], [, b]) => a.due - b.due);
      if (next === undefined || next[1].due > until) break;
      this.#fire(next[0], next[1]);
      await settled();
      while (await this.#act());
    }
    this.now = until;
  }

  /** One thing happens, anywhere. @returns False when nothing can. */
  async step(): Promise<boolean> {
    return (await this.#act()) || this.#advance();
  }

  async #act(): Promise<boolean> {
    const possible = this.#possible();
    if (possible.length === 0) return false;
    await this.random.pick(possible)();
    await settled();
    return true;
  }

  #possible(): (() => void | Promise<void>)[] {
    const possible: (() => void | Promise<void>)[] = [];
    const dialling = this.#dialling;
    if (dialling.length > 0) possible.push(() => this.#accept(dialling.shift()));
    if (this.#toCore.length > 0) possible.push(() => this.#toCore.shift()?.());
    if (this.#toRelay.length > 0) possible.push(() => this.#take(this.#toRelay.shift()));
    for (const connection of this.#connections) {
      const { client, stream } = connection;
      if (client.outgoing.length > 0) {
        possible.push(() => this.#receive(connection, client.outgoing.shift()));
      } else if (client.closing) {
        possible.push(() => this.#closedByClient(connection));
      }
      if (client.incoming.length > 0) possible.push(() => client.incoming.shift()?.());
      if (stream !== undefined && stream.control.length + stream.data.length > 0) {
        possible.push(() => {
          this.#toRelay.push({ connection, stream, frames: stream.flush(this.random) });
        });
      }
    }
    return possible;
  }

  #advance(): boolean {
    const [next] = [...this.#timers].toSorted(([, a], [, b]) => a.due - b.due);
    // Later ones are of those who wait for somebody to give up.
    if (next === undefined || next[1].due > this.now + 3_000) return false;
    this.#fire(next[0], next[1]);
    return true;
  }

  #fire(timer: object, { due, callback }: Timer): void {
    this.#timers.delete(timer);
    this.now = Math.max(this.now, due);
    callback();
  }

  async #accept(client: ClientEnd | undefined): Promise<void> {
    if (client === undefined) return;
    const core = this.#isReachable ? this.#core : undefined;
    const upgrade = await core?.handlers.upgrade(requestOf(client.offered), this.caller);
    if (upgrade?.accepted !== true || core !== this.#core) {
      client.closed(1006);
      return;
    }
    const connection = new RelayConnection(client);
    connection.protocol = upgrade.protocol ?? "";
    connection.survives = upgrade.survives;
    this.#connections.add(connection);
    client.opened(connection.protocol);
    this.#give(connection, upgrade);
  }

  #give(connection: RelayConnection, upgrade: Extract<Upgrade, { accepted: true }>): void {
    const stream = new Stream();
    connection.stream = stream;
    upgrade.take(stream);
    const waiting = [...connection.held.values()];
    connection.held = new Map();
    connection.count = 0;
    for (const message of waiting) this.#receive(connection, message);
  }

  #receive(connection: RelayConnection, message: Message | undefined): void {
    if (message === undefined) return;
    this.sent.push(message);
    connection.count += 1;
    connection.held.set(connection.count, message);
    const { stream } = connection;
    if (stream !== undefined) this.#toCore.push(() => stream.over || stream.arrive(message));
  }

  #take(batch: Batch | undefined): void {
    const connection = batch?.connection;
    if (batch === undefined || connection?.stream !== batch.stream) return;
    const { client } = connection;
    for (const frame of batch.frames) {
      if (frame.kind === "state") connection.kept = frame.state;
      else if (frame.kind === "message") client.incoming.push(() => client.message(frame.message));
      else if (frame.kind === "close") this.#closedByCore(connection, frame.code, frame.reason);
      if ("answers" in frame) connection.held.delete(frame.answers);
    }
  }

  #closedByCore(connection: RelayConnection, code: number, reason: string): void {
    const { client, stream } = connection;
    this.#connections.delete(connection);
    stream?.end(code);
    for (const event of client.incoming.splice(0)) event();
    client.closed(code, reason);
  }

  #closedByClient(connection: RelayConnection): void {
    this.#connections.delete(connection);
    connection.client.closed(1005);
    const { stream } = connection;
    if (stream !== undefined) this.#toCore.push(() => stream.end(1005));
  }

  #loseTunnel(): void {
    this.#toCore = [];
    this.#toRelay = [];
    for (const connection of this.#connections) connection.stream = undefined;
  }

  #reattach(): void {
    for (const connection of this.#connections) void this.#attach(connection, this.#core);
  }

  async #attach(connection: RelayConnection, core: Core | undefined): Promise<void> {
    const request = requestOf([connection.protocol]);
    const upgrade = await core?.handlers.reattach(request, this.caller, connection.kept);
    if (core !== this.#core || connection.stream !== undefined) return;
    if (upgrade?.accepted === true && connection.survives) this.#give(connection, upgrade);
    else this.#closedByCore(connection, 1012, "the core does not know this client");
  }
}

function requestOf(protocols: readonly string[]): Request {
  const headers = { "Sec-WebSocket-Protocol": protocols.join(", ") };
  return new Request("http://edge.test/socket", { headers });
}

/** Whatever follows from what has happened has happened. */
async function settled(): Promise<void> {
  await new Promise(setImmediate);
}
