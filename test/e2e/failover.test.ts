import { EventEmitter, once } from "node:events";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, expect, type TestContext, test } from "vitest";
import { WebSocket } from "ws";
import * as z from "zod";
import { randomToken } from "../../shared/bytes.ts";
import { type CoreHome, type CoreProcess, createHome, startCore } from "../support/core.ts";
import { type RunningEdge, startEdge } from "../support/edge.ts";

let edge: RunningEdge;
let home: CoreHome;
const cores: CoreProcess[] = [];

beforeAll(async () => {
  const pairing = randomToken();
  edge = await startEdge({ bindings: { PAIRING_SECRET: pairing } });
  const limits = { rate: { perSecond: 1_000, burst: 5_000 } };
  home = await createHome(edge, pairing, { sallyport: { limits } });
});

// Also after one that failed: what it has left would have the state of the next.
afterEach(async () => void (await Promise.all(cores.splice(0).map((core) => core.kill()))));

afterAll(async () => {
  await home[Symbol.asyncDispose]();
  await edge[Symbol.asyncDispose]();
});

async function startPair(): Promise<{ leader: CoreProcess; standby: CoreProcess }> {
  const leader = await start([]);
  return { leader, standby: await startStandby() };
}

async function start(args: readonly string[]): Promise<CoreProcess> {
  const core = await startCore(home, edge, args);
  cores.push(core);
  return core;
}

/** One that has reached the edge, too. */
async function startStandby(): Promise<CoreProcess> {
  const core = await start(["--standby"]);
  await logged(core, "tunnel connected");
  return core;
}

async function logged(core: CoreProcess, text: string): Promise<void> {
  while (!core.log.some((line) => line.includes(text))) await sleep(20);
}

function models(): Promise<Response> {
  return fetch(new URL("/v1/models", edge.url), {
    headers: { Authorization: `Bearer ${home.token}` },
  });
}

/** When the request of a good answer was sent, and when the answer was there; ms. */
interface Answer {
  readonly sentAt: number;
  readonly at: number;
}

/**
 * So many at once and no more: what a busy machine cannot answer must not pile up in front of it.
 */
const MAX_UNDER_WAY = 40;

/** Asks `perSecond` times a second, or as often as it is answered, until told to stop. */
class Load {
  readonly statuses = new Map<number | string, number>();
  readonly #answered: Answer[] = [];
  readonly #events = new EventEmitter();
  readonly #stop = new AbortController();
  readonly #running: Promise<void>;

  constructor(perSecond: number) {
    this.#running = this.#run(1000 / perSecond);
  }

  /** Waits for so many more good answers. */
  async answers(count: number): Promise<void> {
    const enough = this.#answered.length + count;
    while (this.#answered.length < enough) await once(this.#events, "answer");
  }

  /** The first good answer like that. */
  async answerTo(isIt: (answer: Answer) => boolean): Promise<Answer> {
    for (;;) {
      const found = this.#answered.find(isIt);
      if (found !== undefined) return found;
      await once(this.#events, "answer");
    }
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  async #run(everyMs: number): Promise<void> {
    const underWay = new Set<Promise<void>>();
    while (!this.#stop.signal.aborted) {
      const asked = this.#ask().finally(() => underWay.delete(asked));
      underWay.add(asked);
      await sleep(everyMs);
      if (underWay.size >= MAX_UNDER_WAY) await Promise.race(underWay);
    }
    await Promise.all(underWay);
  }

  async #ask(): Promise<void> {
    const sentAt = performance.now();
    const status = await models().then(
      async (response) => {
        await response.arrayBuffer();
        return response.status;
      },
      (error: unknown) => String(error),
    );
    this.statuses.set(status, (this.statuses.get(status) ?? 0) + 1);
    if (status !== 200) return;
    this.#answered.push({ sentAt, at: performance.now() });
    this.#events.emit("answer");
  }
}

/** Sends webhooks as platforms do: again under the same id until they are taken. */
class Sender {
  readonly ids: string[] = [];
  readonly #stop = new AbortController();
  readonly #running: Promise<void> = this.#run();

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const underWay = new Set<Promise<void>>();
    for (let count = 0; !this.#stop.signal.aborted; count += 1) {
      const sent = this.#send(`hook-${count}`).finally(() => underWay.delete(sent));
      underWay.add(sent);
      await sleep(20);
      if (underWay.size >= MAX_UNDER_WAY) await Promise.race(underWay);
    }
    await Promise.all(underWay);
  }

  async #send(id: string): Promise<void> {
    for (;;) {
      const response = await fetch(new URL("/hooks/agent", edge.url), {
        method: "POST",
        headers: { Authorization: `Bearer ${home.hooksToken}`, "Idempotency-Key": id },
        body: JSON.stringify({ message: `this is ${id}.` }),
      }).catch(() => undefined);
      if (response?.ok === true) break;
      await sleep(100);
    }
    this.ids.push(id);
  }
}

const Frame = z.looseObject({
  type: z.string(),
  id: z.string().default(""),
  payload: z.unknown(),
});
const TunnelStatus = z.object({
  relays: z.array(z.object({ report: z.object({ spooled: z.number() }).nullable() })),
});

/** A client of the gateway protocol that asks one thing after another over one socket. */
class Asker {
  readonly answers: string[] = [];
  closed: number | undefined;
  readonly #socket: WebSocket;
  #last: unknown;
  #sent = 0;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.on("close", (code) => (this.closed = code));
    socket.on("message", (data: Buffer) => {
      const { type, id, payload } = Frame.parse(JSON.parse(data.toString()));
      if (type !== "res") return;
      this.answers.push(id);
      this.#last = payload;
    });
  }

  static async connect(): Promise<Asker> {
    const socket = new WebSocket(edge.url, {
      headers: { Authorization: `Bearer ${home.token}` },
    });
    const asker = new Asker(socket);
    await once(socket, "message");
    asker.#send("connect", {
      minProtocol: 4,
      maxProtocol: 4,
      client: { id: "cli", version: "1", platform: "linux", mode: "cli" },
      scopes: ["operator.read"],
    });
    await asker.settled();
    return asker;
  }

  ask(): void {
    this.#send("health", {});
  }

  /** Asks one thing, when nothing else is under way. */
  async request(method: string): Promise<unknown> {
    this.#send(method, {});
    await this.settled();
    return this.#last;
  }

  /** Every request has its answer. */
  async settled(): Promise<void> {
    const over = new AbortController();
    const closed = once(this.#socket, "close", { signal: over.signal });
    closed.catch(() => undefined);
    while (this.answers.length < this.#sent && this.closed === undefined) {
      await Promise.race([once(this.#socket, "message", { signal: over.signal }), closed]);
    }
    over.abort();
  }

  end(): void {
    this.#socket.terminate();
  }

  get asked(): string[] {
    return Array.from({ length: this.#sent }, (_, index) => String(index));
  }

  #send(method: string, params: object): void {
    this.#socket.send(JSON.stringify({ type: "req", id: String(this.#sent), method, params }));
    this.#sent += 1;
  }
}

/** What is wrong with webhooks that were acknowledged, in the state that was left behind. */
function wrongIn(ids: readonly string[]): string[] {
  const db = new DatabaseSync(join(home.dir, "sallyport.sqlite"), { readOnly: true });
  const states = new Map(
    db
      .prepare("select id, state from inbox")
      .all()
      .map(({ id, state }) => [String(id), String(state)]),
  );
  const texts = db
    .prepare("select message from message")
    .all()
    .map(({ message }) => String(message))
    .filter((text) => text.includes('"role":"user"'));
  db.close();
  return ids.flatMap((id) => {
    const state = states.get(`agent:${id}`) ?? "lost";
    const turns = texts.filter((text) => text.includes(`this is ${id}.`)).length;
    return turns === (state === "done" ? 1 : 0) && state !== "lost"
      ? []
      : [`${id}: ${state}, ${turns} turns`];
  });
}

/** The relay has handed on all that it kept while nobody led. */
async function spoolEmpty(asker: Asker): Promise<void> {
  for (;;) {
    const { relays } = TunnelStatus.parse(await asker.request("tunnel.status"));
    if (relays.every(({ report }) => report?.spooled === 0)) return;
    await sleep(100);
  }
}

test("a standby answers for a killed leader, and no webhook is lost or doubled", async (context: TestContext) => {
  const { leader, standby } = await startPair();
  const load = new Load(50);
  const sender = new Sender();
  const asker = await Asker.connect();
  await load.answers(20);

  asker.ask();
  const killedAt = performance.now();
  await leader.kill();
  asker.ask();
  await logged(standby, "gateway listening");
  const first = await load.answerTo(({ sentAt }) => sentAt > killedAt);
  asker.ask();
  await asker.settled();
  await Promise.all([load.stop(), sender.stop()]);
  await spoolEmpty(asker);

  await context.annotate(`first answer ${Math.round(first.at - killedAt)} ms after SIGKILL`);
  expect(asker.closed).toBeUndefined();
  expect(asker.answers.toSorted()).toEqual(asker.asked.toSorted());
  asker.end();
  expect(sender.ids.length).toBeGreaterThan(20);
  expect(await standby.stop()).toBe(0);
  expect(wrongIn(sender.ids)).toEqual([]);
});

test("cores are replaced one after the other under load, and no caller notices", async () => {
  let { leader, standby } = await startPair();
  const asker = await Asker.connect();
  const load = new Load(100);
  for (let round = 0; round < 3; round += 1) {
    await load.answers(50);
    asker.ask();
    expect(await leader.stop()).toBe(0);
    await logged(standby, "gateway listening");
    asker.ask();
    leader = standby;
    standby = await startStandby();
  }
  await load.stop();
  await asker.settled();
  expect([...load.statuses.keys()]).toEqual([200]);
  expect(load.statuses.get(200)).toBeGreaterThanOrEqual(150);
  expect(asker.closed).toBeUndefined();
  expect(asker.answers.toSorted()).toEqual(asker.asked.toSorted());
  asker.end();
  await Promise.all([leader.stop(), standby.stop()]);
});
