import { expect, test } from "vitest";
import { EdgeBundle } from "./edge-bundle.ts";

const DIGEST = "ungWv48Bz-pBQUDeXa4iI7ADYaOWF3qctBD_YfIAFa0";

function bundle(change: Readonly<Record<string, unknown>> = {}): unknown {
  return {
    verifiers: [{ digest: DIGEST, subject: "operator", scopes: ["operator"] }],
    routes: [route()],
    rate: { perSecond: 100, burst: 500 },
    ...change,
  };
}

function route(change: Readonly<Record<string, unknown>> = {}): unknown {
  return {
    name: "github.push-1",
    verification: { scheme: "bearer", digests: [DIGEST] },
    maxBodyBytes: 1_000,
    mode: "express",
    methods: ["POST"],
    dedupe: "id",
    ...change,
  };
}

test("a whole bundle is read as it was written", () => {
  expect(EdgeBundle.parse(bundle())).toEqual(bundle());
});

test("what a route says nothing of is as most want it", () => {
  const unsaid = { mode: undefined, methods: undefined, dedupe: undefined };
  expect(EdgeBundle.parse(bundle({ routes: [route(unsaid)] }))).toEqual(bundle());
});

test.each([
  ["off", { enabled: false }],
  ["on", { enabled: true }],
  ["on for a week", { enabled: true, maxAgeSeconds: 604_800 }],
])("a bundle may say that browser login is %s", (_name, login) => {
  expect(EdgeBundle.parse(bundle({ login }))).toEqual(bundle({ login }));
});

test("a bundle may say what a device may do, and whose pages may come", () => {
  const verifier = { digest: DIGEST, subject: "device:1", scopes: ["operator"], kind: "device" };
  const device = { ...verifier, deviceId: "d".repeat(64), operatorScopes: ["operator.read"] };
  const front = { greets: false, allowedOrigins: ["https://ui.example"] };
  const all = bundle({ verifiers: [device], ...front });
  expect(EdgeBundle.parse(all)).toEqual(all);
});

test.each(["/in", "/a/b_c-d/e", "/IN"])("a bundle may say that webhooks are at %s", (hooksPath) => {
  expect(EdgeBundle.parse(bundle({ hooksPath }))).toEqual(bundle({ hooksPath }));
});

test.each([
  ["webhooks at the top", bundle({ hooksPath: "/" })],
  ["webhooks at no path", bundle({ hooksPath: "hooks" })],
  ["a slash behind its path", bundle({ hooksPath: "/in/" })],
  ["a path that climbs", bundle({ hooksPath: "/in/../v1" })],
  ["a path with a pattern in it", bundle({ hooksPath: "/in/:name" })],
  ["a path without end", bundle({ hooksPath: `/${"a".repeat(128)}` })],
  ["a login that says nothing", bundle({ login: {} })],
  ["a session of half a minute", bundle({ login: { enabled: true, maxAgeSeconds: 30 } })],
  ["a session of a year", bundle({ login: { enabled: true, maxAgeSeconds: 31_536_000 } })],
  ["no rate", bundle({ rate: undefined })],
  ["a rate of nothing", bundle({ rate: { perSecond: 0, burst: 1 } })],
  ["a burst of a half", bundle({ rate: { perSecond: 1, burst: 0.5 } })],
  ["a key of a later version", bundle({ later: 1 })],
  [
    "a token instead of its digest",
    bundle({ verifiers: [{ digest: "token", subject: "x", scopes: ["chat"] }] }),
  ],
  ["a token for nothing", bundle({ verifiers: [{ digest: DIGEST, subject: "x", scopes: [] }] })],
  ["an unknown scope", bundle({ verifiers: [{ digest: DIGEST, subject: "x", scopes: ["root"] }] })],
  [
    "too many tokens",
    bundle({
      verifiers: Array.from({ length: 1_001 }, () => ({
        digest: DIGEST,
        subject: "x",
        scopes: ["chat"],
      })),
    }),
  ],
  ["a route that climbs", bundle({ routes: [route({ name: "../admin" })] })],
  ["a route in capitals", bundle({ routes: [route({ name: "GitHub" })] })],
  ["a route without a name", bundle({ routes: [route({ name: "" })] })],
  ["a route of 65 characters", bundle({ routes: [route({ name: "a".repeat(65) })] })],
  [
    "a route that nobody verifies",
    bundle({ routes: [route({ verification: { scheme: "none" } })] }),
  ],
  [
    "a route without a secret",
    bundle({ routes: [route({ verification: { scheme: "bearer", digests: [] } })] }),
  ],
  ["a body beyond the limit", bundle({ routes: [route({ maxBodyBytes: 26_214_401 })] })],
])("a bundle with %s is refused", (_name, value) => {
  expect(EdgeBundle.safeParse(value).success).toBe(false);
});
