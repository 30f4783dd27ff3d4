/** The core's end of the tunnel against the real edge: standing by, leading, leaving, changing keys. */
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import * as z from "zod";
import { randomToken } from "../../shared/bytes.ts";
import { Secret } from "../../shared/secret.ts";
import { callEdge } from "../support/edge-with-core.ts";
import { type RunningEdge, startEdge } from "../support/edge.ts";
import {
  connectCore,
  type TunnelCore,
  type TunnelCoreOptions,
  TOKENS,
} from "../support/tunnel-core.ts";
import { until } from "../support/until.ts";

const Keys = z.object({ keys: z.array(z.object({ kid: z.string(), self: z.boolean() })) });
const pairing = new Secret(randomToken());
let edge: RunningEdge;

beforeAll(async () => {
  const bindings = { PAIRING_SECRET: pairing.reveal(), RELAYS: "weur:1,enam:1" };
  edge = await startEdge({ bindings });
});

afterAll(async () => {
  await edge[Symbol.asyncDispose]();
});

const machine = new Map<string, string>();

/** A core of the one machine that this edge knows, on both relays. */
async function core(name: string, options: Partial<TunnelCoreOptions> = {}): Promise<TunnelCore> {
  const started = await connectCore({
    edge: edge.url,
    pairing,
    shelf: machine,
    fetch: () => Promise.resolve(new Response(name)),
    ...options,
  });
  onTestFinished(() => started[Symbol.asyncDispose]());
  await until(() => {
    const { relays } = started.tunnel;
    return relays.length === 2 && relays.every(({ connected }) => connected);
  });
  return started;
}

async function leads(one: TunnelCore): Promise<void> {
  await until(() => one.tunnel.relays.every((relay) => relay.leads));
}

async function get(path = "/"): Promise<string> {
  const response = await callEdge(edge.url, path, { token: TOKENS.operator });
  const text = await response.text();
  return response.status === 200 ? text : `${response.status} ${text}`;
}

/** Clients that ask again as soon as they are answered. */
class Load {
  readonly seen: string[] = [];
  readonly #stop = new AbortController();
  readonly #clients: Promise<void>[];

  constructor(clients: number) {
    this.#clients = Array.from({ length: clients }, () => this.#run());
  }

  /** Waits for so many answers, of one core if named. */
  async answered(count: number, by?: string): Promise<void> {
    await until(() => this.seen.filter((one) => by === undefined || one === by).length >= count);
  }

  async stop(): Promise<Set<string>> {
    this.#stop.abort();
    await Promise.all(this.#clients);
    return new Set(this.seen);
  }

  async #run(): Promise<void> {
    while (!this.#stop.signal.aborted) this.seen.push(await get());
  }
}

test("a standby takes over without one refused request when the leader leaves", async () => {
  const first = await core("first");
  await leads(first);
  const second = await core("second", { settings: { mode: "standby" }, lead: false });
  const load = new Load(8);
  await load.answered(50);
  // As gateways do it: the lock, and with it the lead, is given up when nothing is under way.
  await first.tunnel.drain(10_000);
  second.lead();
  await first[Symbol.asyncDispose]();
  await load.answered(50, "second");
  expect(await load.stop()).toEqual(new Set(["first", "second"]));
  expect(first.tunnel.metrics.drainSeconds).toBeGreaterThan(0);
});

test("a restart under load refuses nothing", async () => {
  let running = await core("0");
  await leads(running);
  const load = new Load(8);
  await load.answered(20);
  for (let round = 1; round <= 3; round += 1) {
    const name = String(round);
    await running.tunnel.drain(10_000);
    await running[Symbol.asyncDispose]();
    running = await core(name);
    await load.answered(20, name);
  }
  expect(await load.stop()).toEqual(new Set(["0", "1", "2", "3"]));
});

test("a new key takes the place of the old one while requests go on", async () => {
  const running = await core("still here");
  await leads(running);
  const load = new Load(4);
  const { old, current } = await running.tunnel.rotateKey();
  await leads(running);
  await load.answered(load.seen.length + 20);
  expect(await load.stop()).toEqual(new Set(["still here"]));
  expect(old).not.toBe(current);
  for (const relay of ["weur:1", "enam:1"]) {
    const answer = await running.tunnel.request(relay, "GET", "/keys");
    expect(Keys.parse(answer.body).keys.filter(({ self }) => self)).toHaveLength(1);
    expect(Keys.parse(answer.body).keys.map(({ kid }) => kid)).not.toContain(old);
  }
});

test("a relay tells of itself", async () => {
  const running = await core("here");
  await leads(running);
  const { status, body } = await running.tunnel.request(undefined, "GET", "/state");
  expect([status, body]).toMatchObject([200, { relay: "weur:1", region: "weur" }]);
  await running.tunnel.measure();
  expect(running.tunnel.relays.every(({ rttMs }) => (rttMs ?? 0) > 0)).toBe(true);
});
