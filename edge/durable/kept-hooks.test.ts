/** What a relay keeps of where webhooks are posted, and were. */
import { beforeEach, expect, test } from "vitest";
import { randomToken } from "../../shared/bytes.ts";
import { EdgeBundle } from "../../shared/edge-bundle.ts";
import { Secret } from "../../shared/secret.ts";
import { readPublished } from "../relays/published.ts";
import { createSealer } from "../seal.ts";
import { KeptBundle, type Shelf } from "./kept-bundle.ts";

const sealer = createSealer(new Secret(randomToken()));
let kept: Map<string, string>;
let shelf: Shelf;

beforeEach(() => {
  kept = new Map();
  shelf = {
    read(name, schema) {
      const text = kept.get(name);
      return text === undefined ? undefined : schema.parse(JSON.parse(text));
    },
    write: (name, value) => void kept.set(name, JSON.stringify(value)),
  };
});

function bundle(hooksPath?: string): EdgeBundle {
  return EdgeBundle.parse({
    verifiers: [],
    routes: [{ name: "r", verification: { scheme: "core" }, maxBodyBytes: 9 }],
    rate: { perSecond: 1, burst: 1 },
    ...(hooksPath === undefined ? {} : { hooksPath }),
  });
}

test("where webhooks are is part of every route's mark, and where they were is remembered", async () => {
  const relay = new KeptBundle(shelf, sealer);
  await relay.publish(bundle());
  const [mark] = relay.answer().marks ?? [];
  expect(relay.answer().formerHooks).toBeUndefined();
  for (const path of ["/a1", "/a2", "/a3", "/a4", "/a5", "/a6", "/a3"]) {
    await relay.publish(bundle(path));
  }
  expect(relay.hasRoute(mark)).toBe(false);
  // The same after a sleep.
  const woken = new KeptBundle(shelf, sealer);
  expect(woken.answer().formerHooks).toEqual(["/a6", "/a5", "/a4", "/a2"]);
  // Back at its own, which is never among those that were.
  await woken.publish(bundle());
  expect(woken.answer()).toMatchObject({
    marks: [mark],
    formerHooks: ["/a3", "/a6", "/a5", "/a4"],
  });
  woken.touch();
  const told = await readPublished({ ...woken.answer(), keys: [] }, sealer);
  expect(told.formerHooks).toEqual(["/a3", "/a6", "/a5", "/a4"]);
});

test("without a key it is the same", async () => {
  const relay = new KeptBundle(shelf, undefined);
  await relay.publish(bundle("/a1"));
  await relay.publish(bundle("/a2"));
  expect(relay.answer()).toMatchObject({
    version: 2,
    bundle: { hooksPath: "/a2" },
    formerHooks: ["/a1"],
  });
});
