import { expect, test } from "vitest";
import { LIMITS } from "../../shared/limits.ts";
import { type BundleSource, upstreamBundle } from "./bundle.ts";

const digest = (letter: string): string => letter.repeat(43);
const SOURCE: BundleSource = {
  tokenDigests: [digest("t")],
  hooksDigest: digest("h"),
  webhooks: ["github", "agent", "github"],
  rate: { perSecond: 10, burst: 20 },
  login: true,
  greets: true,
};

test("the edge learns who may pass, which webhooks there are, and that people may sign in", () => {
  const verification = { scheme: "bearer", digests: [digest("h")] };
  const { maxWebhookBytes: maxBodyBytes } = LIMITS;
  expect(upstreamBundle(SOURCE)).toEqual({
    verifiers: [{ digest: digest("t"), subject: "operator", scopes: ["operator"] }],
    routes: ["github", "agent"].map((name) => ({
      name,
      verification,
      maxBodyBytes,
      mode: "express",
      methods: ["POST"],
      dedupe: "id",
    })),
    rate: { perSecond: 10, burst: 20 },
    login: { enabled: true },
    greets: true,
  });
});

test("without a token for them there are no webhooks", () => {
  expect(upstreamBundle({ ...SOURCE, hooksDigest: undefined }).routes).toEqual([]);
});

test("a webhook with a way of its own to be checked is not opened by the hooks token", () => {
  const verification = { scheme: "github" as const, secrets: ["shared-with-github"] };
  const own = { name: "github", verification, maxBodyBytes: 1_024 };
  const { routes } = upstreamBundle({ ...SOURCE, routes: [own] });
  expect(routes.map(({ name, verification: { scheme } }) => [name, scheme])).toEqual([
    ["agent", "bearer"],
    ["github", "github"],
  ]);
  // It needs no hooks token at all.
  const without = upstreamBundle({ ...SOURCE, hooksDigest: undefined, routes: [own] });
  expect(without.routes.map(({ name }) => name)).toEqual(["github"]);
});

test("how work is spread is said when somebody said it", () => {
  const routing = { policy: "sticky", header: "x-user" } as const;
  expect(upstreamBundle({ ...SOURCE, routing }).routing).toEqual(routing);
});
