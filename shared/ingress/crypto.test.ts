import { expect, test } from "vitest";
import { toHex, utf8 } from "../bytes.ts";
import { digestOf } from "../constant-time.ts";
import {
  decodeSignature,
  encodeSignature,
  fromBase64,
  hmac,
  matchDigest,
  matchEd25519,
  matchHmac,
  secondsToMs,
  sha256Hex,
  timeFault,
  toBase64,
} from "./crypto.ts";

test.each([
  ["", ""],
  ["Zg==", "f"],
  ["Zm8=", "fo"],
  ["Zm9v", "foo"],
  ["Zm9vYmFy", "foobar"],
])("base64 %j, as RFC 4648 has it", (text, plain) => {
  expect(fromBase64(text)).toEqual(utf8(plain));
  expect(toBase64(utf8(plain))).toBe(text);
});

test.each([
  ["without padding", "Zg"],
  ["with half the padding", "Zg="],
  ["with too much padding", "Zm9v===="],
  ["with padding in the middle", "Zg==Zg=="],
  ["with bits that mean nothing", "Zh=="],
  ["with URL-safe letters", "-_-_"],
  ["with a line break", "Zm9v\n"],
  ["with a space", "Zm 9"],
  ["with a letter of another alphabet", "Zm9\u00e9"],
])("base64 %s is none", (_name, text) => {
  expect(fromBase64(text)).toBeUndefined();
});

const digest = new Uint8Array(32).fill(0xab);

test.each([
  ["lower case", "ab".repeat(32)],
  ["upper case", "AB".repeat(32)],
])("a signature in %s of hexadecimal is read", (_name, text) => {
  expect(decodeSignature(text, "hex", "sha256")).toEqual(digest);
});

test.each([
  ["a digit short", "ab".repeat(32).slice(1), "hex"],
  ["a byte short", "ab".repeat(31), "hex"],
  ["a byte long", "ab".repeat(33), "hex"],
  ["no digits", "xy".repeat(32), "hex"],
  ["signed", `+${"ab".repeat(32).slice(1)}`, "hex"],
  ["of spaces", " ".repeat(64), "hex"],
  ["empty", "", "hex"],
  ["a megabyte", "ab".repeat(500_000), "hex"],
  ["of a byte less", toBase64(digest.slice(1)), "base64"],
  ["without padding", toBase64(digest).slice(0, -1), "base64"],
  ["with padding", toBase64(digest), "base64url"],
] as const)("a signature that is %s is none", (_name, text, encoding) => {
  expect(decodeSignature(text, encoding, "sha256")).toBeUndefined();
});

test.each(["hex", "base64", "base64url"] as const)("%s survives the round trip", (encoding) => {
  expect(decodeSignature(encodeSignature(digest, encoding), encoding, "sha256")).toEqual(digest);
});

/** Source: RFC 4231, test case 2. */
test.each([
  ["sha256", "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"],
  [
    "sha384",
    "af45d2e376484031617f78d2b58a6b1b9c7ef464f5a01b47e42ec3736322445e8e2240ca5e69e2c78b3239ecfab21649",
  ],
  [
    "sha512",
    "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea2505549758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737",
  ],
] as const)("HMAC with %s", async (algorithm, expected) => {
  const made = await hmac(algorithm, utf8("Jefe"), utf8("what do ya want for nothing?"));
  expect(toHex(made)).toBe(expected);
});

/** Source: RFC 2202, test case 2. */
test("HMAC with sha1", async () => {
  const made = await hmac("sha1", utf8("Jefe"), utf8("what do ya want for nothing?"));
  expect(toHex(made)).toBe("effcdf6ae5eb2fa2d27416d5f184df9c259a7c79");
});

test("which secret has signed is told, and that none has", async () => {
  const message = utf8("message");
  const [a, b, c] = ["a", "b", "c"].map(utf8);
  if (a === undefined || b === undefined || c === undefined) throw new TypeError("three are made");
  const signature = await hmac("sha256", b, message);
  expect(await matchHmac("sha256", [a, b, c], message, [digest, signature])).toBe(1);
  expect(await matchHmac("sha256", [a, c], message, [digest, signature])).toBeUndefined();
  expect(await matchHmac("sha256", [a, b, c], message, [])).toBeUndefined();
  expect(await matchHmac("sha256", [], message, [signature])).toBeUndefined();
  expect(await matchHmac("sha256", [b], message, [signature.slice(1)])).toBeUndefined();
});

test("a public key that is no point of the curve has signed nothing", async () => {
  const bad = new Uint8Array(32).fill(0xff);
  const signature = new Uint8Array(64);
  expect(await matchEd25519([bad, new Uint8Array(3)], utf8("x"), signature)).toBeUndefined();
});

test("of equal digests the first is told", async () => {
  const known = await digestOf("secret");
  expect(await matchDigest("secret", [await digestOf("other"), known, known])).toBe(1);
  expect(await matchDigest("secret ", [known])).toBeUndefined();
  expect(await matchDigest(known, [known])).toBeUndefined();
});

test.each([
  ["on the second", 100_000, undefined],
  ["as late as it may be", 95_000, undefined],
  ["a millisecond too late", 94_999, "stale"],
  ["as early as it may be", 105_000, undefined],
  ["a millisecond too early", 105_001, "future"],
  ["at the beginning of time", 0, "bad_format"],
  ["before it", -1, "bad_format"],
  ["in parts of a millisecond", 100_000.5, "bad_format"],
  ["no number", Number.NaN, "bad_format"],
  ["without end", Number.POSITIVE_INFINITY, "bad_format"],
])("a time %s", (_name, at, fault) => {
  expect(timeFault(at, 100_000, 5_000)).toBe(fault);
});

test.each([
  ["1614265330", 1_614_265_330_000],
  ["0", 0],
  ["", Number.NaN],
  ["-1", Number.NaN],
  ["+1", Number.NaN],
  ["1.5", Number.NaN],
  ["1e9", Number.NaN],
  ["0x10", Number.NaN],
  [" 1", Number.NaN],
  ["1\n", Number.NaN],
  ["\u0661", Number.NaN],
  ["999999999999", Number.NaN],
])("%j in seconds", (text, expected) => {
  expect(secondsToMs(text)).toBe(expected);
});

test("SHA-256 in hexadecimal", async () => {
  expect(await sha256Hex(utf8("abc"))).toBe(
    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
  );
});
