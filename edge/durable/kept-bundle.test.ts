import { beforeEach, expect, test } from "vitest";
import type * as z from "zod";
import { randomToken } from "../../shared/bytes.ts";
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
  expect(await published(relay, sealer)).toEqual({ version: 1, bundle: given, keys: [] });
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
  expect(await published(relay, other)).toEqual({
    version: 2,
    bundle: bundle(SECRET),
    keys: [],
  });
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
