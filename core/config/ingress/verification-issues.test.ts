import { expect, test } from "vitest";
import { refusal, webhookConfig } from "../../../test/support/webhook-config.ts";

const hmac = (more: object): object => ({ scheme: "hmac", header: "X-Sig", ...more });
const chat = (more: object): object => ({ scheme: "google-chat", ...more });
const CHAT_KINDS = '"project" or "url", as the authentication audience is set up';

test.each<[string, unknown, string]>([
  ["no scheme", undefined, 'verify: is needed: the name of a scheme, like "github"'],
  ["a list", ["github"], "verify: is needed: the name of a scheme"],
  [
    "a service of Meta's",
    "whatsapp",
    'verify.scheme: is no way to verify a webhook; did you mean "meta"?',
  ],
  ["capitals", "GitHub", 'did you mean "github"?'],
  ["no check at all", "none", "is no way to verify a webhook; one of bearer"],
  [
    "no header",
    "hmac",
    'verify.header: is needed: the name of the header with the signature, like "X-Signature"',
  ],
  [
    "a header with a space",
    hmac({ header: "X Sig" }),
    "verify.header: must be the name of the header",
  ],
  [
    "a header for a secret that is not named",
    "header",
    "verify.header: is needed: the name of the header with the secret",
  ],
  [
    "an algorithm with a slip",
    hmac({ algorithm: "sha265" }),
    "verify.algorithm: must be one of sha1, sha256, sha384, sha512",
  ],
  [
    "an encoding with a slip",
    hmac({ encoding: "bas64" }),
    "verify.encoding: must be one of hex, base64, base64url",
  ],
  [
    "a secret's encoding with a slip",
    hmac({ secretEncoding: "b64" }),
    "verify.secretEncoding: must be one of text, hex, base64",
  ],
  [
    "a unit with a slip",
    hmac({ timestamp: { key: "t", unit: "ms" } }),
    "verify.timestamp.unit: must be one of seconds, milliseconds, iso",
  ],
  [
    "a time that is no object",
    hmac({ timestamp: "X-Time" }),
    'verify.timestamp: must be an object like { header: "X-Timestamp" }',
  ],
  [
    "an id that is no object",
    hmac({ id: "X-Id" }),
    'verify.id: must be an object like { header: "X-Event-Id" }',
  ],
  [
    "a slip within the time",
    hmac({ timestamp: { headr: "X" } }),
    'verify.timestamp.headr: is not a setting of hmac; did you mean "header"?',
  ],
  ["nothing that is signed", hmac({ signed: "" }), "verify.signed: must be text with {body} in it"],
  [
    "a place with a slip",
    hmac({ signed: "{timestmp}.{body}" }),
    "verify: cannot work: what is signed holds {timestmp}, which stands for nothing",
  ],
  [
    "a time in words",
    hmac({ toleranceSeconds: "5m" }),
    "verify.toleranceSeconds: must be a whole number of seconds, from 1 to 86400",
  ],
  [
    "half an address",
    hmac({ url: "edge.example/x" }),
    "verify.url: must be the whole address as the sender has it",
  ],
  [
    "a setting of another scheme",
    { scheme: "github", toleranceSeconds: 5 },
    "verify.toleranceSeconds: is not a setting of github",
  ],
  [
    "a kind where there is none",
    { scheme: "github", kind: "x" },
    "verify.kind: is not a setting of github",
  ],
  [
    "public keys where there are none",
    { scheme: "github", publicKeys: "x" },
    "verify.publicKeys: is not a setting of github",
  ],
])("%s is refused with path and remedy", (_name, verify, message) => {
  const route = { secret: "s", agent: true, ...(verify === undefined ? {} : { verify }) };
  expect(refusal(webhookConfig({ r: route }))).toContain(message);
});

test.each<[string, unknown, string]>([
  [
    "a key with a slip in its name",
    { scheme: "discord", publicKey: "ab" },
    'verify.publicKey: is not a setting of discord; did you mean "publicKeys"?',
  ],
  [
    "a key that is a number",
    { scheme: "discord", publicKeys: 5 },
    "verify.publicKeys[0]: must be text, in quotes",
  ],
  ["no app", "teams", "verify.appIds: is needed: the Microsoft App ID of the bot"],
  [
    "no key of SendGrid's",
    "sendgrid",
    "verify.publicKeys: is needed: the verification key, base64 as SendGrid shows it",
  ],
  [
    "no audience",
    chat({ kind: "url" }),
    'verify.audiences: is needed: the project number (kind "project") or the address',
  ],
  ["no kind", chat({ audiences: "1" }), `verify.kind: is needed: ${CHAT_KINDS}`],
  [
    "a kind with a slip",
    chat({ kind: "projct", audiences: "1" }),
    `verify.kind: must be ${CHAT_KINDS}`,
  ],
  [
    "a number for an address",
    chat({ kind: "url", audiences: "1" }),
    'verify.audiences: must be the address of this webhook, with kind "url"',
  ],
  [
    "an address for a number",
    chat({ kind: "project", audiences: "https://a.example/" }),
    "verify.audiences: must be the project number, in digits",
  ],
  [
    "an add-on without a number",
    chat({ kind: "addon", audiences: "https://a.example/" }),
    'verify.projectNumber: is needed with kind "addon"',
  ],
  [
    "a project by its id",
    chat({ kind: "addon", audiences: "https://a.example/", projectNumber: "mine" }),
    'verify.projectNumber: must be digits in quotes, like "123456789012": the number, not the id',
  ],
])(
  "of a sender that is checked without a secret, %s is refused with path and remedy",
  (_name, verify, message) => {
    expect(refusal(webhookConfig({ r: { verify, agent: true } }))).toContain(message);
  },
);

test.each<[string, object, string]>([
  [
    "a user without a password",
    { verify: "basic", secret: "user" },
    'r.secret: must be "user:password"',
  ],
  [
    "an API key of Stripe's",
    { verify: "stripe", secrets: ["whsec_1", "sk_live_hunter2"] },
    "r.secrets[1]: is an API key: the signing secret of the endpoint begins with whsec_",
  ],
  [
    "one too many",
    { verify: "github", secret: "0", secrets: ["1", "2", "3", "4"] },
    "r.secrets: are too many: with secret at most 4 are good",
  ],
  [
    "one too long",
    { verify: "github", secret: "0", secrets: ["hunter2".repeat(200)] },
    "r.secrets[0]: must have at most 1024 characters",
  ],
])(
  "of secrets, %s is refused by the path it was written at, and never shown",
  (_name, written, message) => {
    const told = refusal(webhookConfig({ r: { ...written, agent: true } }));
    expect(told).toContain(message);
    expect(told).not.toContain("hunter2");
  },
);

test.each([
  ["cidrs", "10.0.0.0/8", 'must be a list, like ["192.0.2.0/24"]'],
  ["countries", "DE", 'must be a list, like ["DE", "FR"]'],
])("%s that are no list are told what a list looks like", (key, value, message) => {
  const route = { verify: "github", secret: "s", agent: true, allow: { [key]: value } };
  expect(refusal(webhookConfig({ r: route }))).toContain(`r.allow.${key}: ${message}`);
});
