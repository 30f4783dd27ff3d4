/** How often an isolate asks for news, when there is some and when there is none. */
import { beforeEach, expect, test } from "vitest";
import { LIMITS } from "../shared/limits.ts";
import type { Published } from "./relays/published.ts";
import { Verifiers } from "./verifiers.ts";

const MINUTE_MS = LIMITS.bundleRefreshMs;
const CODE = "c".repeat(43);

let answer: Published;
let source: string;
let loads: number;
let verifiers: Verifiers;

function published(version: number, change: Partial<NonNullable<Published["bundle"]>> = {}) {
  const rate = { perSecond: 1, burst: 1 };
  return { version, bundle: { verifiers: [], routes: [], rate, ...change }, keys: [] };
}

async function missed(seeker: Parameters<Verifiers["missed"]>[0], now: number): Promise<void> {
  await verifiers.missed(seeker, () => undefined, now);
}

beforeEach(() => {
  answer = published(1);
  source = "weur:1";
  loads = 0;
  verifiers = new Verifiers(() => {
    loads += 1;
    return Promise.resolve({ relay: source, published: answer });
  });
});

test("what was asked for and came costs nothing: the next news is asked for at once", async () => {
  await missed("client", 0);
  // A minute later it may ask again, and does so again and again as long as there is something new.
  for (let version = 2; version < 6; version += 1) {
    answer = published(version);
    await missed("client", MINUTE_MS + version);
    expect(verifiers.versionAt(source)).toBe(version);
  }
  expect(loads).toBe(5);
  for (let now = MINUTE_MS + 10; now < 2 * MINUTE_MS; now += 50) await missed("client", now);
  expect(loads).toBe(6);
});

test("the first that is published is nothing to ask again for", async () => {
  answer = { version: 0, bundle: null, keys: [] };
  await missed("webhook", 0);
  answer = published(1);
  for (let now = 5_000; now < MINUTE_MS; now += 50) await missed("webhook", now);
  expect(loads).toBe(2);
});

test("another relay's word is no news: each counts for itself", async () => {
  await missed("client", 0);
  for (let now = MINUTE_MS; now < 2 * MINUTE_MS; now += 50) {
    source = `weur:${now}`;
    await missed("client", now);
  }
  expect(loads).toBe(2);
});

test("a setup code is asked for though others were looked for in vain a moment ago", async () => {
  await missed("client", 0);
  answer = published(2, { setupCodes: [{ digest: CODE, expiresAt: 1_000 }] });
  await missed("client", 1);
  expect(verifiers.newcomer(CODE, 1)).toBeUndefined();
  await missed("newcomer", 2);
  expect(verifiers.newcomer(CODE, 2)).toMatchObject({ digest: CODE, isPassing: true });
});

test("a flood of made-up setup codes asks the relay four times, and then once a minute", async () => {
  for (let now = 0; now < 3 * MINUTE_MS; now += 50) await missed("newcomer", now);
  expect(loads).toBe(4 + 2);
});

test("webhooks are where the core says, and a place that they have left is known for one", async () => {
  expect([verifiers.hooksPath, verifiers.formerHooks]).toEqual(["/hooks", []]);
  answer = { ...published(1, { hooksPath: "/in" }), formerHooks: ["/before"] };
  await missed("webhook", 0);
  expect([verifiers.hooksPath, verifiers.formerHooks]).toEqual(["/in", ["/before"]]);
});
