import { beforeEach, expect, test } from "vitest";
import type * as z from "zod";
import { randomToken } from "../../shared/bytes.ts";
import { digestOf } from "../../shared/constant-time.ts";
import { EdgeBundle } from "../../shared/edge-bundle.ts";
import { Secret } from "../../shared/secret.ts";
import { readPublished } from "../relays/published.ts";
import { createSealer, type Sealer } from "../seal.ts";
import { KeptBundle, type Shelf } from "./kept-bundle.ts";

const SECRET = "whsec-hunter2";
const DIGEST = "d".repeat(43);

function bundle(secret: string | undefined, more: Partial<z.input<typeof EdgeBundle>> = {}) {
  return EdgeBundle.parse({
    verifiers: [{ digest: DIGEST, subject: "owner", scopes: ["operator"] }],
    routes: [
      secret === undefined
        ? { name: "r", verification: { scheme: "bearer", digests: [DIGEST] }, maxBodyBytes: 9 }
        : { name: "r", verification: { scheme: "github", secrets: [secret] }, maxBodyBytes: 9 },
    ],
    rate: { perSecond: 1, burst: 1 },
    ...more,
  });
}
const ALERT = { afterMs: 60_000, url: "https://alerts.example/x", headers: [], body: "down" };

let kept: Map<string, string>;
let writes: number;
let shelf: Shelf;
let sealer: Sealer;

beforeEach(() => {
  kept = new Map();
  writes = 0;
  sealer = createSealer(new Secret(randomToken()));
  shelf = {
    read(name, schema) {
      const text = kept.get(name);
      return text === undefined ? undefined : schema.parse(JSON.parse(text));
    },
    write(name, value) {
      writes += 1;
      kept.set(name, JSON.stringify(value));
    },
  };
});

/** As an isolate with this key gets it. */
function published(of: KeptBundle, key: Sealer | undefined) {
  return readPublished({ ...of.answer(), keys: [] }, key);
}

test("before the first there is none, and tokens are refused", () => {
  const none = new KeptBundle(shelf, sealer);
  expect(none.answer()).toEqual({ version: 0, bundle: null });
  expect(none.hasVerifier(DIGEST)).toBe(false);
  expect(none.rate.perSecond).toBeGreaterThan(0);
});

test("routes and alert are kept only sealed, and an isolate opens them", async () => {
  const given = bundle(SECRET, { outageAlert: ALERT });
  const relay = new KeptBundle(shelf, sealer);
  expect(await relay.publish(given)).toBeUndefined();
  const stored = kept.get("bundle") ?? "";
  expect(stored).toContain(DIGEST);
  for (const secret of [SECRET, "alerts.example", "github"]) expect(stored).not.toContain(secret);
  expect(await published(relay, sealer)).toEqual({
    version: 1,
    bundle: given,
    marks: [expect.any(String)],
    keys: [],
  });
  // The same after a sleep.
  expect(await published(new KeptBundle(shelf, sealer), sealer)).toMatchObject({ bundle: given });
});

test("the same bundle again costs nothing, and any other is a new version", async () => {
  const relay = new KeptBundle(shelf, sealer);
  await relay.publish(bundle(SECRET));
  await relay.publish(bundle(SECRET));
  await new KeptBundle(shelf, sealer).publish(bundle(SECRET));
  expect([relay.version, writes]).toEqual([1, 1]);
  await relay.publish(bundle("another"));
  expect([relay.version, writes]).toEqual([2, 2]);
});

test("with another key routes are locked, not tokens, until the core publishes again", async () => {
  await new KeptBundle(shelf, sealer).publish(bundle(SECRET));
  const other = createSealer(new Secret(randomToken()));
  const relay = new KeptBundle(shelf, other);
  const locked = await published(relay, other);
  expect(locked).toMatchObject({ isLocked: true, bundle: { routes: [] } });
  expect(locked.bundle?.verifiers).toHaveLength(1);
  expect(relay.hasVerifier(DIGEST)).toBe(true);

  await relay.publish(bundle(SECRET));
  expect(await published(relay, other)).toMatchObject({ version: 2, bundle: bundle(SECRET) });
});

test.each([
  ["a signing secret", bundle(SECRET)],
  ["an alert", bundle(undefined, { outageAlert: ALERT })],
])("without a key, a bundle with %s is refused and nothing changes", async (_name, given) => {
  const relay = new KeptBundle(shelf, undefined);
  await relay.publish(bundle(undefined));
  expect(await relay.publish(given)).toBe("no_seal_key");
  expect(relay.version).toBe(1);
  expect(await published(relay, undefined)).toMatchObject({ bundle: bundle(undefined) });
});

test("without a key, digests and public keys are kept as they are, and the same again is free", async () => {
  const relay = new KeptBundle(shelf, undefined);
  expect(await relay.publish(bundle(undefined))).toBeUndefined();
  expect(await relay.publish(bundle(undefined))).toBeUndefined();
  expect(writes).toBe(1);
  expect(await published(relay, undefined)).toMatchObject({
    version: 1,
    bundle: bundle(undefined),
  });
});

test("a key that comes later seals what was kept open", async () => {
  await new KeptBundle(shelf, undefined).publish(bundle(undefined));
  const relay = new KeptBundle(shelf, sealer);
  expect(await published(relay, sealer)).toMatchObject({ bundle: bundle(undefined) });
  await relay.publish(bundle(undefined));
  expect(kept.get("bundle")).not.toContain("bearer");
  expect(relay.version).toBe(2);
});

test("of several at once the last one stays", async () => {
  const relay = new KeptBundle(shelf, sealer);
  const all = ["a", "b", "c"].map((secret) => relay.publish(bundle(secret)));
  relay.touch();
  await Promise.all(all);
  expect(relay.version).toBe(3);
  expect(await published(relay, sealer)).toMatchObject({ bundle: bundle("c") });
});

test("one that could not be written does not stop the next", async () => {
  const relay = new KeptBundle(shelf, sealer);
  let broken = true;
  const moody = new KeptBundle(
    {
      ...shelf,
      write(name, value) {
        if (broken) throw new Error("disk");
        shelf.write(name, value);
      },
    },
    sealer,
  );
  await expect(moody.publish(bundle("a"))).rejects.toThrow("disk");
  expect(moody.version).toBe(0);
  broken = false;
  await moody.publish(bundle("a"));
  expect(moody.version).toBe(1);
  expect(relay.version).toBe(1);
});

test("a change beside the bundle counts, once there is one, and routes stay open to isolates", async () => {
  const relay = new KeptBundle(shelf, sealer);
  relay.touch();
  expect(relay.version).toBe(0);
  await relay.publish(bundle(SECRET));
  relay.touch();
  expect(await published(relay, sealer)).toMatchObject({ version: 2, bundle: bundle(SECRET) });
});

test("what another version has left and cannot be read counts as nothing", async () => {
  kept.set("bundle", JSON.stringify({ version: 4, bundle: { verifiers: [], routes: "all" } }));
  const relay = new KeptBundle(shelf, sealer);
  expect(relay.answer()).toEqual({ version: 0, bundle: null });
  await relay.publish(bundle(SECRET));
  expect(await published(relay, sealer)).toMatchObject({ bundle: bundle(SECRET) });
});

test("an isolate that knows nothing of sealing does not take a sealed bundle for one without routes", async () => {
  const relay = new KeptBundle(shelf, sealer);
  await relay.publish(bundle(SECRET));
  expect(EdgeBundle.safeParse(relay.answer().bundle).success).toBe(false);
});

const FIRST = { name: "a", verification: { scheme: "core" }, maxBodyBytes: 9 } as const;
const signedBy = (...secrets: string[]) => ({
  name: "b",
  verification: { scheme: "github" as const, secrets },
  maxBodyBytes: 9,
});

/** Of each route, as isolates learn it. */
function marksIn(relay: KeptBundle): readonly string[] {
  return relay.answer().marks ?? [];
}

test("a route keeps its mark for as long as nothing of it changes, whatever becomes of the others", async () => {
  const relay = new KeptBundle(shelf, sealer);
  await relay.publish(bundle(undefined, { routes: [FIRST, signedBy("new", "old")] }));
  const [first, both] = marksIn(relay);
  await relay.publish(bundle(undefined, { routes: [FIRST, signedBy("new")] }));
  const [same, one] = marksIn(relay);
  expect(same).toBe(first);
  expect([relay.hasRoute(first), relay.hasRoute(both), relay.hasRoute(one)]).toEqual([
    true,
    false,
    true,
  ]);
  await relay.publish(bundle(undefined, { routes: [signedBy("new")] }));
  expect([relay.hasRoute(first), relay.hasRoute(one)]).toEqual([false, true]);
  // The same after a sleep, and when only a key has changed.
  relay.touch();
  const woken = new KeptBundle(shelf, sealer);
  expect([woken.hasRoute(first), woken.hasRoute(one)]).toEqual([false, true]);
});

test("relays with one key give the same route the same mark; who has not the key cannot make it", async () => {
  const given = bundle(undefined, { routes: [signedBy("guessable")] });
  const other = { read: () => undefined, write: () => undefined };
  const relays = [
    new KeptBundle(shelf, sealer),
    new KeptBundle(other, sealer),
    new KeptBundle(other, createSealer(new Secret(randomToken()))),
  ];
  const marks: (string | undefined)[] = [];
  for (const relay of relays) {
    await relay.publish(given);
    marks.push(marksIn(relay)[0]);
  }
  expect(marks[0]).toBe(marks[1]);
  expect(marks[2]).not.toBe(marks[0]);
  expect(marks).not.toContain(await digestOf(JSON.stringify(given.routes[0])));
});

test("without a key routes have marks too", async () => {
  const relay = new KeptBundle(shelf, undefined);
  await relay.publish(bundle(undefined));
  const [mark] = marksIn(relay);
  expect(relay.hasRoute(mark)).toBe(true);
  await relay.publish(bundle(undefined, { routes: [FIRST] }));
  expect(relay.hasRoute(mark)).toBe(false);
});

test("a webhook without a mark, and any before the first bundle, is not held against its route", async () => {
  const relay = new KeptBundle(shelf, sealer);
  expect(relay.hasRoute("whatever")).toBe(true);
  await relay.publish(bundle(SECRET));
  expect([relay.hasRoute(undefined), relay.hasRoute("whatever")]).toEqual([true, false]);
});

test.each([
  ["sealed", true],
  ["open", false],
])(
  "what a version before has kept %s, without marks, gets them with the same bundle",
  async (_name, isSealed) => {
    const key = isSealed ? sealer : undefined;
    await new KeptBundle(shelf, key).publish(bundle(undefined));
    const { marks: _marks, ...older } = JSON.parse(kept.get("bundle") ?? "{}");
    kept.set("bundle", JSON.stringify(older));
    const relay = new KeptBundle(shelf, key);
    expect([relay.hasRoute("whatever"), relay.answer().marks]).toEqual([true, undefined]);
    await relay.publish(bundle(undefined));
    await relay.publish(bundle(undefined));
    expect([relay.version, marksIn(relay).length, relay.hasRoute("whatever")]).toEqual([
      2,
      1,
      false,
    ]);
  },
);
