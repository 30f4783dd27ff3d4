import { exportJWK, generateKeyPair, SignJWT, UnsecuredJWT } from "jose";
import { beforeEach, describe, expect, test } from "vitest";
import {
  current,
  GOOD,
  JWKS_URL,
  NOW_S,
  published,
  stranger,
  tokenOf,
  TokenWorld,
} from "../../test/support/token-world.ts";

let world: TokenWorld;

beforeEach(async () => {
  world = await TokenWorld.start();
});

describe("claims", () => {
  test.each<[string, object, string]>([
    ["all of them right", GOOD, "good"],
    ["the second issuer", { ...GOOD, iss: "issuer.example" }, "good"],
    ["several audiences", { ...GOOD, aud: ["x", "app"] }, "good"],
    ["another issuer", { ...GOOD, iss: "https://evil.example" }, "mismatch"],
    ["no issuer", { ...GOOD, iss: undefined }, "mismatch"],
    ["another audience", { ...GOOD, aud: "ap" }, "mismatch"],
    ["no audience", { ...GOOD, aud: undefined }, "mismatch"],
    ["an end just now", { ...GOOD, exp: NOW_S - 4 }, "good"],
    ["an end before now", { ...GOOD, exp: NOW_S - 5 }, "stale"],
    ["no end", { ...GOOD, exp: undefined }, "mismatch"],
    ["an end in words", { ...GOOD, exp: "tomorrow" }, "mismatch"],
    ["a beginning soon", { ...GOOD, nbf: NOW_S + 5 }, "good"],
    ["a beginning later", { ...GOOD, nbf: NOW_S + 6 }, "future"],
    ["issued soon", { ...GOOD, iat: NOW_S + 5 }, "good"],
    ["issued later", { ...GOOD, iat: NOW_S + 6 }, "future"],
    ["neither of these", { ...GOOD, nbf: undefined, iat: undefined }, "good"],
  ])("%s", async (_name, claims, expected) => {
    expect(await world.reason(await tokenOf(claims))).toBe(expected);
  });

  test("what a good token claims is handed over", async () => {
    const result = await world.verify(await tokenOf({ ...GOOD, email: "a@example.com" }));
    expect(result).toEqual({ ok: true, value: { ...GOOD, email: "a@example.com" } });
  });
});

function encoded(value: object): string {
  return btoa(JSON.stringify(value)).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
}

describe("forgeries", () => {
  test("another's signature under the name of the key is refused", async () => {
    expect(await world.reason(await tokenOf(GOOD, "k1", stranger))).toBe("mismatch");
  });

  test("other claims under a good signature are refused", async () => {
    const [header, , signature] = (await tokenOf()).split(".");
    const token = `${header}.${encoded({ ...GOOD, aud: "other" })}.${signature}`;
    expect(await world.reason(token)).toBe("mismatch");
  });

  test("a token that says it needs no signature is refused, and nobody is asked", async () => {
    expect(await world.reason(new UnsecuredJWT(GOOD).encode())).toBe("bad_format");
    const none = `${encoded({ alg: "none", kid: "k1" })}.${encoded(GOOD)}.AA`;
    expect(await world.reason(none)).toBe("bad_format");
    expect(world.asked).toEqual([]);
  });

  test("the public key is no password: HS256 made with it is refused", async () => {
    const { n = "" } = await exportJWK(current.publicKey);
    for (const secret of [n, JSON.stringify(await published(current, "k1"))]) {
      const token = await new SignJWT(GOOD)
        .setProtectedHeader({ alg: "HS256", kid: "k1" })
        .sign(new TextEncoder().encode(secret));
      expect(await world.reason(token)).toBe("bad_format");
    }
  });

  test.each(["RS384", "RS512", "PS256"])("%s by the very key is refused", async (alg) => {
    const key = await generateKeyPair(alg);
    const token = await new SignJWT(GOOD)
      .setProtectedHeader({ alg, kid: "k1" })
      .sign(key.privateKey);
    expect(await world.reason(token)).toBe("bad_format");
  });

  test("a key that the token brings along, or points at, is not looked at", async () => {
    const jwk = await exportJWK(stranger.publicKey);
    for (const more of [
      { jwk },
      { jku: "https://evil.example/jwks" },
      { x5u: "https://evil.example" },
    ]) {
      const token = await new SignJWT(GOOD)
        .setProtectedHeader({ alg: "RS256", kid: "k1", ...more })
        .sign(stranger.privateKey);
      expect(await world.reason(token)).toBe("mismatch");
    }
    expect(new Set(world.asked)).toEqual(new Set([JWKS_URL]));
  });

  test("an extension that must be understood is not, and the token is refused", async () => {
    const header = encoded({ alg: "RS256", kid: "k1", crit: ["exp"], exp: 1 });
    const [, claims, signature] = (await tokenOf()).split(".");
    expect(await world.reason(`${header}.${claims}.${signature}`)).not.toBe("good");
  });

  test.each([
    "",
    ".",
    "..",
    "a.b.c",
    "e30.e30.e30",
    "eyJhbGciOiJSUzI1NiJ9.e30.AA",
    `${encoded({ alg: "RS256", kid: 7 })}.e30.AA`,
    `${encoded({ alg: "RS256", kid: "" })}.e30.AA`,
    `${encoded({ alg: ["RS256"], kid: "k1" })}.e30.AA`,
    `${encoded({ alg: "RS256", kid: "k".repeat(20_000) })}.e30.AA`,
    "\u0000.\uFFFF.\uD800",
  ])("%j is no token, and nobody is asked", async (token) => {
    expect(await world.reason(token)).toBe("bad_format");
    expect(world.asked).toEqual([]);
  });

  test.each([
    `${encoded({ alg: "RS256", kid: "k1" })}.e30.AA`,
    `${encoded({ alg: "RS256", kid: "k1" })}.${encoded([])}.AA`,
    `${encoded({ alg: "RS256", kid: "k1" })}..`,
    `${encoded({ alg: "RS256", kid: "k1" })}.e30.AA.AA`,
  ])("%j is refused", async (token) => {
    expect(await world.reason(token)).not.toBe("good");
  });
});
