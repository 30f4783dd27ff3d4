import { expect, test } from "vitest";
import { digestOf } from "../../shared/constant-time.ts";
import type { IngressRouteInput } from "../../shared/ingress/route.ts";
import { EdgeBundle } from "../../shared/edge-bundle.ts";
import { LIMITS } from "../../shared/limits.ts";
import type { Device } from "../store/device.ts";
import { edgeBundle, withDevices } from "./edge-bundle.ts";

const RATE = { perSecond: 100, burst: 500 };

function route(name: string, change: Partial<IngressRouteInput> = {}): IngressRouteInput {
  const verification = { scheme: "github" as const, secrets: ["s"] };
  return { name, verification, maxBodyBytes: 1024, ...change };
}

test("the gateway token opens the edge as the operator, by its digest alone", async () => {
  const digest = await digestOf("the-token");
  const bundle = edgeBundle({ tokenDigests: [digest], routes: [], rate: RATE });
  expect(bundle).toEqual({
    verifiers: [{ digest, subject: "operator", scopes: ["operator"] }],
    routes: [],
    rate: RATE,
  });
  expect(JSON.stringify(bundle)).not.toContain("the-token");
});

test("routes are passed on, and the alert with them", () => {
  const outageAlert = {
    afterMs: 60_000,
    url: "https://api.example.com/",
    headers: [["content-type", "application/json"] as [string, string]],
    body: "{}",
  };
  const bundle = edgeBundle({ tokenDigests: [], routes: [route("a")], rate: RATE, outageAlert });
  expect(bundle.routes).toEqual([expect.objectContaining(route("a"))]);
  expect(bundle.outageAlert).toEqual(outageAlert);
});

test("a digest that is none is a bug and is not published", () => {
  expect(() => edgeBundle({ tokenDigests: ["plain"], routes: [], rate: RATE })).toThrow();
});

test("two routes of one name are refused by that name", () => {
  const routes = [route("a"), route("b"), route("a")];
  expect(() => edgeBundle({ tokenDigests: [], routes, rate: RATE })).toThrow(
    'Two webhooks have the name "a"',
  );
});

test("what is too large for an edge is refused before it is sent, and says what is to blame", () => {
  const fallback = { body: "x".repeat(16_000) };
  const many = Array.from({ length: 80 }, (_, index) =>
    route(`r${index}`, { mode: "sync", sync: { deadlineMs: 1_000, fallback } }),
  );
  const cidrs = Array.from({ length: 512 }, () => "2001:0db8:ffff:ffff:ffff:ffff:ffff:ffff/128");
  const routes = [...many, route("large", { admission: { cidrs }, mode: "express" })];
  expect(() => edgeBundle({ tokenDigests: [], routes, rate: RATE })).toThrow(
    `may have ${LIMITS.maxBundleBytes}: the webhook "large" has most of them`,
  );
});

test("more routes than an edge takes are refused by their number", () => {
  const routes = Array.from({ length: 257 }, (_, index) => route(`r${index}`));
  expect(() => edgeBundle({ tokenDigests: [], routes, rate: RATE })).toThrow(
    "An edge takes 256 webhooks, and the settings have 257",
  );
});

function device(id: string, changes: Partial<Device> = {}): Device {
  const token = { role: "operator", scopes: ["operator.read"], generation: 1, createdAtMs: 1 };
  return {
    deviceId: id.padStart(64, "0"),
    publicKey: "k",
    role: "operator",
    roles: ["operator"],
    scopes: ["operator.read"],
    approvedVia: "owner",
    createdAtMs: 1,
    approvedAtMs: 1,
    tokens: [{ ...token, digest: id.padStart(43, "A") }],
    ...changes,
  };
}

test("a device opens the edge with its own token, for what it may do and nothing else", () => {
  const [token] = device("a").tokens;
  const revoked = device("b", { tokens: token && [{ ...token, revokedAtMs: 5 }] });
  const node = device("c", { tokens: token && [{ ...token, role: "node" }] });
  const base = edgeBundle({ tokenDigests: [], routes: [], rate: RATE });
  const bundle = withDevices(base, [device("a"), revoked, node]);
  expect(EdgeBundle.parse(bundle).verifiers).toEqual([
    {
      digest: "a".padStart(43, "A"),
      subject: `device:${"a".padStart(64, "0")}`,
      scopes: ["operator"],
      operatorScopes: ["operator.read"],
      deviceId: "a".padStart(64, "0"),
      kind: "device",
    },
    {
      digest: "a".padStart(43, "A"),
      subject: `device:${"c".padStart(64, "0")}`,
      scopes: ["operator"],
      // A node is no operator, whatever its device is in its other role.
      operatorScopes: [],
      deviceId: "c".padStart(64, "0"),
      kind: "device",
    },
  ]);
});

const CODE = {
  id: "1",
  digest: "d".repeat(43),
  access: "full" as const,
  roles: ["node"],
  scopes: [],
  createdAtMs: 1,
  expiresAtMs: 2,
};

test.each([
  ["devices give way to codes", 300, true],
  ["codes that do not fit stay out", 10, false],
])("what is published never gets longer than an edge takes: %s", (_name, spare, hasCodes) => {
  const empty = edgeBundle({ tokenDigests: [], routes: [], rate: RATE, allowedOrigins: [] });
  const length = LIMITS.maxBundleBytes - JSON.stringify(empty).length - '""'.length - spare;
  const base = { ...empty, allowedOrigins: ["x".repeat(length)] };
  const full = withDevices(base, [device("a"), device("b")], [CODE]);
  expect(JSON.stringify(full).length).toBeLessThanOrEqual(LIMITS.maxBundleBytes);
  expect("setupCodes" in full).toBe(hasCodes);
});

test("new devices may knock with a code, and nothing is said where there is none", () => {
  const base = edgeBundle({ tokenDigests: [], routes: [], rate: RATE });
  expect(withDevices(base, [])).not.toHaveProperty("setupCodes");
  const bundle = EdgeBundle.parse(withDevices(base, [], [CODE]));
  expect(bundle.setupCodes).toEqual([{ digest: CODE.digest, expiresAt: 2 }]);
});

test("of more devices than an edge takes, those that were here last come first", async () => {
  const many = Array.from({ length: LIMITS.maxVerifiers + 5 }, (_, index) =>
    device(String(index), { lastSeenAtMs: index }),
  );
  const digest = await digestOf("the-token");
  const base = edgeBundle({ tokenDigests: [digest], routes: [], rate: RATE });
  const { verifiers } = withDevices(base, many);
  expect(verifiers.length).toBeLessThanOrEqual(LIMITS.maxVerifiers);
  expect(verifiers.slice(0, 2)).toMatchObject([
    { subject: "operator" },
    { subject: expect.stringMatching(/1004$/) },
  ]);
  expect(JSON.stringify(withDevices(base, many)).length).toBeLessThanOrEqual(LIMITS.maxBundleBytes);
});

test("where webhooks are is said when it is not where an edge has them anyway", () => {
  const source = { tokenDigests: [], routes: [], rate: RATE };
  expect(edgeBundle({ ...source, hooksPath: "/in" }).hooksPath).toBe("/in");
  // At those of the gateway itself it would hide what is there.
  for (const hooksPath of ["/hooks", "/v1", "/api/hooks", "/tools"]) {
    expect(Object.hasOwn(edgeBundle({ ...source, hooksPath }), "hooksPath")).toBe(false);
  }
});
