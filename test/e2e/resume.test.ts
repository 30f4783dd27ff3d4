/** Clients that see nothing of a core that restarts and a relay that dies. */
import { EventEmitter, once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { WebSocket } from "ws";
import { resumable } from "../../core/resume/resumable.ts";
import { ResumeSessions } from "../../core/resume/sessions.ts";
import type { ClientSocket, TunnelHandlers, Upgrade } from "../../core/tunnel/handlers.ts";
import { randomToken } from "../../shared/bytes.ts";
import { ResumingWebSocket } from "../../shared/resume/client.ts";
import { Secret } from "../../shared/secret.ts";
import { type RunningEdge, startEdge } from "../support/edge.ts";
import { readEvents } from "../support/event-source.ts";
import { bundleFaultyEdge, faultsOf } from "../support/evict.ts";
import { hear } from "../support/hear.ts";
import { aBundle, connectCore, type TunnelCore, TOKENS } from "../support/tunnel-core.ts";
import { until } from "../support/until.ts";

const pairing = new Secret(randomToken());
const shelf = new Map<string, string>();
let edge: RunningEdge;

beforeAll(async () => {
  edge = await startEdge({
    bindings: { PAIRING_SECRET: pairing.reveal() },
    scriptPath: await bundleFaultyEdge(),
  });
});

afterAll(async () => {
  await edge[Symbol.asyncDispose]();
});

/** As the platform's, with the header that a browser would send as a cookie. */
class Authorized extends WebSocket {
  constructor(url: string, protocols: string[]) {
    super(url, protocols, { headers: { Authorization: `Bearer ${TOKENS.operator}` } });
  }
}

/** Answers each message with itself and how often this client has been answered, over all cores. */
function counting(kept: string, onClose: (code: number) => void = () => undefined): Upgrade {
  return {
    accepted: true,
    protocol: "count.v1",
    survives: true,
    take(socket: ClientSocket) {
      let count = Number(kept);
      socket.listen({
        onMessage(message, receipt) {
          count += 1;
          socket.keep(String(count));
          receipt.answer(`${count}:${String(message)}`);
          if (message === "close me") socket.close(4321, "as you wish");
        },
        onClose,
      });
    },
  };
}

async function start(change: Partial<TunnelHandlers> = {}): Promise<TunnelCore> {
  const bundle = await aBundle();
  const handlers: TunnelHandlers = {
    fetch: () => Promise.resolve(new Response("hello")),
    upgrade: () => Promise.resolve(counting("")),
    reattach: (_request, _caller, kept) => Promise.resolve(counting(kept)),
    deliver: () => Promise.resolve("committed"),
    bundle: () => bundle,
    ...change,
  };
  return connectCore({
    edge: edge.url,
    pairing,
    shelf,
    ...resumable(handlers, new ResumeSessions()),
  });
}

function connect(path = "/socket"): ResumingWebSocket {
  const url = new URL(path, edge.url);
  url.protocol = "ws:";
  const options = { webSocket: Authorized, protocols: ["count.v1"] };
  return new ResumingWebSocket(url.href, options);
}

/** Asks the next question with each answer: so many are always under way. */
class EchoClient {
  readonly socket = connect();
  readonly got: string[] = [];
  readonly errors: string[] = [];
  resumed = 0;
  #sent = 0;
  #stopped = false;

  constructor(underWay: number) {
    const { socket } = this;
    hear(socket, {
      open: () => {
        for (let count = 0; count < underWay; count += 1) this.#ask();
      },
      message: (data) => {
        this.got.push(String(data));
        if (!this.#stopped) this.#ask();
      },
      resumed: () => {
        this.resumed += 1;
      },
      fresh: () => this.errors.push("fresh"),
      error: () => this.errors.push("error"),
      close: ({ code }) => this.errors.push(`close ${code}`),
    });
  }

  get expected(): string[] {
    return Array.from({ length: this.#sent }, (_v, index) => `${index + 1}:m${index + 1}`);
  }

  async answered(more: number): Promise<void> {
    const enough = this.got.length + more;
    await until(() => this.got.length >= enough, { everyMs: 2, patienceMs: 30_000 });
  }

  /** Resolves when all that it asked is answered. */
  async finish(): Promise<void> {
    this.#stopped = true;
    await until(() => this.got.length >= this.#sent, { everyMs: 2, patienceMs: 30_000 });
  }

  #ask(): void {
    this.#sent += 1;
    this.socket.send(`m${this.#sent}`);
  }
}

/** Events that happened, whoever tells of them. */
class EventLog {
  readonly #events = new EventEmitter();
  #last = 0;

  get last(): number {
    return this.#last;
  }

  happen(): void {
    this.#last += 1;
    this.#events.emit("event");
  }

  readonly answer = (request: Request): Promise<Response> => {
    let next = Number(request.headers.get("Last-Event-ID") ?? 0) + 1;
    const encoder = new TextEncoder();
    const body = new ReadableStream<Uint8Array>({
      pull: async (controller) => {
        while (next > this.#last) await once(this.#events, "event");
        controller.enqueue(encoder.encode(`id: ${next}\ndata: event ${next}\n\n`));
        next += 1;
      },
    });
    const headers = { "Content-Type": "text/event-stream" };
    return Promise.resolve(new Response(body, { headers }));
  };
}

test("an echo client and a reader of events see nothing of ten restarts of the core and five deaths of the relay", async ({
  annotate,
}) => {
  const log = new EventLog();
  const change = { fetch: log.answer };
  let core = await start(change);
  const relay = faultsOf(edge);
  const client = new EchoClient(4);
  const over = new AbortController();
  const events: string[] = [];
  const reading = readEvents(new URL("/events", edge.url), {
    headers: { Authorization: `Bearer ${TOKENS.operator}` },
    signal: over.signal,
    onEvent: ({ data }) => events.push(data),
    wait: () => sleep(100),
  });
  await client.answered(20);
  const recoveries: { readonly fault: string; readonly ms: number }[] = [];
  const suffer = async (fault: string, happen: () => Promise<void>): Promise<void> => {
    log.happen();
    const startedAt = performance.now();
    await happen();
    log.happen();
    await client.answered(5);
    recoveries.push({ fault, ms: Math.round(performance.now() - startedAt) });
    await client.answered(50);
  };
  const restart = async (): Promise<void> => {
    await core[Symbol.asyncDispose]();
    core = await start(change);
  };
  for (let round = 0; round < 5; round += 1) {
    await suffer("core", restart);
    await suffer("relay", () => relay.abort());
    await suffer("core", restart);
  }
  await client.finish();
  log.happen();
  await until(() => events.length >= log.last, { patienceMs: 30_000 });
  expect(client.errors).toEqual([]);
  expect(client.got).toEqual(client.expected);
  expect(client.resumed).toBe(5);
  expect(events).toEqual(Array.from({ length: log.last }, (_v, index) => `event ${index + 1}`));
  over.abort();
  await reading;
  await annotate(JSON.stringify(recoveries));
  client.socket.close();
  await core[Symbol.asyncDispose]();
});

test("each side closes the other with its own code, through edge and relay", async () => {
  const closed: number[] = [];
  const core = await start({
    upgrade: () => Promise.resolve(counting("", (code) => closed.push(code))),
  });
  const first = connect();
  const ending = once(first, "close");
  hear(first, { open: () => first.send("close me") });
  expect(await ending).toMatchObject([{ code: 4321, reason: "as you wish", wasClean: true }]);
  await until(() => closed.length === 1);
  const second = connect();
  await once(second, "open");
  const answered = once(second, "close");
  second.close(4000, "bye");
  expect(await answered).toMatchObject([{ code: 4000, reason: "bye", wasClean: true }]);
  await until(() => closed.length === 2);
  expect(closed).toEqual([4321, 4000]);
  await core[Symbol.asyncDispose]();
});

test("a client that does not know of any of this gets an ordinary WebSocket", async () => {
  const core = await start();
  const url = new URL("/socket", edge.url);
  url.protocol = "ws:";
  const socket = new Authorized(url.href, ["count.v1"]);
  await once(socket, "open");
  socket.send("hello");
  const [answer] = await once(socket, "message");
  expect([socket.protocol, String(answer)]).toEqual(["count.v1", "1:hello"]);
  socket.terminate();
  await core[Symbol.asyncDispose]();
});

test("a refusal by the app is the answer to the upgrade", async () => {
  const response = new Response("not you", { status: 403 });
  const core = await start({ upgrade: () => Promise.resolve({ accepted: false, response }) });
  const socket = connect();
  expect(await once(socket, "close")).toMatchObject([{ code: 1006, wasClean: false }]);
  await core[Symbol.asyncDispose]();
});

test("a core and its relay that die together leave a client that knows it must begin anew", async () => {
  const core = await start();
  const socket = connect();
  await once(socket, "open");
  const fresh = once(socket, "fresh");
  await core[Symbol.asyncDispose]();
  await faultsOf(edge).abort();
  const next = await start();
  await fresh;
  const answer = once(socket, "message");
  socket.send("hello");
  expect(await answer).toMatchObject([{ data: "1:hello" }]);
  socket.close();
  await next[Symbol.asyncDispose]();
});
