/** The settings of a sender of one's own: where its signature stands and what it is made of. */
import { expect, test } from "vitest";
import { namesOf, verdictOf } from "../../test/support/webhooks.ts";
import { concat, toBase64Url, toHex, utf8 } from "../bytes.ts";
import { hmac, type HmacAlgorithm, sha256, toBase64 } from "./crypto.ts";

const AT = 1_700_000_000;
const BODY = '{"event":{"id":"e-7","n":9},"list":[{"id":"first"}]}';
const base = { scheme: "hmac", secrets: ["s3cret"], header: "x-signature" };

async function signed(
  message: string,
  {
    secret = utf8("s3cret"),
    algorithm = "sha256",
  }: { secret?: Uint8Array<ArrayBuffer>; algorithm?: HmacAlgorithm } = {},
): Promise<Uint8Array<ArrayBuffer>> {
  return hmac(algorithm, secret, utf8(message));
}

test.each([
  ["sha1", "hex", toHex],
  ["sha256", "base64", toBase64],
  ["sha384", "base64url", toBase64Url],
  ["sha512", "hex", toHex],
] as const)("%s in %s", async (algorithm, encoding, write) => {
  const settings = { ...base, algorithm, encoding };
  const signature = write(await signed(BODY, { algorithm }));
  const headers = { "X-Signature": signature };
  expect(await verdictOf({ settings, headers, body: BODY })).toBe("genuine");
  const shorter = write(
    await signed(BODY, { algorithm: algorithm === "sha1" ? "sha256" : "sha1" }),
  );
  expect(await verdictOf({ settings, headers: { "X-Signature": shorter }, body: BODY })).toBe(
    "bad_format",
  );
});

test.each([
  ["text", "s3cret", utf8("s3cret")],
  ["hex", "00ff10", new Uint8Array([0, 255, 16])],
  ["base64", "AP8Q", new Uint8Array([0, 255, 16])],
])("a secret written as %s", async (secretEncoding, secret, bytes) => {
  const settings = { ...base, secretEncoding, secrets: [secret] };
  const headers = { "X-Signature": toHex(await signed(BODY, { secret: bytes })) };
  expect(await verdictOf({ settings, headers, body: BODY })).toBe("genuine");
});

test.each([
  ["hex", "xyz"],
  ["hex", "abc"],
  ["base64", "====="],
  ["base64", "AP8"],
])("a secret that is no %s is no secret", async (secretEncoding, secret) => {
  const settings = { ...base, secretEncoding, secrets: [secret] };
  const headers = { "X-Signature": toHex(await signed(BODY)) };
  expect(await verdictOf({ settings, headers, body: BODY })).toBe("unknown_key");
});

test("a secret that cannot be used does not hide the next one", async () => {
  const settings = { ...base, secretEncoding: "hex", secrets: ["zz", "00ff10"] };
  const secret = new Uint8Array([0, 255, 16]);
  const headers = { "X-Signature": toHex(await signed(BODY, { secret })) };
  expect(await verdictOf({ settings, headers, body: BODY })).toBe("genuine 1");
});

test.each([
  ["{body}", BODY],
  ["{timestamp}.{body}", `${AT}.${BODY}`],
  ["{url}{body}", `https://example.com/hooks/r?x=1${BODY}`],
  ["{method} {path}\n{body}", `POST /hooks/r?x=1\n${BODY}`],
  ["v1:{id}:{timestamp}:{body}:end", `v1:msg-1:${AT}:${BODY}:end`],
  ["{body}{body}", `${BODY}${BODY}`],
  ["{unknown}{body}", `{unknown}${BODY}`],
])("what is signed is %s", async (template, message) => {
  const settings = {
    ...base,
    signed: template,
    timestamp: { header: "x-time" },
    id: { header: "x-id" },
  };
  const headers = {
    "X-Signature": toHex(await signed(message)),
    "X-Time": String(AT),
    "X-Id": "msg-1",
  };
  const attempt = { settings, headers, body: BODY, at: AT, url: "https://example.com/hooks/r?x=1" };
  expect(await verdictOf(attempt)).toBe("genuine");
  expect(await verdictOf({ ...attempt, body: `${BODY} ` })).toBe("mismatch");
});

test("the address that the sender was given counts, not the one it came by", async () => {
  const settings = { ...base, signed: "{url}{body}", url: "https://public.example/hook" };
  const headers = { "X-Signature": toHex(await signed(`https://public.example/hook${BODY}`)) };
  expect(await verdictOf({ settings, headers, body: BODY })).toBe("genuine");
});

const listed = { ...base, key: "sig", timestamp: { key: "t" }, signed: "{timestamp}.{body}" };
const genuine = toHex(await signed(`${AT}.${BODY}`));
const wrong = "00".repeat(32);

test.each([
  ["in the other order", `sig=${genuine},t=${AT}`, "genuine"],
  ["with spaces", `t=${AT}, sig=${genuine}`, "genuine"],
  ["with a part nobody knows", `t=${AT},sig=${genuine},v0=x,flag`, "genuine"],
  ["with a wrong one first", `t=${AT},sig=${wrong},sig=${genuine}`, "genuine"],
  ["with a malformed one", `t=${AT},sig=potato,sig=${genuine}`, "genuine"],
  ["with wrong ones only", `t=${AT},sig=${wrong},sig=${wrong}`, "mismatch"],
  ["with malformed ones only", `t=${AT},sig=,sig=zz`, "bad_format"],
  ["without a signature", `t=${AT}`, "bad_format"],
  ["without a time", `sig=${genuine}`, "bad_format"],
  ["with two times", `t=${AT},t=${AT},sig=${genuine}`, "bad_format"],
  ["with three times", `t=1,t=1,t=${AT},sig=${genuine}`, "bad_format"],
  ["with a time in words", `t=now,sig=${genuine}`, "bad_format"],
  ["with a negative time", `t=-${AT},sig=${genuine}`, "bad_format"],
  ["with a fraction", `t=${AT}.0,sig=${genuine}`, "bad_format"],
  ["with an exponent", `t=17e8,sig=${genuine}`, "bad_format"],
  ["with a time beyond all numbers", `t=${"9".repeat(400)},sig=${genuine}`, "bad_format"],
  ["of too many parts", `${"x=1,".repeat(40)}t=${AT},sig=${genuine}`, "bad_format"],
])("a list %s", async (_name, text, verdict) => {
  const headers = { "X-Signature": text };
  expect(await verdictOf({ settings: listed, headers, body: BODY, at: AT })).toBe(verdict);
});

test.each([
  ["seconds", String(AT)],
  ["milliseconds", `${AT}000`],
  ["iso", "2023-11-14T22:13:20Z"],
  ["iso", "2023-11-14T22:13:20.000+00:00"],
])("a time in %s: %s, five minutes to either side", async (unit, text) => {
  const settings = { ...listed, key: undefined, timestamp: { header: "x-time", unit } };
  const headers = { "X-Time": text, "X-Signature": toHex(await signed(`${text}.${BODY}`)) };
  const attempt = { settings, headers, body: BODY };
  expect(await verdictOf({ ...attempt, at: AT + 300 })).toBe("genuine");
  expect(await verdictOf({ ...attempt, at: AT - 300 })).toBe("genuine");
  expect(await verdictOf({ ...attempt, at: AT + 301 })).toBe("stale");
  expect(await verdictOf({ ...attempt, at: AT - 301 })).toBe("future");
  const strict = { ...settings, toleranceSeconds: 1 };
  expect(await verdictOf({ ...attempt, settings: strict, at: AT + 2 })).toBe("stale");
});

test.each([
  ["2023-11-14 22:13:20", "bad_format"],
  ["Tue, 14 Nov 2023 22:13:20 GMT", "bad_format"],
  ["2023-13-14T22:13:20Z", "bad_format"],
])("a time like %s is none", async (text, verdict) => {
  const settings = { ...base, timestamp: { header: "x-time", unit: "iso" } };
  const headers = { "X-Time": text, "X-Signature": toHex(await signed(BODY)) };
  expect(await verdictOf({ settings, headers, body: BODY, at: AT })).toBe(verdict);
});

test("a signed id must be there", async () => {
  const settings = { ...base, signed: "{id}.{body}", id: { header: "x-id" } };
  const headers = { "X-Signature": toHex(await signed(`.${BODY}`)) };
  expect(await verdictOf({ settings, headers, body: BODY })).toBe("missing_header");
  const empty = { ...headers, "X-Id": "" };
  expect(await verdictOf({ settings, headers: empty, body: BODY })).toBe("missing_header");
});

const bodyHash = await sha256(utf8(BODY));

test.each([
  ["of the header", { header: "x-id" }, { "X-Id": "h-1" }, "r:h-1 r"],
  ["of the body", { path: "$.event.id" }, {}, "r:e-7 r"],
  ["that is a number", { path: "event.n" }, {}, "r:9 r"],
  ["in a list", { path: '$.list[0]["id"]' }, {}, "r:first r"],
  [
    "of the header before the body",
    { header: "x-id", path: "event.id" },
    { "X-Id": "h-1" },
    "r:h-1 r",
  ],
  ["of the body where the header is missing", { header: "x-id", path: "event.id" }, {}, "r:e-7 r"],
  ["that is nowhere", { path: "nothing" }, {}, `r:${bodyHash} r`],
  ["that is an object", { path: "event" }, {}, `r:${bodyHash} r`],
  ["that nobody has named", undefined, {}, `r:${bodyHash} r`],
])("an event goes by the id %s", async (_name, id, headers, name) => {
  const settings = { ...base, ...(id === undefined ? {} : { id }) };
  const sent = { ...headers, "X-Signature": genuine };
  expect(await namesOf({ settings, headers: sent, body: BODY })).toEqual([name]);
});

test("without an id, the same body signed at another time is another event", async () => {
  const headers = { "X-Signature": `t=${AT},sig=${genuine}` };
  const made = await sha256(concat([utf8(headers["X-Signature"]), utf8(BODY)]));
  expect(await namesOf({ settings: listed, headers, body: BODY })).toEqual([`r:${made} r`]);
});
