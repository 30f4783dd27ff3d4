import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { WebSocket } from "ws";
import * as z from "zod";
import { randomToken } from "../../shared/bytes.ts";
import { Secret } from "../../shared/secret.ts";
import { callEdge } from "../support/edge-with-core.ts";
import { type RunningEdge, startEdge } from "../support/edge.ts";
import { bundleMoodyEdge, moodsOf, type RelayMoods } from "../support/moody-relays.ts";
import { connectCore, type TunnelCore, TOKENS } from "../support/tunnel-core.ts";

let scriptPath: string;

beforeAll(async () => {
  scriptPath = await bundleMoodyEdge();
});

const Health = z.object({
  relays: z.array(z.object({ name: z.string(), role: z.string(), connected: z.boolean() })),
});

/** Two relays, and a core that is connected to both and remembers what it has done. */
class World implements AsyncDisposable {
  readonly edge: RunningEdge;
  readonly core: TunnelCore;
  readonly moods: RelayMoods;
  /** Requests the core has executed, in order. */
  readonly executed: string[];
  /** Webhooks it has committed. */
  readonly committed: ReadonlySet<string>;

  constructor(edge: RunningEdge, core: TunnelCore, executed: string[], committed: Set<string>) {
    this.edge = edge;
    this.core = core;
    this.moods = moodsOf(edge);
    this.executed = executed;
    this.committed = committed;
  }

  static async start(): Promise<World> {
    const pairing = new Secret(randomToken());
    const bindings = { PAIRING_SECRET: pairing.reveal(), RELAYS: "weur:1,enam:1" };
    const edge = await startEdge({ scriptPath, bindings });
    const executed: string[] = [];
    const committed = new Set<string>();
    const core = await connectCore({
      edge: edge.url,
      pairing,
      fetch: async (request) => {
        executed.push(`${request.method} ${new URL(request.url).pathname} ${await request.text()}`);
        return new Response("done");
      },
      deliver: async ({ id }) => {
        if (committed.has(id)) return "duplicate";
        committed.add(id);
        return "committed";
      },
    });
    const world = new World(edge, core, executed, committed);
    await world.until(({ relays }) => relays.every(({ connected }) => connected));
    while (core.log.filter((line) => line.includes("edge has our routes")).length < 2) {
      await world.health();
    }
    await world.moods.calls();
    return world;
  }

  async health(): Promise<z.output<typeof Health>> {
    const response = await callEdge(this.edge.url, "/health", { token: TOKENS.operator });
    return Health.parse(await response.json());
  }

  async until(isSo: (health: z.output<typeof Health>) => boolean): Promise<void> {
    while (!isSo(await this.health())) {
      // Asked again until it is.
    }
  }

  get(path: string): Promise<Response> {
    return callEdge(this.edge.url, path, { token: TOKENS.operator });
  }

  post(path: string, body: string): Promise<Response> {
    return callEdge(this.edge.url, path, { method: "POST", token: TOKENS.operator, body });
  }

  webhook(id: string): Promise<Response> {
    return callEdge(this.edge.url, "/hooks/agent", {
      method: "POST",
      headers: { Authorization: `Bearer ${TOKENS.hook}`, "Idempotency-Key": id },
      body: '{"message":"hi"}',
    });
  }

  /** So long after what it knows of them, the edge relies on no relay. */
  async forget(): Promise<void> {
    await this.moods.setClock(31_000);
    await this.moods.calls();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.core[Symbol.asyncDispose]();
    await this.edge[Symbol.asyncDispose]();
  }
}

test("with all well, the primary does everything and nothing says which relay it was", async () => {
  await using world = await World.start();
  const response = await world.get("/a");
  expect(response.status).toBe(200);
  expect([...response.headers.keys()].filter((name) => name.startsWith("x-gw-"))).toEqual([]);
  expect(await world.moods.calls()).toEqual(["weur:1 http"]);
});

test.each(["throws", "hangs"] as const)(
  "a primary that %s: what was not sent goes to the standby, and is executed once",
  async (mood) => {
    await using world = await World.start();
    await world.forget();
    await world.moods.set("weur:1", mood);
    const [got, posted] = await Promise.all([world.get("/a"), world.post("/b", "a body")]);
    expect([got.status, posted.status]).toEqual([200, 200]);
    expect(got.headers.get("X-Gw-Relay")).toBe("enam:1");
    expect(world.executed.toSorted()).toEqual(["GET /a ", "POST /b a body"]);
    // Both waited for one probe, and neither was given to the primary.
    const first = await world.moods.calls();
    expect(first.filter((call) => call.startsWith("weur:1"))).toEqual(["weur:1 probe"]);

    // Remembered: nothing goes near it.
    expect((await world.post("/c", "")).status).toBe(200);
    expect(await world.moods.calls()).toEqual(["enam:1 http"]);

    // And looked at again, beside a request, when it is time.
    await world.moods.set("weur:1", "well");
    await world.moods.setClock(31_000 + 12_000);
    expect((await world.get("/d")).headers.get("X-Gw-Relay")).toBe("enam:1");
    const calls = await world.moods.calls();
    while (!calls.includes("weur:1 probe")) calls.push(...(await world.moods.calls()));
    expect((await world.get("/e")).headers.get("X-Gw-Relay")).toBeNull();
    expect(world.executed).toHaveLength(5);
  },
);

test("a request whose answer was lost is not executed again, with or without a body", async () => {
  await using world = await World.start();
  await world.moods.set("weur:1", "loses-answers", "http");
  for (const response of [await world.get("/a"), await world.post("/b", "x")]) {
    expect(response.status).toBe(502);
    expect(await response.json()).toMatchObject({ code: "core_lost", retrySafe: false });
  }
  expect(world.executed).toEqual(["GET /a ", "POST /b x"]);
});

test("a request that hangs lets the next ones go elsewhere", async () => {
  await using world = await World.start();
  await world.moods.set("weur:1", "hangs");
  const leaving = new AbortController();
  const hung = callEdge(world.edge.url, "/a", {
    token: TOKENS.operator,
    signal: leaving.signal,
  }).catch(() => "left");
  const calls: string[] = [];
  while (!calls.includes("weur:1 probe")) calls.push(...(await world.moods.calls()));
  expect((await world.post("/b", "")).headers.get("X-Gw-Relay")).toBe("enam:1");
  leaving.abort();
  expect(await hung).toBe("left");
  expect(world.executed).toEqual(["POST /b "]);
});

test.each(["throws", "hangs", "loses-answers"] as const)(
  "webhooks go to the standby when the primary %s, and are done once",
  async (mood) => {
    await using world = await World.start();
    await world.moods.set("weur:1", mood);
    const answers = await Promise.all(["1", "2", "3"].map((id) => world.webhook(id)));
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
    expect([...world.committed].toSorted()).toEqual(["agent:1", "agent:2", "agent:3"]);
  },
);

test("a relay that has lost its core leaves the work to the other one", async () => {
  await using world = await World.start();
  await world.moods.set("weur:1", "throws", "tunnel");
  await world.edge.miniflare.unsafeEvictDurableObject("sallyport", "Relay", {
    name: "relay:v1:default:weur:1:0",
    webSockets: "close",
  });
  await world.until(({ relays }) => relays[0]?.connected === false);
  await world.forget();
  const posted = await world.post("/a", "a body");
  expect(posted.status).toBe(200);
  expect(posted.headers.get("X-Gw-Relay")).toBe("enam:1");
  expect((await world.get("/b")).status).toBe(200);
  expect((await world.webhook("7")).status).toBe(200);
  expect([...world.committed]).toEqual(["agent:7"]);

  const refused = new WebSocket(new URL("/socket", world.edge.url), {
    headers: { Authorization: `Bearer ${TOKENS.operator}` },
  });
  refused.on("error", () => undefined);
  const [, answer] = await once(refused, "unexpected-response");
  // The core of the standby was asked, and would not.
  expect(answer.statusCode).toBe(404);
  answer.resume();
});

test("who may know is told how each relay is", async () => {
  await using world = await World.start();
  const response = await callEdge(world.edge.url, "/health", { token: TOKENS.operator });
  expect(await response.json()).toMatchObject({
    core: { connected: true, version: "0.0.0-test" },
    relays: [
      { name: "weur:1", role: "primary", connected: true, spooled: 0 },
      { name: "enam:1", role: "standby", connected: true, spooled: 0 },
    ],
  });
  await world.moods.set("weur:1", "throws");
  expect(await world.health()).toMatchObject({
    relays: [{ reachable: false }, { reachable: true }].map(() => expect.anything()),
  });
  await world.moods.setClock(11_000);
  await world.moods.calls();
  const anyone = await callEdge(world.edge.url, "/health");
  const body = await anyone.json();
  expect(body).toMatchObject({ core: { connected: true } });
  expect(body).not.toHaveProperty("relays");
});

test("a primary that takes another's place becomes the same edge, without pairing", async () => {
  const storageDir = await mkdtemp(join(tmpdir(), "sallyport-relays-"));
  const pairing = new Secret(randomToken());
  const shelf = new Map<string, string>();
  try {
    const core = { pairing, shelf };
    let port: number;
    {
      const bindings = { PAIRING_SECRET: pairing.reveal() };
      await using before = await startEdge({ scriptPath, storageDir, bindings });
      port = Number(before.url.port);
      await using connected = await connectCore({ ...core, edge: before.url });
      expect(connected.tunnel.state.connected).toBe(true);
    }
    // No secret any more: who is not known cannot become known.
    const bindings = { RELAYS: "eeur:1", RELAYS_DRAINING: "weur:1" };
    await using after = await startEdge({ scriptPath, storageDir, bindings, port });
    await using moved = await connectCore({ ...core, edge: after.url });
    expect(moved.tunnel.state.connected).toBe(true);
    const response = await callEdge(after.url, "/a", { token: TOKENS.operator });
    expect(await response.text()).toBe("hello from the core");
    expect(await moodsOf(after).calls()).toContain("eeur:1 http");
  } finally {
    await rm(storageDir, { recursive: true, force: true });
  }
});
