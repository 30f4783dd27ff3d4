import { exportJWK, generateKeyPair } from "jose";
import { beforeEach, expect, test, vi } from "vitest";
import {
  current,
  GOOD,
  JWKS_URL,
  next,
  NOW,
  NOW_S,
  published,
  tokenOf,
  TokenWorld,
} from "../../test/support/token-world.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
const OPENID_URL = "https://keys.example/openid";
const X509_URL = "https://keys.example/x509";
const PLAIN_URL = "http://keys.example/jwks";

let world: TokenWorld;
let logged: string[];

beforeEach(async () => {
  world = await TokenWorld.start();
  logged = [];
  vi.spyOn(console, "error").mockImplementation((line: string) => void logged.push(line));
});

test("they are asked for once, and again after an hour", async () => {
  for (let at = 0; at <= 2 * HOUR_MS; at += HOUR_MS / 4) {
    const claims = { ...GOOD, exp: NOW_S + 3 * 3_600 };
    expect(await world.reason(await tokenOf(claims), { now: NOW + at })).toBe("good");
  }
  expect(world.asked).toHaveLength(2);
});

test("a new one is found as soon as it signs, an old one is gone when it is withdrawn", async () => {
  const claims = { ...GOOD, exp: NOW_S + 3 * 3_600 };
  expect(await world.reason(await tokenOf(claims))).toBe("good");
  const keys = [await published(next, "k2")];
  world.publish(...keys);
  const later = { now: NOW + MINUTE_MS };
  expect(await world.reason(await tokenOf(claims, "k2", next), later)).toBe("good");
  expect(await world.reason(await tokenOf(claims), later)).toBe("unknown_key");
  expect(world.asked).toHaveLength(2);
});

test("names that nobody knows cost one question a minute", async () => {
  for (let at = 0; at < 2 * MINUTE_MS; at += 1_000) {
    const token = await tokenOf({ ...GOOD, exp: NOW_S + 3_600 }, `made-up-${at}`);
    expect(await world.reason(token, { now: NOW + at })).toBe("unknown_key");
  }
  expect(world.asked).toHaveLength(2);
  expect(logged).toEqual([]);
});

test("many who ask at once are one question", async () => {
  const tokens = await Promise.all(Array.from({ length: 50 }, () => tokenOf()));
  expect(await Promise.all(tokens.map((token) => world.reason(token)))).toEqual(
    tokens.map(() => "good"),
  );
  expect(world.asked).toHaveLength(1);
});

test("a source that is down refuses, and the log says why, without the address's path", async () => {
  world.documents.set(JWKS_URL, () => Promise.reject(new TypeError("secret path")));
  expect(await world.reason(await tokenOf())).toBe("unknown_key");
  expect(logged).toHaveLength(1);
  expect(JSON.parse(logged[0] ?? "")).toMatchObject({
    event: "webhook_keys_unavailable",
    host: "keys.example",
    kind: "TypeError",
  });
  expect(logged[0]).not.toContain("secret");
  // Not with each webhook that comes meanwhile.
  expect(await world.reason(await tokenOf(), { now: NOW + 1_000 })).toBe("unknown_key");
  expect(world.asked).toHaveLength(1);
});

test("a source that says nothing is waited for no longer than three seconds", async () => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  try {
    const asked = Promise.withResolvers<void>();
    world.documents.set(JWKS_URL, () => {
      asked.resolve();
      return new Promise(() => {});
    });
    const reason = world.reason(await tokenOf());
    await asked.promise;
    await vi.advanceTimersByTimeAsync(3_000);
    expect(await reason).toBe("unknown_key");
    expect(JSON.parse(logged[0] ?? "")).toMatchObject({ kind: "DeadlineError" });
  } finally {
    vi.useRealTimers();
  }
});

test("keys that cannot be had anew are good for a day and no longer", async () => {
  const claims = { ...GOOD, exp: NOW_S + 48 * 3_600 };
  expect(await world.reason(await tokenOf(claims))).toBe("good");
  world.documents.set(JWKS_URL, () => new Response(null, { status: 503 }));
  expect(await world.reason(await tokenOf(claims), { now: NOW + 24 * HOUR_MS })).toBe("good");
  const late = { now: NOW + 24 * HOUR_MS + MINUTE_MS };
  expect(await world.reason(await tokenOf(claims), late)).toBe("unknown_key");
});

test("a configuration names the place of the keys", async () => {
  const configuration = { jwks_uri: JWKS_URL, issuer: "https://issuer.example" };
  world.documents.set(OPENID_URL, () => Response.json(configuration));
  const keys = { kind: "openid", url: OPENID_URL } as const;
  expect(await world.reason(await tokenOf(), { keys })).toBe("good");
  expect(world.asked).toEqual([OPENID_URL, JWKS_URL]);
});

test("what is said of a key besides can be asked for", async () => {
  const token = await tokenOf();
  const seen: unknown[] = [];
  const acceptsKey = ({ endorsements }: Readonly<Record<string, unknown>>) => {
    seen.push(endorsements);
    return seen.length === 1;
  };
  expect(await world.reason(token, { acceptsKey })).toBe("good");
  expect(await world.reason(token, { acceptsKey })).toBe("unknown_key");
  expect(seen).toEqual([["msteams"], ["msteams"]]);
});

test("sources are kept apart", async () => {
  const keys = [await published(next, "k1")];
  const url = "https://elsewhere.example/jwks";
  world.documents.set(url, () => Response.json({ keys }));
  expect(await world.reason(await tokenOf(), { keys: { kind: "jwks", url } })).toBe("mismatch");
  expect(await world.reason(await tokenOf(GOOD, "k1", next), { keys: { kind: "jwks", url } })).toBe(
    "good",
  );
  expect(await world.reason(await tokenOf())).toBe("good");
});

test("only so many are remembered, the one used last for longest", async () => {
  expect(await world.reason(await tokenOf())).toBe("good");
  for (let index = 0; index < 40; index += 1) {
    const url = `https://keys.example/${index}`;
    expect(await world.reason(await tokenOf(), { keys: { kind: "jwks", url } })).toBe(
      "unknown_key",
    );
    if (index < 20) expect(await world.reason(await tokenOf())).toBe("good");
  }
  expect(world.asked.filter((url) => url === JWKS_URL)).toHaveLength(1);
  expect(await world.reason(await tokenOf())).toBe("good");
  expect(world.asked.filter((url) => url === JWKS_URL)).toHaveLength(2);
});

const good = await published(current, "k1");

// Where the answer has keys at all, the right one is among them.
test.each<[string, "jwks" | "openid" | "x509", () => Response | Promise<Response>]>([
  ["an error", "jwks", () => Response.json({ keys: [good] }, { status: 500 })],
  [
    "the way to another place",
    "jwks",
    () => Response.json({ keys: [good] }, { status: 302, headers: { Location: JWKS_URL } }),
  ],
  ["a page", "jwks", () => new Response("<html>")],
  ["no list", "jwks", () => Response.json({ keys: "none" })],
  ["no keys at all", "jwks", () => Response.json({})],
  ["null", "jwks", () => Response.json(null)],
  [
    "more than anyone has",
    "jwks",
    () => Response.json({ keys: [good, ...Array.from({ length: 128 }, () => ({}))] }),
  ],
  [
    "too much to read",
    "jwks",
    () => new Response(JSON.stringify({ keys: [good] }) + " ".repeat(512 * 1024)),
  ],
  [
    "a length that is too much",
    "jwks",
    () => Response.json({ keys: [good] }, { headers: { "Content-Length": "9999999" } }),
  ],
  ["an endless body", "jwks", () => new Response(endless())],
  ["a configuration without a place", "openid", () => Response.json({ issuer: "x" })],
  ["a place that is none", "openid", () => Response.json({ jwks_uri: "file:///etc/passwd" })],
  ["a place without TLS", "openid", () => Response.json({ jwks_uri: PLAIN_URL })],
  [
    "a certificate that is none",
    "x509",
    () => Response.json({ k1: "-----BEGIN CERTIFICATE-----" }),
  ],
  ["numbers for certificates", "x509", () => Response.json({ k1: 1 })],
  ["a list for certificates", "x509", () => Response.json([])],
])("%s instead of keys refuses", async (_name, kind, response) => {
  world.documents.set(X509_URL, response);
  world.documents.set(PLAIN_URL, () => Response.json({ keys: [good] }));
  const keys = { kind, url: X509_URL };
  expect(await world.reason(await tokenOf(), { keys })).toBe("unknown_key");
  expect(world.asked[0]).toBe(X509_URL);
});

test("keys of another kind, for another use or without a name are passed over", async () => {
  const elliptic = await generateKeyPair("ES256", { extractable: true });
  const keys = [
    { ...good, kid: undefined },
    { ...good, use: "enc" },
    { ...good, alg: "RS512" },
    { ...(await exportJWK(elliptic.publicKey)), kid: "k1" },
    { kty: "oct", kid: "k1", k: "AAAA" },
    { kty: "RSA", kid: "k2", n: "AQAB", e: "AQAB" },
    7,
  ].filter((key) => key !== 7);
  world.publish(...keys);
  expect(await world.reason(await tokenOf())).toBe("unknown_key");
  // Too short a key to verify anything with.
  expect(await world.reason(await tokenOf(GOOD, "k2"))).toBe("mismatch");
  world.publish(...keys, good);
  expect(await world.reason(await tokenOf(), { now: NOW + MINUTE_MS - 1_000 })).toBe("unknown_key");
});

function endless(): ReadableStream<Uint8Array> {
  const part = new TextEncoder().encode(" ".repeat(64 * 1024));
  return new ReadableStream({ pull: (controller) => controller.enqueue(part) });
}
