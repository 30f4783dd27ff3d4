import { inspect } from "node:util";
import { expect, test } from "vitest";
import { onlyRoute } from "../../../test/support/webhook-config.ts";

test("no secret of a route can be printed", () => {
  const route = onlyRoute({
    meta: {
      verify: { scheme: "meta", verifyTokens: "hunter2-verify" },
      secrets: ["hunter2-app"],
      forward: { url: "http://127.0.0.1:1/", headers: { Authorization: "Bearer hunter2-out" } },
    },
  });
  expect(JSON.stringify(route) + inspect(route, { depth: null })).not.toContain("hunter2");
  expect(route.secrets.map((secret) => secret.reveal())).toEqual(["hunter2-app", "hunter2-verify"]);
});

const KEY = "ab".repeat(32);
const DIGEST = expect.stringMatching(/^[A-Za-z0-9_-]{43}$/);

test.each<[string, object, object]>([
  [
    "secrets of a rotation, the new one first",
    { verify: "stripe", secret: "new", secrets: ["old"] },
    { secrets: ["new", "old"] },
  ],
  ["a token by its digest", { verify: "bearer", secret: "t" }, { digests: [DIGEST] }],
  ["user and password by their digest", { verify: "basic", secret: "u:p" }, { digests: [DIGEST] }],
  [
    "a header of any name",
    { verify: { scheme: "header", header: "X-Api-Key" }, secret: "k" },
    { header: "x-api-key", digests: [DIGEST] },
  ],
  ["a public key", { verify: { scheme: "discord", publicKeys: KEY } }, { publicKeys: [KEY] }],
  ["an app id", { verify: { scheme: "teams", appIds: ["app"] } }, { appIds: ["app"] }],
  [
    "an audience and its kind",
    { verify: { scheme: "google-chat", audiences: "123", kind: "project" } },
    { audiences: ["123"], kind: "project" },
  ],
  [
    "a verify token by its digest",
    { verify: { scheme: "meta", verifyTokens: "v" }, secret: "a" },
    { secrets: ["a"], verifyTokens: [DIGEST] },
  ],
  [
    "GitLab's plain token by its digest",
    { verify: "gitlab", secret: "plain" },
    { digests: [DIGEST], secrets: [] },
  ],
  [
    "GitLab's signing token as it is",
    { verify: "gitlab", secret: "whsec_c2VjcmV0" },
    { digests: [], secrets: ["whsec_c2VjcmV0"] },
  ],
  [
    "GitLab's signing token by its kind",
    { verify: { scheme: "gitlab", kind: "signing" }, secret: "abc" },
    { digests: [], secrets: ["abc"] },
  ],
  [
    "the address Twilio was given",
    { verify: { scheme: "twilio", url: "https://a.example/hooks/t" }, secret: "a" },
    { url: "https://a.example/hooks/t" },
  ],
  [
    "a signature of any form",
    {
      verify: {
        scheme: "hmac",
        header: "X-Sig",
        prefix: "sha512=",
        algorithm: "sha512",
        signed: "{timestamp}.{body}",
        timestamp: { header: "X-Time" },
      },
      secret: "k",
    },
    {
      header: "x-sig",
      algorithm: "sha512",
      timestamp: { header: "x-time", unit: "seconds" },
      encoding: "hex",
    },
  ],
])("a sender is known by %s", async (_name, written, expected) => {
  const route = onlyRoute({ r: { ...written, wake: true } });
  expect(await route.verification()).toMatchObject(expected);
});

test("of several secrets those that are set count, and never the name of a variable", async () => {
  const route = onlyRoute(
    { r: { verify: "github", secrets: ["${OLD}", "${NEW}"], agent: {} } },
    { NEW: "new" },
  );
  expect(await route.verification()).toEqual({ scheme: "github", secrets: ["new"] });
});
