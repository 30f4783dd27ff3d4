import { expect, test } from "vitest";
import { LIMITS } from "../limits.ts";
import { Secret } from "../secret.ts";
import {
  chooseProtocol,
  createTunnelKey,
  importTunnelKey,
  signConnect,
  signPairing,
  signWelcome,
  verifyConnect,
  verifyPairing,
  verifyWelcome,
} from "./handshake.ts";

const NOW = 1_763_800_000_000;
const url = new URL("https://edge.example/tunnel");
const claims = { nonce: "nonce-0123456789", at: NOW, instance: "instance-1" };

test("a signed connect request is accepted and names its key and instance", async () => {
  const { key } = await createTunnelKey();
  const headers = new Headers(await signConnect(key, url, claims));
  const verdict = await verifyConnect(headers, url, () => key.publicKey, NOW + 5);
  expect(verdict).toEqual({ ok: true, value: { ...claims, kid: key.kid } });
});

test("a key read back from its JWK has the same name and still signs", async () => {
  const { key, jwk } = await createTunnelKey();
  const again = await importTunnelKey(jwk);
  expect(again.kid).toBe(key.kid);
  const headers = new Headers(await signConnect(again, url, claims));
  expect((await verifyConnect(headers, url, () => key.publicKey, NOW)).ok).toBe(true);
});

test.each([
  ["another host", new URL("https://evil.example/tunnel")],
  ["another path", new URL("https://edge.example/other")],
])("a signature does not carry over to %s", async (_name, elsewhere) => {
  const { key } = await createTunnelKey();
  const headers = new Headers(await signConnect(key, url, claims));
  const verdict = await verifyConnect(headers, elsewhere, () => key.publicKey, NOW);
  expect(verdict).toEqual({ ok: false, error: { reason: "bad_signature" } });
});

test.each(["kid", "ts", "nonce", "instance", "sig"])("changing %s breaks it", async (name) => {
  const { key } = await createTunnelKey();
  const { Authorization = "" } = await signConnect(key, url, claims);
  const changed = Authorization.replace(
    new RegExp(`(${name}=.{4})(.)`),
    (_all, head, char) => `${head}${char === "7" ? "8" : "7"}`,
  );
  expect(changed).not.toBe(Authorization);
  const verdict = await verifyConnect(
    new Headers({ Authorization: changed }),
    url,
    () => key.publicKey,
    NOW,
  );
  expect(verdict.ok).toBe(false);
});

test.each([
  ["from the past", NOW + LIMITS.connectSkewMs + 1],
  ["from the future", NOW - LIMITS.connectSkewMs - 1],
])("a request %s is stale and is told our time", async (_name, now) => {
  const { key } = await createTunnelKey();
  const headers = new Headers(await signConnect(key, url, claims));
  const verdict = await verifyConnect(headers, url, () => key.publicKey, now);
  expect(verdict).toEqual({
    ok: false,
    error: { reason: "stale", skewMs: now - NOW, serverTime: now },
  });
});

test.each([
  ["no header", {}, "missing"],
  ["a bearer token", { Authorization: "Bearer abcdefghijkl" }, "missing"],
  ["no parameters", { Authorization: "GWT-Ed25519 " }, "malformed"],
  [
    "a huge nonce",
    {
      Authorization: `GWT-Ed25519 kid=abcdefgh, ts=${NOW}, nonce=${"n".repeat(200)}, instance=instance-1, sig=abcdefgh`,
    },
    "malformed",
  ],
  [
    "a time that is no number",
    {
      Authorization:
        "GWT-Ed25519 kid=abcdefgh, ts=soon, nonce=abcdefgh, instance=instance-1, sig=abcdefgh",
    },
    "malformed",
  ],
  [
    "an unknown key",
    {
      Authorization: `GWT-Ed25519 kid=abcdefgh, ts=${NOW}, nonce=abcdefgh, instance=instance-1, sig=abcdefgh`,
    },
    "unknown_key",
  ],
])("%s is refused", async (_name, headers, reason) => {
  const verdict = await verifyConnect(new Headers(headers), url, () => undefined, NOW);
  expect(verdict.ok ? "ok" : verdict.error.reason).toBe(reason);
});

test("pairing needs the secret, and the name must be that of the key", async () => {
  const { key } = await createTunnelKey();
  const { key: other } = await createTunnelKey();
  const pairUrl = new URL("https://edge.example/tunnel/pair");
  const pair = { kid: key.kid, publicKey: key.publicKey, nonce: "nonce-0123456789", at: NOW };
  const secret = new Secret("a pairing secret of many bits");
  const good = new Headers(await signPairing(secret, pairUrl, pair));
  expect(await verifyPairing(good, pairUrl, secret, NOW)).toEqual({ ok: true, value: pair });
  expect((await verifyPairing(good, pairUrl, new Secret("another"), NOW)).ok).toBe(false);
  const borrowed = new Headers(await signPairing(secret, pairUrl, { ...pair, kid: other.kid }));
  expect((await verifyPairing(borrowed, pairUrl, secret, NOW)).ok).toBe(false);
});

test("a welcome is bound to the connect request it answers", async () => {
  const { key: edge } = await createTunnelKey();
  const welcome = { host: "edge.example", kid: "kid", nonce: "nonce", session: "session" };
  const signature = await signWelcome(edge.privateKey, welcome);
  expect(await verifyWelcome(edge.publicKey, signature, welcome)).toBe(true);
  expect(await verifyWelcome(edge.publicKey, signature, { ...welcome, nonce: "old" })).toBe(false);
  const { key: thief } = await createTunnelKey();
  expect(await verifyWelcome(thief.publicKey, signature, welcome)).toBe(false);
});

test.each([
  ["gwt.1", "gwt.1"],
  ["gwt.2, gwt.1", "gwt.1"],
  ["gwt.9", undefined],
  [null, undefined],
])("of the offer %s the choice is %s", (offer, choice) => {
  expect(chooseProtocol(offer)).toBe(choice);
});
