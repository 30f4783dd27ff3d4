/** The vendors' own packages and our verifiers, asked the same questions. */
import { createHmac, generateKeyPairSync, sign } from "node:crypto";
import { parse, stringify } from "node:querystring";
import { validateSignature } from "@line/bot-sdk";
import { verifyKey } from "discord-interactions";
import { describe, expect, test } from "vitest";
import {
  getExpectedBodyHash,
  getExpectedTwilioSignature,
  validateRequest,
  validateRequestWithBody,
} from "twilio/lib/webhooks/webhooks.js";
import { discord } from "../shared/ingress/schemes/discord.ts";
import { line } from "../shared/ingress/schemes/line.ts";
import { twilio } from "../shared/ingress/schemes/twilio.ts";
import { Random } from "./support/random.ts";
import { noTools, received } from "./support/received-webhook.ts";

const ROUNDS = 150;
const NOW = 1_700_000_000_000;
const AT = "1700000000";

const random = new Random(20_261_122);
const PIECES = [
  "a",
  "Z",
  "0",
  " ",
  "+",
  "%",
  "&",
  "=",
  "'",
  '"',
  "~",
  "!",
  "*",
  "(",
  "é",
  "😀",
  "\n",
  "#",
  "/",
  "?",
];

function pick(from: readonly string[]): string {
  return from[random.below(from.length)] ?? "";
}

function text(longest = 12): string {
  return Array.from({ length: random.below(longest) }, () => pick(PIECES)).join("");
}

/** One character put in the place of another, or nothing. */
function garbled(whole: string, alphabet = ["A", "B", "+", "0"]): string {
  if (random.once(2) || whole === "") return whole;
  const at = random.below(whole.length);
  return whole.slice(0, at) + pick(alphabet) + whole.slice(at + 1);
}

const rounds = Array.from({ length: ROUNDS }, (_, index) => index);

function form(): [string, string][] {
  const names = ["Body", "From", "To", "Digits", "Sid", "SidAccount", "body", "é"];
  return Array.from({ length: random.below(8) }, () => [pick(names), text()]);
}

/** As a form is read by the frameworks that their package is made for. */
function asParams(fields: readonly [string, string][]): Record<string, string | string[]> {
  const params: Record<string, string[]> = {};
  for (const [name, value] of fields) (params[name] ??= []).push(value);
  return params;
}

/** As back ends of Twilio write a query that they have read. */
function reencoded(url: string): string {
  const [path = "", query = ""] = url.split("?");
  return query === "" ? url : `${path}?${stringify(parse(query))}`;
}

describe("twilio", () => {
  const secrets = ["12345"];
  const hosts = [
    "https://a.example",
    "https://a.example:8443",
    "http://a.example",
    "http://a.example:8080",
  ];

  async function ours(url: string, signature: string, body: string): Promise<boolean> {
    const headers = { "X-Twilio-Signature": signature };
    const webhook = received({ url, headers, body });
    return (await twilio.verify({ scheme: "twilio", secrets }, webhook, noTools)).ok;
  }

  test.each(rounds)("form %i", async () => {
    const fields = form();
    const asked: [string, string][] = [...form(), ["q", text()]];
    const query = random.once(2) ? "" : `?${new URLSearchParams(asked).toString()}`;
    const url = `${pick(hosts)}/hooks/r${query}`;
    const params = asParams(fields);
    const address = random.once(3) ? reencoded(url) : garbled(url);
    const signature = garbled(getExpectedTwilioSignature("12345", address, params));
    const body = new URLSearchParams(fields).toString();
    const theirs = validateRequest("12345", signature, url, params);
    expect(await ours(url, signature, body)).toBe(theirs);
  });

  test.each(rounds)("JSON %i", async () => {
    const body = JSON.stringify({ text: text(40) });
    const signed = `${pick(hosts)}/hooks/r?a=${encodeURIComponent(text())}&bodySHA256=${getExpectedBodyHash(body)}`;
    const signature = getExpectedTwilioSignature("12345", signed, {});
    const [url, sent] = [random.once(5) ? `${signed}&b=1` : signed, garbled(body)];
    const theirs = validateRequestWithBody("12345", signature, url, sent);
    expect(await ours(url, signature, sent)).toBe(theirs);
  });

  test("a fair part of these are genuine, and a fair part are not", async () => {
    const results = rounds.map(() => {
      const url = `${pick(hosts)}/hooks/r`;
      const signature = garbled(getExpectedTwilioSignature("12345", url, {}));
      return validateRequest("12345", signature, url, {});
    });
    expect(results.filter(Boolean).length).toBeGreaterThan(ROUNDS / 4);
    expect(results.filter((one) => !one).length).toBeGreaterThan(ROUNDS / 4);
  });
});

describe("LINE", () => {
  test.each(rounds)("body %i", async () => {
    const body = JSON.stringify({ destination: text(), events: [{ text: text(60) }] });
    const secret = text() || "s";
    const signature = createHmac("sha256", secret).update(garbled(body)).digest("base64");
    const webhook = received({ headers: { "x-line-signature": signature }, body });
    const result = await line.verify({ scheme: "line", secrets: [secret] }, webhook, noTools);
    expect(result.ok).toBe(validateSignature(body, secret, signature));
  });

  test("theirs takes other ways to write the same signature, ours takes one", async () => {
    const signature = createHmac("sha256", "s").update("{}").digest("base64");
    const sloppy = signature.replace("=", "");
    expect(validateSignature("{}", "s", sloppy)).toBe(true);
    const webhook = received({ headers: { "x-line-signature": sloppy }, body: "{}" });
    expect(await line.verify({ scheme: "line", secrets: ["s"] }, webhook, noTools)).toMatchObject({
      error: { reason: "bad_format" },
    });
  });
});

describe("discord", () => {
  const { publicKey, privateKey } = generateKeyPairSync("ed25519");
  const hex = publicKey.export({ type: "spki", format: "der" }).subarray(-32).toString("hex");

  test.each(rounds)("interaction %i", async () => {
    const body = JSON.stringify({ id: "1", type: 2, data: text(60) });
    const signed = Buffer.from(AT + garbled(body));
    const signature = garbled(sign(null, signed, privateKey).toString("hex"), ["0", "F"]);
    const headers = { "X-Signature-Ed25519": signature, "X-Signature-Timestamp": AT };
    const webhook = received({ headers, body, now: NOW });
    const result = await discord.verify({ scheme: "discord", publicKeys: [hex] }, webhook, noTools);
    expect(result.ok).toBe(await verifyKey(body, signature, AT, hex));
  });

  test("theirs takes a sign for a digit, ours takes digits", async () => {
    // A signature is as random as its message: some message has one that begins with a zero.
    const found = rounds
      .flatMap((index) => [`${index}a`, `${index}b`])
      .map((body) => ({
        body,
        hex: sign(null, Buffer.from(AT + body), privateKey).toString("hex"),
      }))
      .find((one) => one.hex.startsWith("0"));
    if (found === undefined) throw new Error("none of them begins with a zero");
    const odd = `+${found.hex.slice(1)}`;
    expect(await verifyKey(found.body, odd, AT, hex)).toBe(true);
    const headers = { "X-Signature-Ed25519": odd, "X-Signature-Timestamp": AT };
    const webhook = received({ headers, body: found.body, now: NOW });
    const result = await discord.verify({ scheme: "discord", publicKeys: [hex] }, webhook, noTools);
    expect(result).toMatchObject({ error: { reason: "bad_format" } });
  });
});
