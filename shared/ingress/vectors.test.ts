/** What senders publish for people to check their own verifiers by: documents and test suites of their SDKs. */
import { expect, test } from "vitest";
import { type Attempt, verdictOf } from "../../test/support/webhooks.ts";

interface Vector extends Attempt {
  readonly name: string;
  readonly source: string;
  /** `genuine` unless said otherwise. */
  readonly verdict?: string;
}

const GITHUB_DOCS =
  "https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries#testing-the-webhook-payload-validation";
const SQUARE_DOCS = "https://developer.squareup.com/docs/webhooks/step3validate";
const STANDARD_JS =
  "https://github.com/standard-webhooks/standard-webhooks/blob/main/libraries/javascript/src/webhook.test.ts";
const STANDARD_GO =
  "https://github.com/standard-webhooks/standard-webhooks/blob/main/libraries/go/webhook_asymmetric_test.go";
const SVIX_DOCS = "https://docs.svix.com/receiving/verifying-payloads/how-manual";
const PADDLE_SDK =
  "https://github.com/PaddleHQ/paddle-node-sdk/blob/main/src/__tests__/notifications/webhooks-validator.node.test.ts";
const SENDGRID_SDK =
  "https://github.com/sendgrid/sendgrid-nodejs/blob/main/packages/eventwebhook/src/eventwebhook.spec.js";

const hello = {
  settings: { scheme: "github", secrets: ["It's a Secret to Everybody"] },
  headers: {
    "X-Hub-Signature-256":
      "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17",
  },
  body: "Hello, World!",
};

const square = {
  settings: { scheme: "square", secrets: ["asdf1234"], url: "https://example.com/webhook" },
  headers: { "x-square-hmacsha256-signature": "2kRE5qRU2tR+tBGlDwMEw2avJ7QM4ikPYD/PJ3bd9Og=" },
  body: '{"hello":"world"}',
};

const standardAt = 1_614_265_330;
const standardSecret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const standardBody = '{"test": 2432232314}';
const otherSignature = "Ceo5qEr07ixe2NLpvHk3FH9bwy/WavXrAFQ/9tdO6mc=";
const genuineV1 = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
const genuineV1a =
  "v1a,tQ9V2XOqn7jL/DQenEFpqIugdBVtiMmER5mhSkXBNwM0mkATuDe6KYYUuxqtaiHeYGb7KaaBRdM5WqyeFiL8Ag==";
/** The public half of their seed `TESTSIGNINGKEYDONOTUSETHISFORANY`. */
const publicKey = "whpk_ZlN4eg7dSSqi0moX9hQUk3orrOouK3QVQSlJa248c/g=";

function standard(signature: string, extra: Partial<Vector> = {}): Vector {
  return {
    name: "Standard Webhooks",
    source: STANDARD_JS,
    settings: { scheme: "standard", secrets: [standardSecret] },
    headers: {
      "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
      "webhook-timestamp": String(standardAt),
      "webhook-signature": signature,
    },
    body: standardBody,
    at: standardAt,
    ...extra,
  };
}

const paddleSettings = { scheme: "paddle", secrets: ["VALID_SECRET"], toleranceSeconds: 5 };
const paddleHeader =
  "ts=1698796800;h1=a300428748dce5c70e4da19bffd60769591ea969c99dea3105d0ec9612cf43f9";

function paddle(header: string, extra: Partial<Vector> = {}): Vector {
  return {
    name: "Paddle",
    source: PADDLE_SDK,
    settings: paddleSettings,
    headers: { "Paddle-Signature": header },
    body: '{"data": ["1", "2"]}',
    at: 1_698_796_800,
    ...extra,
  };
}

const SENDGRID_KEY =
  "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEEDr2LjtURuePQzplybdC+u4CwrqDqBaWjcMMsTbhdbcwHBcepxo7yAQGhHPTnlvFYPAZFceEu/1FwCM/QmGUhA==";
const SENDGRID_OTHER_KEY =
  "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEqTxd43gyp8IOEto2LdIfjRQrIbsd4SXZkLW6jDutdhXSJCWHw8REntlo7aNDthvj+y7GjUuFDb/R1NGe1OPzpA==";
const SENDGRID_SIGNATURE =
  "MEUCIQCtIHJeH93Y+qpYeWrySphQgpNGNr/U+UyUlBkU6n7RAwIgJTz2C+8a8xonZGi6BpSzoQsbVRamr2nlxFDWYNH2j/0=";

function sendgrid(extra: Partial<Vector> = {}, signature = SENDGRID_SIGNATURE): Vector {
  return {
    name: "SendGrid",
    source: SENDGRID_SDK,
    settings: { scheme: "sendgrid", publicKeys: [SENDGRID_KEY] },
    headers: {
      "X-Twilio-Email-Event-Webhook-Signature": signature,
      "X-Twilio-Email-Event-Webhook-Timestamp": "1588788367",
    },
    body: '{"category":"example_payload","event":"test_event","message_id":"message_id"}',
    at: 1_588_788_367,
    ...extra,
  };
}

const vectors: readonly Vector[] = [
  { name: "GitHub", source: GITHUB_DOCS, ...hello },
  {
    name: "GitHub, another body",
    source: GITHUB_DOCS,
    ...hello,
    body: "Hello, World?",
    verdict: "mismatch",
  },
  { name: "Square", source: SQUARE_DOCS, ...square },
  {
    name: "Square, another address",
    source: SQUARE_DOCS,
    ...square,
    settings: { ...square.settings, url: "https://example.com/webhook/" },
    verdict: "mismatch",
  },
  ...["SHA256=", "sha512=", "=sha256", ""].map((prefix) => ({
    name: `GitHub, ${JSON.stringify(prefix)} in front`,
    source: GITHUB_DOCS,
    ...hello,
    headers: { "X-Hub-Signature-256": prefix + hello.headers["X-Hub-Signature-256"].slice(7) },
    verdict: "bad_format",
  })),
  standard(genuineV1),
  standard(genuineV1, {
    name: "the secret without its prefix",
    settings: { scheme: "standard", secrets: ["MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"] },
  }),
  standard(
    [`v1,${otherSignature}`, `v2,${otherSignature}`, genuineV1, `v1,${otherSignature}`].join(" "),
    { name: "several signatures" },
  ),
  standard("v1,dawfeoifkpqwoekfpqoekf", { name: "an invalid signature", verdict: "bad_format" }),
  standard(genuineV1.slice(0, 8), { name: "part of a signature", verdict: "bad_format" }),
  standard("v1,", { name: "no signature", verdict: "bad_format" }),
  standard(genuineV1, { name: "an old time", at: standardAt + 301, verdict: "stale" }),
  standard(genuineV1, { name: "a new time", at: standardAt - 301, verdict: "future" }),
  standard(genuineV1a, {
    name: "Ed25519",
    source: STANDARD_GO,
    settings: { scheme: "standard", secrets: [publicKey] },
  }),
  standard(`v1,${otherSignature} v2,${otherSignature} ${genuineV1a} v1,${otherSignature}`, {
    name: "Ed25519 among others",
    source: STANDARD_GO,
    settings: { scheme: "standard", secrets: [standardSecret, publicKey] },
    verdict: "genuine 1",
  }),
  standard(genuineV1, {
    name: "a secret behind a public key",
    settings: { scheme: "standard", secrets: [publicKey, standardSecret] },
    verdict: "genuine 1",
  }),
  standard(`v1a,${otherSignature}`, {
    name: "an Ed25519 signature too short",
    source: STANDARD_GO,
    settings: { scheme: "standard", secrets: [publicKey] },
    verdict: "bad_format",
  }),
  standard("v1a,", {
    name: "no Ed25519 signature",
    source: STANDARD_GO,
    settings: { scheme: "standard", secrets: [publicKey] },
    verdict: "bad_format",
  }),
  standard(genuineV1, {
    name: "Svix",
    source: SVIX_DOCS,
    settings: { scheme: "svix", secrets: [standardSecret] },
    headers: {
      "svix-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
      "svix-timestamp": String(standardAt),
      "svix-signature": genuineV1,
    },
  }),
  standard(genuineV1, {
    name: "Svix under the common names",
    source: SVIX_DOCS,
    settings: { scheme: "svix", secrets: [standardSecret] },
  }),
  paddle(paddleHeader),
  paddle(
    "ts=1698796800;h1=28981e941fae76e53db32f3d2a83cb69db41476595e84e1970a1b5d98f62b261;h1=28981e941fae76e53db32f3d2a83cb69db41476595e84e1970a1b5d98f62b261;h2=RANDOM_HASH",
    { name: "Paddle, several hashes", body: '{"data": "value"}' },
  ),
  paddle(paddleHeader, {
    name: "Paddle, another secret",
    settings: { ...paddleSettings, secrets: ["INVALID_VALID_SECRET"] },
    verdict: "mismatch",
  }),
  paddle(paddleHeader.replace("1698796800", "9876"), {
    name: "Paddle, another time",
    verdict: "stale",
  }),
  paddle(paddleHeader, {
    name: "Paddle, more spaces",
    body: '{ "data": [ "1", "2" ]}',
    verdict: "mismatch",
  }),
  paddle("ts=1234;h1=invalid_signature", {
    name: "Paddle, an invalid signature",
    verdict: "bad_format",
  }),
  paddle("invalid_header", { name: "Paddle, an invalid header", verdict: "bad_format" }),
  paddle("h1=invalid_header", { name: "Paddle, no time", verdict: "bad_format" }),
  paddle("ts=1234;h2=invalid_header", { name: "Paddle, no hash", verdict: "bad_format" }),
  paddle(paddleHeader, { name: "Paddle, after 5 s", at: 1_698_796_805 }),
  paddle(paddleHeader, { name: "Paddle, after 6 s", at: 1_698_796_806, verdict: "stale" }),
  sendgrid(),
  sendgrid({
    name: "SendGrid, another key",
    settings: { scheme: "sendgrid", publicKeys: [SENDGRID_OTHER_KEY] },
    verdict: "mismatch",
  }),
  sendgrid({
    name: "SendGrid, a key that is none",
    settings: { scheme: "sendgrid", publicKeys: ["AAAA", "not base64"] },
    verdict: "unknown_key",
  }),
  sendgrid({ name: "SendGrid, another body", body: "payload", verdict: "mismatch" }),
  sendgrid(
    { name: "SendGrid, another signature", verdict: "mismatch" },
    SENDGRID_SIGNATURE.replace("NH2j", "NH3j"),
  ),
  sendgrid({
    name: "SendGrid, no time",
    headers: {
      "X-Twilio-Email-Event-Webhook-Signature": SENDGRID_SIGNATURE,
      "X-Twilio-Email-Event-Webhook-Timestamp": "timestamp",
    },
    verdict: "bad_format",
  }),
];

test.each(vectors)("$name: $source", async (vector) => {
  expect(await verdictOf(vector)).toBe(vector.verdict ?? "genuine");
});
