import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { readSettings } from "../env.ts";
import { CALL_HEADER, decodeCall, UNSENT_HEADER } from "../relay-call.ts";
import { PROBE_MS } from "./member.ts";
import { type Errand, Relays } from "./relays.ts";

/** What the platform does with a call to a relay. */
type Behaviour = (kind: string) => Promise<Response>;

const PRIMARY = "relay:v1:default:weur:1:0";
const STANDBY = "relay:v1:default:enam:1:0";

const well: Behaviour = async (kind) =>
  kind === "probe" ? Response.json({ connected: true }) : new Response(kind);
const hangs: Behaviour = () => new Promise(() => undefined);
const throws: Behaviour = () => Promise.reject(new Error("reset"));
const overloaded: Behaviour = () =>
  Promise.reject(Object.assign(new Error("busy"), { overloaded: true }));

function refuses(code: string, unsent = true): Behaviour {
  return async (kind) => {
    if (kind === "probe") return Response.json({ connected: code !== "core_offline" });
    const headers = { "X-Gw-Error": code, ...(unsent ? { [UNSENT_HEADER]: "1" } : {}) };
    return new Response("refused", { status: 503, headers });
  };
}

let behaviours: Map<string, Behaviour>;
/** `<relay> <kind>`, in the order they came. */
let calls: string[];
let relays: Relays;
let kept: Promise<unknown>[];

function keepAlive(work: Promise<unknown>): void {
  kept.push(work);
}

function createRelays(change: { RELAYS?: string } = {}): Relays {
  const namespace: DurableObjectNamespace = Object.assign(Object.create(null), {
    idFromName: (name: string) => name,
    get: (name: string) => ({
      fetch: (request: Request, init: RequestInit = {}) => {
        const header = new Headers(init.headers ?? request.headers).get(CALL_HEADER);
        const { kind } = decodeCall(header);
        calls.push(`${name.split(":").slice(3, 5).join(":")} ${kind}`);
        return behaviours.get(name)?.(kind);
      },
    }),
  });
  const vars = { RELAY: namespace, TENANT: "default", RELAYS: "weur:1,enam:1", ...change };
  return new Relays(namespace, readSettings(vars));
}

beforeEach(() => {
  vi.useFakeTimers();
  // Whether a relay is well is said in the log, and here nobody reads it.
  vi.spyOn(console, "warn").mockImplementation(() => undefined);
  vi.spyOn(console, "info").mockImplementation(() => undefined);
  vi.spyOn(console, "error").mockImplementation(() => undefined);
  behaviours = new Map([
    [PRIMARY, well],
    [STANDBY, well],
  ]);
  calls = [];
  kept = [];
  relays = createRelays();
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

function errand(init: RequestInit = {}): Errand {
  return {
    request: new Request("https://edge.test/", init),
    init: () => ({ headers: { [CALL_HEADER]: '{"v":1,"kind":"http"}' } }),
    deadlineMs: 10_000,
    keepAlive,
  };
}

const upload = { method: "POST", body: "a body" };

/** Lets time pass until there is an answer. Gives who answered what, or why nobody did. */
async function settled(work: ReturnType<Relays["forward"]>): Promise<string> {
  for (let index = 0; index < 4; index += 1) {
    await vi.advanceTimersByTimeAsync(0);
    await vi.runOnlyPendingTimersAsync();
  }
  const result = await work;
  if (!result.ok) return result.error.reason;
  return `${result.value.relay.name} ${result.value.response.status}`;
}

function send(init: RequestInit = {}): Promise<string> {
  return settled(relays.forward(errand(init)));
}

function deliver(): Promise<string> {
  const headers = new Headers({ [CALL_HEADER]: '{"v":1,"kind":"deliver"}' });
  const body = new Uint8Array(3);
  return settled(
    relays.deliver({ headers, body, deadlineMs: 7_500, patienceMs: 3_500, keepAlive }),
  );
}

/** Makes both known to be well, and forgets what was called for it. */
async function warmUp(): Promise<void> {
  await Promise.all(relays.members.map((relay) => relay.probe(keepAlive)));
  calls = [];
}

test("a relay that nobody knows shows that it is there before it gets anything, and then no more", async () => {
  expect(await send(upload)).toBe("weur:1 200");
  expect(await send(upload)).toBe("weur:1 200");
  expect(calls).toEqual(["weur:1 probe", "weur:1 http", "weur:1 http"]);
});

test("the only relay gets everything at once: there is no other", async () => {
  relays = createRelays({ RELAYS: "weur:1" });
  expect(await send()).toBe("weur:1 200");
  behaviours.set(PRIMARY, throws);
  expect(await send()).toBe("lost");
  behaviours.set(PRIMARY, refuses("core_offline"));
  expect(await send()).toBe("weur:1 503");
  expect(calls).toEqual(["weur:1 http", "weur:1 http", "weur:1 http"]);
});

test.each([
  ["throws", throws],
  ["hangs", hangs],
])(
  "a primary that %s gets nothing; the standby does, within a probe's time",
  async (_name, bad) => {
    behaviours.set(PRIMARY, bad);
    const before = Date.now();
    const answer = relays.forward(errand(upload));
    await vi.advanceTimersByTimeAsync(PROBE_MS);
    expect(await answer).toMatchObject({ ok: true, value: { relay: { name: "enam:1" } } });
    expect(Date.now() - before).toBeLessThan(2_000);
    expect(calls).toEqual(["weur:1 probe", "enam:1 probe", "enam:1 http"]);
  },
);

test("what failed is not waited for again, and is back once a look in the background finds it well", async () => {
  behaviours.set(PRIMARY, hangs);
  await send(upload);
  calls = [];
  for (let index = 0; index < 3; index += 1) expect(await send(upload)).toBe("enam:1 200");
  expect(calls).toEqual(["enam:1 http", "enam:1 http", "enam:1 http"]);

  behaviours.set(PRIMARY, well);
  await vi.advanceTimersByTimeAsync(10_000);
  calls = [];
  expect(await send(upload)).toBe("enam:1 200");
  expect(calls.toSorted()).toEqual(["enam:1 http", "weur:1 probe"]);
  expect(await send(upload)).toBe("weur:1 200");
});

test("many who want to know share one probe", async () => {
  const answers = Promise.all([1, 2, 3].map(() => relays.forward(errand(upload))));
  await vi.advanceTimersByTimeAsync(0);
  expect((await answers).map(({ ok }) => ok)).toEqual([true, true, true]);
  expect(calls.filter((call) => call.endsWith("probe"))).toHaveLength(1);
});

test("what may have been executed goes nowhere else, and the next one is asked first", async () => {
  await warmUp();
  behaviours.set(PRIMARY, throws);
  expect(await send()).toBe("lost");
  expect(calls).toEqual(["weur:1 http", "weur:1 probe"]);
  expect(await send()).toBe("enam:1 200");
});

test("a relay that is only busy is not failed over, and stays the first", async () => {
  await warmUp();
  behaviours.set(PRIMARY, overloaded);
  expect(await send()).toBe("overloaded");
  expect(await send()).toBe("overloaded");
  expect(calls).toEqual(["weur:1 http", "weur:1 http"]);
});

test("a request that takes long lets a hung relay be noticed for the next ones", async () => {
  await warmUp();
  behaviours.set(PRIMARY, hangs);
  const first = relays.forward(errand(upload));
  await vi.advanceTimersByTimeAsync(PROBE_MS);
  expect(calls).toEqual(["weur:1 http", "weur:1 probe"]);
  const next = relays.forward(errand(upload));
  await vi.advanceTimersByTimeAsync(PROBE_MS);
  expect(await next).toMatchObject({ ok: true, value: { relay: { name: "enam:1" } } });
  await vi.advanceTimersByTimeAsync(10_000);
  expect(await first).toEqual({ ok: false, error: { reason: "timed_out" } });
});

test("a model that thinks costs one probe, and the relay stays the first", async () => {
  await warmUp();
  const slow = Promise.withResolvers<Response>();
  behaviours.set(PRIMARY, (kind) => (kind === "http" ? slow.promise : well(kind)));
  const answer = relays.forward(errand(upload));
  await vi.advanceTimersByTimeAsync(9_000);
  slow.resolve(new Response("thought"));
  expect(await answer).toMatchObject({ ok: true, value: { relay: { name: "weur:1" } } });
  expect(calls).toEqual(["weur:1 http", "weur:1 probe"]);
});

test("a client that leaves says nothing of the relay", async () => {
  await warmUp();
  const leaving = new AbortController();
  behaviours.set(PRIMARY, (kind) => {
    if (kind !== "http") return well(kind);
    leaving.abort();
    return throws(kind);
  });
  expect(await send({ signal: leaving.signal })).toBe("lost");
  expect(calls).toEqual(["weur:1 http"]);
});

test.each(["core_offline", "core_draining", "not_leader"])(
  "%s without a trace at the core: another relay is tried, but not with a body that is gone",
  async (code) => {
    await warmUp();
    behaviours.set(PRIMARY, refuses(code));
    expect(await send(upload)).toBe("weur:1 503");
    await warmUp();
    expect(await send()).toBe("enam:1 200");
  },
);

test.each([
  ["not marked as unsent", refuses("core_draining", false)],
  ["too much for one, and then for all", refuses("overloaded")],
])("a refusal that is %s stays with its client", async (_name, behaviour) => {
  await warmUp();
  behaviours.set(PRIMARY, behaviour);
  expect(await send()).toBe("weur:1 503");
  expect(calls).toEqual(["weur:1 http"]);
});

test("when every relay refuses, the primary's word counts", async () => {
  await warmUp();
  behaviours.set(PRIMARY, refuses("core_offline"));
  behaviours.set(STANDBY, refuses("core_offline"));
  expect(await send()).toBe("weur:1 503");
  expect(calls).toEqual(["weur:1 http", "enam:1 http"]);
});

test("with a refusal in hand, nobody waits for a standby that has failed", async () => {
  await warmUp();
  behaviours.set(STANDBY, hangs);
  const look = relays.named("enam:1")?.probe(keepAlive);
  await vi.advanceTimersByTimeAsync(PROBE_MS);
  expect(await look).toBe(false);
  calls = [];
  behaviours.set(PRIMARY, refuses("core_offline"));
  expect(await relays.forward(errand())).toMatchObject({
    ok: true,
    value: { relay: { name: "weur:1" } },
  });
  expect(calls).toEqual(["weur:1 http"]);
});

test("a relay without a core comes after one that has one, until it has one again", async () => {
  behaviours.set(PRIMARY, refuses("core_offline"));
  expect(await send(upload)).toBe("enam:1 200");
  expect(calls).toEqual(["weur:1 probe", "enam:1 probe", "enam:1 http"]);
  expect(await send(upload)).toBe("enam:1 200");
  behaviours.set(PRIMARY, well);
  await vi.advanceTimersByTimeAsync(1_000);
  expect(await send(upload)).toBe("enam:1 200");
  expect(await send(upload)).toBe("weur:1 200");
});

test("while no relay has a core, the primary is the one that may wait for it", async () => {
  behaviours.set(PRIMARY, refuses("core_offline"));
  behaviours.set(STANDBY, refuses("core_offline"));
  expect(await send(upload)).toBe("weur:1 503");
  expect(await send()).toBe("weur:1 503");
  expect(await deliver()).toBe("weur:1 503");
});

test("with no relay there, the request was sent nowhere", async () => {
  behaviours.set(PRIMARY, hangs);
  behaviours.set(STANDBY, throws);
  expect(await send(upload)).toBe("unreachable");
  expect(calls.filter((call) => call.endsWith("http"))).toEqual([]);
  // The one that has failed longer ago is not left out for it.
  behaviours.set(STANDBY, well);
  expect(await send(upload)).toBe("enam:1 200");
});

test.each([
  ["throws", throws],
  ["hangs", hangs],
  ["is overloaded", overloaded],
  ["answers with an error", refuses("spool_full", false)],
])("a webhook goes to the standby when the primary %s", async (_name, bad) => {
  await warmUp();
  behaviours.set(PRIMARY, bad);
  expect(await deliver()).toBe("enam:1 200");
});

test("a webhook nobody takes has the first answer there was", async () => {
  await warmUp();
  behaviours.set(PRIMARY, refuses("spool_full", false));
  behaviours.set(STANDBY, throws);
  expect(await deliver()).toBe("weur:1 503");
  behaviours.set(PRIMARY, throws);
  relays = createRelays();
  expect(await deliver()).toBe("unreachable");
});
