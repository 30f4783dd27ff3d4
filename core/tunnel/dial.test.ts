import { expect, onTestFinished, test } from "vitest";
import { BUNDLE_FEATURES } from "../../shared/edge-features.ts";
import { fieldOf } from "../../shared/tunnel/fields.ts";
import { GoAwayCode, ResetCode } from "../../shared/tunnel/frame.ts";
import {
  type FakeEdge,
  type FakeEdgeOptions,
  requestFieldsOf,
  startFakeEdge,
} from "../../test/support/fake-edge.ts";
import {
  aBundle,
  connectCore,
  type TunnelCore,
  type TunnelCoreOptions,
} from "../../test/support/tunnel-core.ts";
import { Secret } from "../../shared/secret.ts";
import type { Stream } from "../../shared/tunnel/stream.ts";
import { until } from "../../test/support/until.ts";

async function edgeWith(options: FakeEdgeOptions = {}): Promise<FakeEdge> {
  const edge = await startFakeEdge(options);
  onTestFinished(() => edge[Symbol.asyncDispose]());
  return edge;
}

async function coreOn(
  edge: FakeEdge,
  options: Partial<TunnelCoreOptions> = {},
): Promise<TunnelCore> {
  const core = await connectCore({ edge: edge.url, pairing: new Secret("unused"), ...options });
  onTestFinished(() => core[Symbol.asyncDispose]());
  return core;
}

/** Without a pairing secret: the first WELCOME introduces the edge. */
const UNPAIRED = { pairing: undefined } as const;

/** One whose answers wait for `release`. */
async function slowCoreOn(edge: FakeEdge): Promise<{ core: TunnelCore; release: () => void }> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const core = await coreOn(edge, {
    settings: UNPAIRED,
    fetch: async () => {
      await promise;
      return new Response("done");
    },
  });
  return { core, release: resolve };
}

/** What became of a stream: its status, or the code it was cut with. */
function outcome(stream: Stream | undefined): Promise<string> {
  if (stream === undefined) throw new Error("the stream was refused");
  return new Promise((resolve) => {
    stream.listen((event) => {
      if (event.type === "head") resolve(fieldOf(event.fields, ":status") ?? "");
      if (event.type === "reset") resolve(`reset ${event.code}`);
    });
  });
}

test("every relay that WELCOME names is dialled by its name, the first one without", async () => {
  const edge = await edgeWith({ relays: ["weur:1", "enam:1", "weur:0/draining"] });
  const core = await coreOn(edge, { settings: UNPAIRED });
  await edge.link(3);
  await until(() => core.tunnel.relays.every(({ connected }) => connected));
  expect(edge.attempts.toSorted()).toEqual(["/tunnel", "/tunnel/enam:1", "/tunnel/weur:0"]);
  expect(core.tunnel.relays.map(({ name, draining }) => [name, draining])).toEqual([
    ["weur:1", false],
    ["enam:1", false],
    ["weur:0", true],
  ]);
});

test("an edge of before gets no more than it can read, and its owner is told what to do", async () => {
  const setupCodes = [{ digest: "d".repeat(43), expiresAt: 1 }];
  const bundle = await aBundle({ setupCodes });
  const edge = await edgeWith();
  const core = await coreOn(edge, { settings: UNPAIRED, bundle: () => bundle });
  const [first] = await edge.askedFor("/bundle");
  expect(JSON.parse(first?.body ?? "")).toEqual(await aBundle());
  await until(() => core.tunnel.state.warnings.length > 0);
  const [warning = ""] = core.tunnel.state.warnings;
  expect(warning).toContain("setup codes");
  expect(warning).toContain("sallyport edge deploy");
  expect(core.tunnel.relays[0]).toMatchObject({ connected: true, leads: true });
  expect(core.tunnel.takes("hooksPath")).toBe(false);

  // Deployed anew, it says what it knows.
  edge.features = `reattach ${BUNDLE_FEATURES.join(" ")}`;
  (await edge.link(1)).socket.terminate();
  const [, second] = await edge.askedFor("/bundle", 2);
  expect(JSON.parse(second?.body ?? "")).toMatchObject({ setupCodes });
  await until(() => core.tunnel.state.warnings.length === 0 && core.tunnel.takes("hooksPath"));
});

test("a relay that is no longer named is let go in good order, and a new one dialled", async () => {
  const edge = await edgeWith({ relays: ["weur:1", "enam:1"] });
  const core = await coreOn(edge, { settings: UNPAIRED });
  const gone = await edge.linkTo("enam:1");
  edge.relays = ["weur:1", "apac:1"];
  (await edge.linkTo("weur:1")).socket.terminate();
  await edge.linkTo("apac:1");
  await gone.goingAway;
  expect(await gone.closed).toEqual([1001, "core is stopping"]);
  expect(core.tunnel.relays.map(({ name }) => name)).toEqual(["weur:1", "apac:1"]);
});

test("an edge whose first relay is another now is followed, with one connection to each", async () => {
  const edge = await edgeWith({ relays: ["weur:1", "enam:1"] });
  const core = await coreOn(edge, { settings: UNPAIRED });
  await edge.linkTo("enam:1");
  edge.relays = ["enam:1", "weur:1/draining"];
  (await edge.linkTo("weur:1")).socket.terminate();
  await until(() => core.tunnel.relays[0]?.name === "enam:1");
  await until(() => core.tunnel.relays.every(({ connected }) => connected));
  expect(core.tunnel.relays.map(({ name, draining }) => [name, draining])).toEqual([
    ["enam:1", false],
    ["weur:1", true],
  ]);
});

test("a core that starts while the first relay is away reaches the others it knows", async () => {
  const edge = await edgeWith({ relays: ["weur:1", "enam:1"] });
  const shelf = new Map<string, string>();
  const before = await coreOn(edge, { settings: UNPAIRED, shelf });
  await edge.linkTo("enam:1");
  await until(() => before.tunnel.relays.every(({ connected }) => connected));
  await before[Symbol.asyncDispose]();
  edge.refuse = ({ url }) => (url === "/tunnel" ? { status: 503 } : undefined);
  const core = await coreOn(edge, { settings: UNPAIRED, shelf });
  expect(core.tunnel.state.connected).toBe(true);
  expect(core.tunnel.relays.map(({ name, connected }) => [name, connected])).toEqual([
    ["weur:1", false],
    ["enam:1", true],
  ]);
});

test("until it leads, a core refuses all work as not executed; then it claims and publishes", async () => {
  const edge = await edgeWith();
  const core = await coreOn(edge, { settings: { ...UNPAIRED, mode: "standby" }, lead: false });
  const { session, hello } = await edge.link(1);
  const named = (name: string): string | undefined => fieldOf(hello, name);
  expect([named(":mode"), named(":store"), named(":epoch")]).toEqual(["standby", "", "0"]);
  expect(await outcome(session.openStream("http", requestFieldsOf("/"), true))).toBe(
    `reset ${ResetCode.notLeader}`,
  );
  expect(edge.asked).toEqual([]);
  core.lead({ store: "a-store", epoch: 7 });
  await edge.askedFor("/bundle");
  expect(edge.asked.map(({ method, path }) => `${method} ${path}`)).toEqual([
    "PUT /lead",
    "PUT /bundle",
  ]);
  expect(edge.asked[0]?.body).toBe('{"store":"a-store","epoch":7}');
  expect(await outcome(session.openStream("http", requestFieldsOf("/"), true))).toBe("200");
});

test("a leader says so again on every reconnect, in HELLO and by its claim", async () => {
  const edge = await edgeWith();
  await coreOn(edge, { settings: UNPAIRED });
  (await edge.link(1)).socket.terminate();
  const { hello } = await edge.link(2);
  expect(fieldOf(hello, ":epoch")).toBe("1");
  expect(await edge.askedFor("/lead", 2)).toHaveLength(2);
});

test("a relay that follows another leader is said so, with its reason", async () => {
  const edge = await edgeWith();
  const detail = "stale epoch 3: 4 leads";
  edge.onAsked = () => ({ status: 409, body: JSON.stringify({ detail }) });
  const core = await coreOn(edge, { settings: UNPAIRED, lead: false });
  core.lead();
  await until(() => core.tunnel.relays[0]?.lastError === detail);
  expect(core.tunnel.relays[0]).toMatchObject({ connected: true, leads: false });
});

test("a core that was told that another leads waits, and says why", async () => {
  const edge = await edgeWith();
  const core = await coreOn(edge, { settings: UNPAIRED });
  (await edge.link(1)).socket.close(4409, "another core leads since noon");
  await until(() => !core.tunnel.state.connected);
  expect(core.tunnel.state.lastError).toBe("the relay refused us: another core leads since noon");
  expect(edge.attempts).toHaveLength(1);
});

test("two relays in one place are worth a warning", async () => {
  const edge = await edgeWith({ relays: ["weur:1", "weur:2"] });
  const core = await coreOn(edge, { settings: UNPAIRED });
  await until(() => core.tunnel.state.warnings.length > 0);
  expect(core.tunnel.state.warnings[0]).toContain("weur:1 and weur:2 are in one place (weur)");
});

test("the round trip is measured on request", async () => {
  const edge = await edgeWith();
  const core = await coreOn(edge, { settings: UNPAIRED });
  await core.tunnel.measure();
  expect(core.tunnel.relays[0]?.rttMs).toBeGreaterThan(0);
});

test("questions to a relay are answered; without one there is an error that says so", async () => {
  const edge = await edgeWith();
  edge.onAsked = ({ path }) => ({ status: 200, body: JSON.stringify({ path }) });
  const core = await coreOn(edge, { settings: UNPAIRED, lead: false });
  expect(await core.tunnel.request(undefined, "GET", "/state")).toEqual({
    status: 200,
    body: { path: "/state" },
  });
  await expect(core.tunnel.request("apac:9", "GET", "/state")).rejects.toThrow("No relay is named");
});

test("a drain takes what comes before DRAINED, finishes it, and then closes", async () => {
  const edge = await edgeWith();
  const { core, release } = await slowCoreOn(edge);
  const { session, goingAway, closed } = await edge.link(1);
  const early = outcome(session.openStream("http", requestFieldsOf("/early"), true));
  const drained = core.tunnel.drain(10_000);
  // On its way when the core says that it goes: the relay has not heard it yet.
  const crossing = outcome(session.openStream("http", requestFieldsOf("/crossing"), true));
  await goingAway;
  release();
  await drained;
  expect(await Promise.all([early, crossing])).toEqual(["200", "200"]);
  await core[Symbol.asyncDispose]();
  expect(await closed).toEqual([1001, "core is stopping"]);
});

test("a relay that wants a new connection gets one, and what is under way ends on the old", async () => {
  const edge = await edgeWith();
  const { core, release } = await slowCoreOn(edge);
  const { session, goingAway, closed } = await edge.link(1);
  const early = outcome(session.openStream("http", requestFieldsOf("/early"), true));
  session.goAway(GoAwayCode.shutdown, "stream ids used up");
  await goingAway;
  release();
  expect(await early).toBe("200");
  await edge.link(2);
  expect(await closed).toEqual([1001, "connecting anew"]);
  await until(() => core.tunnel.state.connected);
  expect(core.tunnel.metrics.reconnects.get("moved")).toBe(1);
});

test("a relay that does not take our bundle, as another core works there, is not led", async () => {
  const edge = await edgeWith();
  edge.onAsked = ({ path }) =>
    path === "/lead" ? { status: 204 } : { status: 409, body: '{"detail":"another core leads"}' };
  const core = await coreOn(edge, { settings: { ...UNPAIRED, mode: "standby" }, lead: false });
  core.lead();
  await until(() => core.tunnel.relays[0]?.lastError === "another core leads");
  expect(core.tunnel.relays[0]?.leads).toBe(false);
  // It is chosen after all, and hears of it by the work.
  edge.onAsked = () => ({ status: 204 });
  const { session } = await edge.link(1);
  expect(await outcome(session.openStream("http", requestFieldsOf("/"), true))).toBe("200");
  await until(() => core.tunnel.relays[0]?.leads);
  expect(await edge.askedFor("/bundle", 2)).toHaveLength(2);
});

test("a request that was begun is not begun again when another relay brings it", async () => {
  const edge = await edgeWith({ relays: ["weur:1", "enam:1"] });
  let begun = 0;
  const core = await coreOn(edge, {
    settings: UNPAIRED,
    fetch: () => {
      begun += 1;
      return Promise.resolve(new Response("done"));
    },
  });
  const one = await edge.linkTo("weur:1");
  const other = await edge.linkTo("enam:1");
  const fields = requestFieldsOf("/once");
  const again = [...fields, [":retry", "1"] as const];
  expect(await outcome(other.session.openStream("http", again, true))).toBe("200");
  expect(await outcome(one.session.openStream("http", again, true))).toBe("reset 7");
  expect([begun, core.tunnel.metrics.dedupeHits]).toEqual([1, 1]);
});

test("every request has a trace, and its answer says how long it took", async () => {
  const edge = await edgeWith();
  const traces: (string | undefined)[] = [];
  await coreOn(edge, {
    settings: UNPAIRED,
    fetch: (_request, { traceparent }) => {
      traces.push(traceparent);
      return Promise.resolve(new Response("done"));
    },
  });
  const { session } = await edge.link(1);
  const own = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
  const stream = session.openStream("http", requestFieldsOf("/", [["traceparent", own]]), true);
  const timing = await new Promise<string | undefined>((resolve) => {
    stream?.listen((event) => {
      if (event.type === "head") resolve(fieldOf(event.fields, "server-timing"));
    });
  });
  expect(traces).toEqual([own]);
  expect(timing).toMatch(/^core;dur=\d+\.\d$/);
});
