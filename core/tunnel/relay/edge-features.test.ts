import { readFileSync } from "node:fs";
import { Check } from "typebox/schema";
import { expect, test } from "vitest";
import { EdgeBundle } from "../../../shared/edge-bundle.ts";
import { BUNDLE_FEATURES, bundleFor } from "../../../shared/edge-features.ts";

/** What an edge took that did not say what it knows: JSON Schema of its bundle, as it was. */
const before = JSON.parse(
  readFileSync(
    new URL("../../../test/fixtures/edge-bundle/before-features.json", import.meta.url),
    "utf8",
  ),
);
const DIGEST = "d".repeat(43);
const OLD: EdgeBundle = {
  verifiers: [{ digest: DIGEST, subject: "operator", scopes: ["operator"] }],
  routes: [],
  rate: { perSecond: 1, burst: 1 },
};
/** Of every key that may be left out. */
const ALL: EdgeBundle = {
  ...OLD,
  verifiers: [
    {
      digest: DIGEST,
      subject: "device:1",
      scopes: ["operator"],
      operatorScopes: [],
      deviceId: "1",
      kind: "device",
    },
  ],
  routing: { policy: "sticky", header: "x-user" },
  greets: true,
  allowedOrigins: ["https://ui.example"],
  login: { enabled: true, maxAgeSeconds: 3_600 },
  setupCodes: [{ digest: DIGEST, expiresAt: 1 }],
  hooksPath: "/incoming",
  outageAlert: { afterMs: 60_000, url: "https://a.example/", headers: [], body: "x" },
};
const NOTHING: ReadonlySet<string> = new Set();

test("the sample has every key of the bundle, so that a new one is seen here", () => {
  expect(Object.keys(ALL).toSorted()).toEqual(Object.keys(EdgeBundle.shape).toSorted());
  expect(EdgeBundle.parse(ALL)).toEqual(ALL);
});

test("an edge of before is sent what it can read, and what it lacks is named", () => {
  expect(Check(before, ALL)).toBe(false);
  const { bundle, leftOut } = bundleFor(ALL, NOTHING);
  expect(Check(before, bundle)).toBe(true);
  expect(bundle.verifiers).toEqual(ALL.verifiers);
  expect(leftOut).toEqual(["setup codes", "hooks.path"]);
});

test("nothing is missed that was not there", () => {
  expect(bundleFor(OLD, NOTHING)).toEqual({ bundle: OLD, leftOut: [] });
  const { bundle, leftOut } = bundleFor({ ...OLD, setupCodes: undefined }, NOTHING);
  expect([Object.hasOwn(bundle, "setupCodes"), leftOut]).toEqual([false, []]);
});

test("an edge of this version is sent all of it, and one of later too", () => {
  const ours = new Set(["reattach", ...BUNDLE_FEATURES]);
  expect(bundleFor(ALL, ours)).toEqual({ bundle: ALL, leftOut: [] });
  expect(bundleFor(ALL, new Set([...ours, "bundle.moon"])).bundle).toEqual(ALL);
});
