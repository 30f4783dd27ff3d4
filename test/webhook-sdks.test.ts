/** The senders' own libraries sign, and we check; we sign, and they check. */
import { createHmac } from "node:crypto";
import { sign as signGithub, verify as verifyGithub } from "@octokit/webhooks-methods";
import { Webhook as StandardWebhook } from "standardwebhooks";
import { Stripe } from "stripe";
import { Webhook as SvixWebhook } from "svix";
import { expect, test } from "vitest";
import { utf8 } from "../shared/bytes.ts";
import { signSample } from "../shared/ingress/sign.ts";
import { Random } from "./support/random.ts";
import { verdictOf } from "./support/webhooks.ts";

const url = new URL("https://example.com/hooks/r");
const NOW = Date.now();
const AT = Math.floor(NOW / 1_000);

/** What JSON can hold and a parser would print in another way. */
const TEXTS = [
  "{}",
  '{"id":"evt_1","object":"event"}',
  '{ "id" : "evt_1",\n "n": 1.0, "e": 1E2 }',
  '{"text":"\u{1f680} \u00fc \u2028"}',
  '{"text":"\\ud83d\\ude80 \\u00fc \\/"}',
  `{"long":"${"x".repeat(100_000)}"}`,
];

function secretsOf(seed: number): string[] {
  const random = new Random(seed);
  return [24, 32, 64].map((length) => Buffer.from(random.bytes(length)).toString("base64"));
}

const cases = TEXTS.flatMap((body) => secretsOf(body.length).map((secret) => ({ body, secret })));

test.each(cases)("GitHub's library and ours agree on $body.length characters", async (row) => {
  const { body, secret } = row;
  const settings = { scheme: "github" as const, secrets: [secret] };
  const headers = { "X-Hub-Signature-256": await signGithub(secret, body) };
  expect(await verdictOf({ settings, headers, body })).toBe("genuine");
  expect(await verdictOf({ settings, headers, body: `${body} ` })).toBe("mismatch");
  const ours = await signSample(settings, { url, body: utf8(body), now: NOW });
  const signature = ours?.get("x-hub-signature-256") ?? "";
  expect(await verifyGithub(secret, body, signature)).toBe(true);
});

test.each(cases)("Stripe's library and ours agree on $body.length characters", async (row) => {
  const { body } = row;
  const secret = `whsec_${row.secret}`;
  const settings = { scheme: "stripe" as const, secrets: [secret] };
  const stripe = new Stripe("sk_test_nothing");
  const header = stripe.webhooks.generateTestHeaderString({ payload: body, secret, timestamp: AT });
  const headers = { "Stripe-Signature": header };
  expect(await verdictOf({ settings, headers, body, at: AT })).toBe("genuine");
  expect(await verdictOf({ settings, headers, body, at: AT + 299 })).toBe("genuine");
  expect(await verdictOf({ settings, headers, body, at: AT + 301 })).toBe("stale");
  // Theirs takes times to come; ours does not.
  expect(await verdictOf({ settings, headers, body, at: AT - 301 })).toBe("future");
  const ours = await signSample(settings, { url, body: utf8(body), now: NOW });
  const signature = ours?.get("stripe-signature") ?? "";
  expect(() => stripe.webhooks.constructEvent(body, signature, secret)).not.toThrow(/signature/i);
});

test.each([
  ["one good signature beside a bad one", (header: string) => `${header},v1=potato`, "genuine"],
  ["nothing but a test scheme", (header: string) => header.replace("v1=", "v0="), "bad_format"],
  ["a signature that is none", (header: string) => header.replace(/v1=.*/, "v1=bad"), "bad_format"],
  ["no time", (header: string) => header.replace(/t=\d+,/, ""), "bad_format"],
  ["two times", (header: string) => `t=${AT + 1},${header}`, "bad_format"],
  ["no signature at all", () => "I'm not even a real signature header", "bad_format"],
])("as Stripe's own tests have it: %s", async (_name, change, verdict) => {
  const secret = "whsec_test_secret";
  const body = '{\n  "id": "evt_test_webhook",\n  "object": "event"\n}';
  const header = new Stripe("sk_test_nothing").webhooks.generateTestHeaderString({
    payload: body,
    secret,
    timestamp: AT,
  });
  const settings = { scheme: "stripe", secrets: [secret] };
  const headers = { "Stripe-Signature": change(header) };
  expect(await verdictOf({ settings, headers, body, at: AT })).toBe(verdict);
});

test.each(cases)(
  "Standard Webhooks' library and ours agree on $body.length characters",
  async (row) => {
    const { body } = row;
    const secret = `whsec_${row.secret}`;
    const settings = { scheme: "standard" as const, secrets: [secret] };
    const library = new StandardWebhook(secret);
    const headers = {
      "webhook-id": "msg_1",
      "webhook-timestamp": String(AT),
      "webhook-signature": library.sign("msg_1", new Date(AT * 1_000), body),
    };
    expect(await verdictOf({ settings, headers, body, at: AT })).toBe("genuine");
    expect(await verdictOf({ settings, headers, body: `${body}\n`, at: AT })).toBe("mismatch");
    const ours = await signSample(settings, { url, body: utf8(body), now: NOW });
    expect(library.verify(body, Object.fromEntries(ours ?? []))).toEqual(JSON.parse(body));
  },
);

test.each(cases)("Svix's library and ours agree on $body.length characters", async (row) => {
  const { body } = row;
  const secret = `whsec_${row.secret}`;
  const settings = { scheme: "svix" as const, secrets: [secret] };
  const library = new SvixWebhook(secret);
  const signature = library.sign("msg_1", new Date(AT * 1_000), body);
  for (const prefix of ["svix", "webhook"]) {
    const headers = {
      [`${prefix}-id`]: "msg_1",
      [`${prefix}-timestamp`]: String(AT),
      [`${prefix}-signature`]: signature,
    };
    expect(await verdictOf({ settings, headers, body, at: AT })).toBe("genuine");
  }
  const ours = await signSample(settings, { url, body: utf8(body), now: NOW });
  expect(library.verify(body, Object.fromEntries(ours ?? []))).toEqual(JSON.parse(body));
});

/** As their documents compute it, with Node's own HMAC. */
test.each(cases)(
  "Shopify, Linear, LINE and Square as Node signs them: $body.length",
  async (row) => {
    const { body, secret } = row;
    const base64 = createHmac("sha256", secret).update(body).digest("base64");
    const settings = (scheme: string, more: object = {}) => ({
      scheme,
      secrets: [secret],
      ...more,
    });
    for (const name of ["X-Shopify-Hmac-SHA256", "Shopify-Hmac-Sha256"]) {
      const headers = { [name]: base64 };
      expect(await verdictOf({ settings: settings("shopify"), headers, body })).toBe("genuine");
    }
    const line = { "X-Line-Signature": base64 };
    expect(await verdictOf({ settings: settings("line"), headers: line, body })).toBe("genuine");
    const address = "https://example.com/hooks/r?a=b%20c";
    const square = createHmac("sha256", secret)
      .update(address + body)
      .digest("base64");
    const headers = { "x-square-hmacsha256-signature": square };
    const known = settings("square", { url: address });
    expect(await verdictOf({ settings: known, headers, body })).toBe("genuine");
    expect(await verdictOf({ settings: settings("square"), headers, body, url: address })).toBe(
      "genuine",
    );
    const timed = body.replace("{", `{"webhookTimestamp":${AT * 1_000}${body === "{}" ? "" : ","}`);
    const linear = createHmac("sha256", secret).update(timed).digest("hex");
    const sent = { headers: { "Linear-Signature": linear }, body: timed };
    expect(await verdictOf({ settings: settings("linear"), ...sent, at: AT + 59 })).toBe("genuine");
    expect(await verdictOf({ settings: settings("linear"), ...sent, at: AT + 61 })).toBe("stale");
    expect(await verdictOf({ settings: settings("linear"), ...sent, at: AT - 61 })).toBe("future");
  },
);
