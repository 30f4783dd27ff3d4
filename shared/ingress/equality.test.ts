import { expect, test } from "vitest";
import { namesOf, received, schemeFor, verdictOf } from "../../test/support/webhooks.ts";
import { utf8 } from "../bytes.ts";
import { digestOf } from "../constant-time.ts";
import { toBase64 } from "./crypto.ts";

const bearer = { scheme: "bearer", digests: [await digestOf("the-token")] };
const basic = { scheme: "basic", digests: [await digestOf("user:pass:w\u00f6rd")] };
const header = { scheme: "header", header: "x-api-key", digests: [await digestOf("the key")] };

function verdict(settings: object, headers: Record<string, string>): Promise<string> {
  return verdictOf({ settings, headers, body: "{}" });
}

test.each([
  ["Authorization", { Authorization: "Bearer the-token" }],
  ["a lower-case scheme", { Authorization: "bearer the-token" }],
  ["X-OpenClaw-Token", { "X-OpenClaw-Token": "the-token" }],
])("the token is good in %s", async (_name, headers) => {
  expect(await verdict(bearer, headers)).toBe("genuine");
});

test.each([
  ["nowhere", {}, "missing_header"],
  ["wrong", { Authorization: "Bearer the-tokem" }, "mismatch"],
  ["empty", { Authorization: "Bearer " }, "missing_header"],
  ["under another scheme", { Authorization: "Basic the-token" }, "missing_header"],
  ["two", { Authorization: "Bearer the-token the-token" }, "missing_header"],
  ["the digest itself", { Authorization: `Bearer ${bearer.digests[0]}` }, "mismatch"],
  [
    "wrong first, good second",
    { Authorization: "Bearer x", "X-OpenClaw-Token": "the-token" },
    "mismatch",
  ],
  ["empty in its own header", { "X-OpenClaw-Token": "" }, "bad_format"],
  ["too long to look at", { "X-OpenClaw-Token": "x".repeat(2_000) }, "bad_format"],
])("a token that is %s is refused", async (_name, headers, reason) => {
  expect(await verdict(bearer, headers)).toBe(reason);
});

test.each([
  ["right", `Basic ${toBase64(utf8("user:pass:w\u00f6rd"))}`, "genuine"],
  ["right under a lower-case scheme", `basic ${toBase64(utf8("user:pass:w\u00f6rd"))}`, "genuine"],
  ["wrong", `Basic ${toBase64(utf8("user:pass"))}`, "mismatch"],
  ["not encoded", "Basic user:pass:word", "missing_header"],
  ["encoded in another way", "Basic dXNlcjpwYXNz=", "bad_format"],
  ["of another scheme", "Bearer abc", "missing_header"],
])("a user and password that are %s", async (_name, authorization, expected) => {
  expect(await verdict(basic, { Authorization: authorization })).toBe(expected);
});

test("a key counts in its header and nowhere else", async () => {
  expect(await verdict(header, { "X-Api-Key": "the key" })).toBe("genuine");
  expect(await verdict(header, { "X-Other-Key": "the key" })).toBe("missing_header");
});

test.each([bearer, basic, header])(
  "$scheme: the sender's own key names the event",
  async (settings) => {
    const attempt = { settings, headers: { "Idempotency-Key": "order-17" }, body: "a" };
    expect(await namesOf(attempt)).toEqual(["r:order-17 r"]);
    expect(await namesOf({ ...attempt, body: "b" })).toEqual(["r:order-17 r"]);
  },
);

test.each([
  ["too long", "k".repeat(256)],
  ["with a space", "a b"],
  ["empty", ""],
  ["not ASCII", "schl\u00fcssel"],
])("a key that is %s is malformed", async (_name, key) => {
  const headers = { "Idempotency-Key": key };
  expect(await namesOf({ settings: bearer, headers, body: "{}" })).toBe("malformed");
});

test("without a key every request is an event of its own", async () => {
  const attempt = { settings: bearer, headers: {}, body: "a" };
  const first = await namesOf(attempt);
  expect(first).toEqual([expect.stringMatching(/^r:[0-9a-f-]{36} r$/)]);
  expect(await namesOf(attempt)).not.toEqual(first);
});

test("the answer names the run", async () => {
  const webhook = received({ settings: bearer, headers: {}, body: "" });
  const items = [{ id: "agent:order-17", lane: "agent" }];
  const answer = schemeFor(bearer).accepted(webhook, items);
  expect(await answer.json()).toEqual({ ok: true, runId: "agent:order-17" });
});
