import { beforeEach, expect, test } from "vitest";
import { digestOf } from "../shared/constant-time.ts";
import { LIMITS } from "../shared/limits.ts";
import type { BundleAnswer } from "./relay-call.ts";
import { Verifiers } from "./verifiers.ts";

const digest = await digestOf("the-token");
const HEADER = "Bearer the-token";
const MINUTE_MS = LIMITS.bundleRefreshMs;

const UNPUBLISHED: BundleAnswer = { version: 0, bundle: null, keys: [] };
const PUBLISHED: BundleAnswer = {
  version: 1,
  bundle: {
    verifiers: [{ digest, subject: "owner", scopes: ["operator"] }],
    routes: [
      { name: "agent", verification: { scheme: "bearer", digests: [digest] }, maxBodyBytes: 10 },
    ],
    rate: { perSecond: 100, burst: 500 },
  },
  keys: [{ kid: "k1", publicKey: "p1" }],
};

let answer: unknown;
let loads: number;
let kept: Promise<unknown>[];
let verifiers: Verifiers;

function keepAlive(work: Promise<unknown>): void {
  kept.push(work);
}

beforeEach(() => {
  answer = PUBLISHED;
  loads = 0;
  kept = [];
  verifiers = new Verifiers(() => {
    loads += 1;
    return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer);
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
  expect(verifiers.route("agent")?.maxBodyBytes).toBe(10);
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

test("while nothing was ever published it asks every five seconds", async () => {
  answer = UNPUBLISHED;
  for (let now = 0; now < 15_000; now += 50) await verifiers.missed("client", keepAlive, now);
  expect(loads).toBe(3);
  expect(verifiers.published).toBe(false);
});

test("a miss while an answer is on its way waits for that answer", async () => {
  const late = Promise.withResolvers<unknown>();
  const slow = new Verifiers(() => late.promise);
  const first = slow.missed("client", keepAlive, 0);
  const second = slow.missed("client", keepAlive, 1);
  late.resolve(PUBLISHED);
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
  verifiers.observe(2, keepAlive, 10);
  await Promise.all(kept);
  expect(verifiers.version).toBe(2);
  expect(verifiers.remembered(HEADER)).toBeUndefined();
  expect(verifiers.identify(digest, HEADER)).toBeUndefined();
});

test("the version it has costs nothing, and one it cannot get is not fetched with every answer", async () => {
  await verifiers.missed("client", keepAlive, 0);
  verifiers.observe(1, keepAlive, 1);
  expect(loads).toBe(1);
  for (let now = 1; now <= 1_000; now += 10) {
    verifiers.observe(99, keepAlive, now);
    await Promise.all(kept);
  }
  expect(loads).toBe(2);
});

test.each([
  ["fails", new Error("down")],
  ["answers something else", { version: 2 }],
  ["answers a bundle of a later kind", { version: 2, bundle: { hello: 1 }, keys: [] }],
])("a relay that %s leaves what is known as it was", async (_name, bad) => {
  await verifiers.missed("client", keepAlive, 0);
  answer = bad;
  await verifiers.missed("client", keepAlive, MINUTE_MS);
  expect(loads).toBe(2);
  expect(verifiers.version).toBe(1);
  expect(verifiers.identify(digest, HEADER)).toBeDefined();
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
