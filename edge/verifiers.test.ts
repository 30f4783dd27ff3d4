import { beforeEach, expect, test } from "vitest";
import { digestOf } from "../shared/constant-time.ts";
import { LIMITS } from "../shared/limits.ts";
import type { Published } from "./relays/published.ts";
import type { Learned } from "./snapshot.ts";
import { Verifiers } from "./verifiers.ts";

const digest = await digestOf("the-token");
const HEADER = "Bearer the-token";
const MINUTE_MS = LIMITS.bundleRefreshMs;

const UNPUBLISHED: Published = { version: 0, bundle: null, keys: [] };
const PUBLISHED: Published = {
  version: 1,
  bundle: {
    verifiers: [{ digest, subject: "owner", scopes: ["operator"] }],
    routes: [
      {
        name: "agent",
        verification: { scheme: "bearer", digests: [digest] },
        maxBodyBytes: 10,
        mode: "express",
        methods: ["POST"],
        dedupe: "id",
      },
    ],
    rate: { perSecond: 100, burst: 500 },
  },
  keys: [{ kid: "k1", publicKey: "p1" }],
};

const PRIMARY = "weur:1";
const STANDBY = "enam:1";

/** What the relay that is asked says; undefined while none can be. */
let answer: Published | undefined;
let source: string;
let loads: number;
let kept: Promise<unknown>[];
let verifiers: Verifiers;

function keepAlive(work: Promise<unknown>): void {
  kept.push(work);
}

beforeEach(() => {
  answer = PUBLISHED;
  source = PRIMARY;
  loads = 0;
  kept = [];
  verifiers = new Verifiers(() => {
    loads += 1;
    if (answer === undefined) return Promise.reject(new Error("down"));
    return Promise.resolve({ relay: source, published: answer });
  });
});

test("after the first miss everything the core published is known", async () => {
  expect(verifiers.identify(digest, HEADER)).toBeUndefined();
  await verifiers.missed("client", keepAlive, 0);
  expect(verifiers.identify(digest, HEADER)).toEqual({
    principal: { subject: "owner", scopes: ["operator"] },
    digest,
  });
  expect(verifiers.remembered(HEADER)?.digest).toBe(digest);
  expect(verifiers.route("agent")?.route.maxBodyBytes).toBe(10);
  expect(verifiers.key("k1")).toBe("p1");
});

test("a flood of wrong tokens asks the relay once a minute", async () => {
  for (let now = 0; now < 3 * MINUTE_MS; now += 50) {
    await verifiers.missed("client", keepAlive, now);
  }
  expect(loads).toBe(3);
});

test("a flood of wrong tokens does not keep a core's new key out", async () => {
  await verifiers.missed("client", keepAlive, 0);
  answer = { ...PUBLISHED, keys: [{ kid: "k2", publicKey: "p2" }] };
  await verifiers.missed("core", keepAlive, 1);
  expect(verifiers.key("k2")).toBe("p2");
});

test("a flood of wrong tokens does not keep a sender's new secret out", async () => {
  await verifiers.missed("client", keepAlive, 0);
  const gate = verifiers.route("agent");
  await verifiers.missed("webhook", keepAlive, 1);
  expect(verifiers.route("agent")).not.toBe(gate);
  await verifiers.missed("webhook", keepAlive, 2);
  expect(loads).toBe(2);
});

test("while nothing was ever published it asks every five seconds", async () => {
  answer = UNPUBLISHED;
  for (let now = 0; now < 15_000; now += 50) await verifiers.missed("client", keepAlive, now);
  expect(loads).toBe(3);
  expect(verifiers.published).toBe(false);
});

test("a miss while an answer is on its way waits for that answer", async () => {
  const late = Promise.withResolvers<Learned>();
  const slow = new Verifiers(() => late.promise);
  const first = slow.missed("client", keepAlive, 0);
  const second = slow.missed("client", keepAlive, 1);
  late.resolve({ relay: PRIMARY, published: PUBLISHED });
  await Promise.all([first, second]);
  expect(slow.identify(digest, HEADER)).toBeDefined();
});

test("after a tunnel was let in, a miss may ask at once and then every second for a while", async () => {
  await verifiers.missed("client", keepAlive, 0);
  verifiers.expectNews(100);
  for (let now = 100; now < 3_100; now += 50) await verifiers.missed("client", keepAlive, now);
  expect(loads).toBe(1 + 3);
  for (let now = 40_000; now < 45_000; now += 50) await verifiers.missed("client", keepAlive, now);
  expect(loads).toBe(1 + 3);
});

test("a new version is fetched in the background and forgets who was let in under the old", async () => {
  await verifiers.missed("client", keepAlive, 0);
  verifiers.identify(digest, HEADER);
  answer = {
    version: 2,
    bundle: { verifiers: [], routes: [], rate: { perSecond: 1, burst: 1 } },
    keys: [],
  };
  verifiers.observe(PRIMARY, 2, keepAlive, 10);
  await Promise.all(kept);
  expect(verifiers.versionAt(PRIMARY)).toBe(2);
  expect(verifiers.remembered(HEADER)).toBeUndefined();
  expect(verifiers.identify(digest, HEADER)).toBeUndefined();
});

test("the version it has costs nothing, and one it cannot get is not fetched with every answer", async () => {
  await verifiers.missed("client", keepAlive, 0);
  verifiers.observe(PRIMARY, 1, keepAlive, 1);
  expect(loads).toBe(1);
  for (let now = 1; now <= 1_000; now += 10) {
    verifiers.observe(PRIMARY, 99, keepAlive, now);
    await Promise.all(kept);
  }
  expect(loads).toBe(2);
});

test("a relay that cannot be asked leaves what is known as it was", async () => {
  await verifiers.missed("client", keepAlive, 0);
  answer = undefined;
  await verifiers.missed("client", keepAlive, MINUTE_MS);
  expect(loads).toBe(2);
  expect(verifiers.versionAt(PRIMARY)).toBe(1);
  expect(verifiers.source).toBe(PRIMARY);
  expect(verifiers.identify(digest, HEADER)).toBeDefined();
});

test("each relay counts for itself: what another is at is heard once", async () => {
  await verifiers.missed("client", keepAlive, 0);
  expect(verifiers.versionAt(STANDBY)).toBe(-1);
  for (const now of [1, 2_000, 4_000]) {
    verifiers.observe(STANDBY, 7, keepAlive, now);
    await Promise.all(kept);
  }
  // Asked once more because of it, and the primary's word was what counted.
  expect(loads).toBe(2);
  expect(verifiers.versionAt(STANDBY)).toBe(7);
  expect(verifiers.source).toBe(PRIMARY);
  verifiers.observe(STANDBY, 8, keepAlive, 6_000);
  await Promise.all(kept);
  expect(loads).toBe(3);
});

test("what another relay had to tell is asked for again while nobody answers", async () => {
  await verifiers.missed("client", keepAlive, 0);
  answer = undefined;
  verifiers.observe(STANDBY, 7, keepAlive, 1);
  await Promise.all(kept);
  verifiers.observe(STANDBY, 7, keepAlive, 2_000);
  await Promise.all(kept);
  expect(loads).toBe(3);
});

test("the first answer of the primary after a standby was asked for it is news", async () => {
  source = STANDBY;
  await verifiers.missed("client", keepAlive, 0);
  expect(verifiers.source).toBe(STANDBY);
  source = PRIMARY;
  verifiers.observe(PRIMARY, 1, keepAlive, 1);
  await Promise.all(kept);
  expect(verifiers.source).toBe(PRIMARY);
  expect(verifiers.versionAt(PRIMARY)).toBe(1);
});

test("remembered headers are bounded", async () => {
  await verifiers.missed("client", keepAlive, 0);
  for (let index = 0; index < 1_000; index += 1) verifiers.identify(digest, `${HEADER}${index}`);
  const known = Array.from({ length: 1_000 }, (_, index) => `${HEADER}${index}`).filter(
    (header) => verifiers.remembered(header) !== undefined,
  );
  expect(known.length).toBeLessThanOrEqual(256);
  expect(known).toContain(`${HEADER}999`);
});

test("routes that cannot be opened count as not published, tokens do not", async () => {
  answer = {
    ...PUBLISHED,
    bundle: PUBLISHED.bundle && { ...PUBLISHED.bundle, routes: [] },
    isLocked: true,
  };
  await verifiers.missed("client", keepAlive, 0);
  expect([verifiers.published, verifiers.knowsRoutes]).toEqual([true, false]);
  expect(verifiers.find(digest)?.principal.subject).toBe("owner");
  // The core will send them again: that must not take a minute.
  answer = PUBLISHED;
  await verifiers.missed("client", keepAlive, 5_000);
  expect(verifiers.knowsRoutes).toBe(true);
  expect(verifiers.route("agent")?.route.name).toBe("agent");
});

test("a gate stays the same until there is news", async () => {
  await verifiers.missed("client", keepAlive, 0);
  const gate = verifiers.route("agent");
  expect(verifiers.route("agent")).toBe(gate);
  await verifiers.missed("client", keepAlive, 1);
  expect(verifiers.route("agent")).toBe(gate);
  await verifiers.missed("client", keepAlive, MINUTE_MS);
  expect(verifiers.route("agent")).not.toBe(gate);
});

test("each gate has the mark of its route, and none when the relay has not said", async () => {
  await verifiers.missed("webhook", keepAlive, 0);
  expect(verifiers.route("agent")?.mark).toBeUndefined();
  answer = { ...PUBLISHED, marks: ["m1"] };
  await verifiers.missed("webhook", keepAlive, MINUTE_MS);
  expect(verifiers.route("agent")?.mark).toBe("m1");
});

test("what a relay disputes is asked for at once, however lately that was done", async () => {
  await verifiers.missed("webhook", keepAlive, 0);
  answer = { ...PUBLISHED, version: 2, bundle: null };
  expect(await verifiers.disputed(PRIMARY, 2, keepAlive, 1)).toBe(true);
  expect(verifiers.route("agent")).toBeUndefined();
  answer = PUBLISHED;
  expect(await verifiers.disputed(PRIMARY, 3, keepAlive, 2)).toBe(true);
  expect(verifiers.route("agent")).toBeDefined();
  expect(loads).toBe(3);
});

test("a relay that is behind and disputes everything costs a question a second", async () => {
  await verifiers.missed("webhook", keepAlive, 0);
  for (let now = 1; now < 3_001; now += 10) {
    expect(await verifiers.disputed(STANDBY, 7, keepAlive, now)).toBe(true);
  }
  expect(loads).toBe(1 + 3);
  expect([verifiers.source, verifiers.versionAt(STANDBY)]).toEqual([PRIMARY, 7]);
});

test("a dispute that nobody can settle is said to be one, and is asked about again", async () => {
  await verifiers.missed("webhook", keepAlive, 0);
  answer = undefined;
  expect(await verifiers.disputed(PRIMARY, 2, keepAlive, 1)).toBe(false);
  expect(await verifiers.disputed(PRIMARY, 2, keepAlive, 2)).toBe(false);
  expect(loads).toBe(3);
});

test("what was asked before a relay had its news does not settle a dispute", async () => {
  const answers = [Promise.withResolvers<Learned>(), Promise.withResolvers<Learned>()] as const;
  const left = [...answers];
  const late = new Verifiers(() => left.shift()?.promise ?? Promise.reject(new Error("once more")));
  const missed = late.missed("webhook", keepAlive, 0);
  const disputes = [1, 2, 3].map((now) => late.disputed(PRIMARY, 2, keepAlive, now));
  answers[0].resolve({ relay: PRIMARY, published: PUBLISHED });
  await missed;
  expect(late.route("agent")).toBeDefined();
  answers[1].resolve({ relay: PRIMARY, published: { ...PUBLISHED, version: 2, bundle: null } });
  expect(await Promise.all(disputes)).toEqual([true, true, true]);
  expect([late.route("agent"), left.length]).toEqual([undefined, 0]);
});
