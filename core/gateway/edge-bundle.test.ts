import { expect, test } from "vitest";
import { digestOf } from "../../shared/constant-time.ts";
import { edgeBundle } from "./edge-bundle.ts";

const RATE = { perSecond: 100, burst: 500 };

test("the gateway token opens the edge as the operator, by its digest alone", async () => {
  const digest = await digestOf("the-token");
  const bundle = edgeBundle({
    tokenDigests: [digest],
    hooksDigest: undefined,
    channelRoutes: [],
    rate: RATE,
  });
  expect(bundle).toEqual({
    verifiers: [{ digest, subject: "operator", scopes: ["operator"] }],
    routes: [],
    rate: RATE,
  });
  expect(JSON.stringify(bundle)).not.toContain("the-token");
});

test("hooks add two routes that the hooks token opens and the gateway token does not", async () => {
  const hooksDigest = await digestOf("hooks");
  const { routes } = edgeBundle({
    tokenDigests: [await digestOf("gateway")],
    hooksDigest,
    channelRoutes: [],
    rate: RATE,
  });
  expect(routes.map(({ name }) => name)).toEqual(["agent", "wake"]);
  for (const { verification, maxBodyBytes } of routes) {
    expect(verification).toEqual({ scheme: "bearer", digests: [hooksDigest] });
    expect(maxBodyBytes).toBe(256 * 1024);
  }
});

test("a channel's own routes are passed on", async () => {
  const route = {
    name: "telegram",
    verification: { scheme: "telegram" as const, digests: [await digestOf("secret")] },
    maxBodyBytes: 1024,
  };
  const { routes } = edgeBundle({
    tokenDigests: [],
    hooksDigest: undefined,
    channelRoutes: [route],
    rate: RATE,
  });
  expect(routes).toEqual([route]);
});

test("a digest that is none is a bug and is not published", () => {
  const source = { tokenDigests: ["plain"], hooksDigest: undefined, channelRoutes: [], rate: RATE };
  expect(() => edgeBundle(source)).toThrow();
});
