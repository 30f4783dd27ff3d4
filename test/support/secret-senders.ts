/** Every sender that signs or shows a secret, with three secrets each: what hostile tables are run over. */
import { concat, utf8 } from "../../shared/bytes.ts";
import { digestOf } from "../../shared/constant-time.ts";
import { toBase64 } from "../../shared/ingress/crypto.ts";
import { Verification } from "../../shared/ingress/route.ts";
import { signSample } from "../../shared/ingress/sign.ts";

export interface Sender {
  readonly name: string;
  /** Where its proof stands. */
  readonly header: string;
  /** Signs the body, or only shows a secret. */
  readonly proves: "body" | "nothing";
  /** Signs a time. */
  readonly timed: boolean;
  /** Several signatures may stand side by side. */
  readonly isList: boolean;
  /** Settings of a route with these of its secrets, in this order: 0, 1 or 2. */
  settings(...live: number[]): unknown;
  /** A body that it could send. @param at - Unix seconds. */
  body(at: number): string;
  /** The headers it sends with a body, signed with one of its secrets. */
  sign(secret: number, body: Uint8Array<ArrayBuffer>, at: number): Promise<Headers>;
}

export const ADDRESS = "https://example.com/hooks/r";

type Traits = Partial<Pick<Sender, "timed" | "isList" | "body">> & {
  readonly secrets?: readonly string[];
  readonly more?: object;
};

const TEXTS = ["first-secret-text", "second-secret-text", "third-secret-text"];
const BASE64 = TEXTS.map((text) => toBase64(utf8(text.padEnd(32, "."))));
const WHSEC = BASE64.map((text) => `whsec_${text}`);
const HEX = ["aa01".repeat(16), "bb02".repeat(16), "cc03".repeat(16)];

function picked<T>(all: readonly T[], live: readonly number[]): T[] {
  return live.map((index) => all[index]).filter((one) => one !== undefined);
}

function signing(name: string, scheme: string, header: string, traits: Traits = {}): Sender {
  const { secrets = TEXTS, more = {}, timed = false, isList = false } = traits;
  const settings = (...live: number[]) => ({ scheme, secrets: picked(secrets, live), ...more });
  return {
    name,
    header,
    proves: "body",
    timed,
    isList,
    settings,
    body: traits.body ?? (() => '{"id":"evt_1","type":"test"}'),
    sign: (secret, body, at) => sample(settings(secret), body, at),
  };
}

function showing(name: string, header: string, more: object = {}): Sender {
  return {
    name,
    header,
    proves: "nothing",
    timed: false,
    isList: false,
    settings: (...live) => ({ scheme: name, digests: picked(digests, live), ...more }),
    body: () => '{"update_id":1}',
    sign: (secret, body, at) =>
      sample({ scheme: name, digests, ...more }, body, at, picked(TEXTS, [secret])[0]),
  };
}

const digests = await Promise.all(TEXTS.map(digestOf));

async function sample(
  settings: unknown,
  body: Uint8Array<ArrayBuffer>,
  at: number,
  plain?: string,
): Promise<Headers> {
  const url = new URL(ADDRESS);
  const shown = plain === undefined ? {} : { plain };
  const verification = Verification.parse(settings);
  const headers = await signSample(verification, { url, body, now: at * 1_000, ...shown });
  if (headers === undefined) throw new TypeError(`${verification.scheme} cannot be signed for`);
  return headers;
}

/** SendGrid's keys are made here: DER is what it sends, and what Web Crypto does not write. */
async function sendgrid(): Promise<Sender> {
  const curve = { name: "ECDSA", namedCurve: "P-256" };
  const pairs = await threePairs(curve);
  const shown = await Promise.all(pairs.map((pair) => publicText(pair, "spki")));
  return {
    name: "sendgrid",
    header: "x-twilio-email-event-webhook-signature",
    proves: "body",
    timed: true,
    isList: false,
    settings: (...live) => ({ scheme: "sendgrid", publicKeys: picked(shown, live) }),
    body: () => '[{"sg_event_id":"one"}]',
    async sign(secret, body, at) {
      const [pair] = picked(pairs, [secret]);
      if (pair === undefined) throw new RangeError("no such key");
      const algorithm = { name: "ECDSA", hash: "SHA-256" };
      const message = concat([utf8(String(at)), body]);
      const raw = new Uint8Array(await crypto.subtle.sign(algorithm, pair.privateKey, message));
      return new Headers({
        "x-twilio-email-event-webhook-signature": toBase64(der(raw)),
        "x-twilio-email-event-webhook-timestamp": String(at),
      });
    },
  };
}

/** Of whichever runtime's types this is compiled with. */
type KeyPair = Extract<
  Awaited<ReturnType<typeof crypto.subtle.generateKey>>,
  { readonly privateKey: unknown }
>;

function threePairs(algorithm: { name: string; namedCurve?: string }): Promise<KeyPair[]> {
  const made = TEXTS.map(async () => {
    const pair = await crypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
    if (!("publicKey" in pair)) throw new TypeError("not a pair");
    return pair;
  });
  return Promise.all(made);
}

async function publicText({ publicKey }: KeyPair, format: "raw" | "spki"): Promise<string> {
  const bytes: unknown = await crypto.subtle.exportKey(format, publicKey);
  if (!(bytes instanceof ArrayBuffer)) throw new TypeError("not bytes");
  return toBase64(new Uint8Array(bytes));
}

function der(raw: Uint8Array): Uint8Array<ArrayBuffer> {
  const numbers = [raw.subarray(0, 32), raw.subarray(32)].map((number) => {
    const first = number.findIndex((byte) => byte !== 0);
    const short = number.subarray(first);
    const isHigh = (short[0] ?? 0) >= 0x80;
    const written = isHigh ? concat([new Uint8Array(1), short]) : short;
    return concat([new Uint8Array([0x02, written.byteLength]), written]);
  });
  const both = concat(numbers);
  return concat([new Uint8Array([0x30, both.byteLength]), both]);
}

async function ed25519(): Promise<Sender> {
  const pairs = await threePairs({ name: "Ed25519" });
  const shown = await Promise.all(
    pairs.map(async (pair) => `whpk_${await publicText(pair, "raw")}`),
  );
  return {
    name: "standard, Ed25519",
    header: "webhook-signature",
    proves: "body",
    timed: true,
    isList: true,
    settings: (...live) => ({ scheme: "standard", secrets: picked(shown, live) }),
    body: () => "{}",
    async sign(secret, body, at) {
      const [pair] = picked(pairs, [secret]);
      if (pair === undefined) throw new RangeError("no such key");
      const message = concat([utf8(`msg_1.${at}.`), body]);
      const raw = await crypto.subtle.sign("Ed25519", pair.privateKey, message);
      return new Headers({
        "webhook-id": "msg_1",
        "webhook-timestamp": String(at),
        "webhook-signature": `v1a,${toBase64(new Uint8Array(raw))}`,
      });
    },
  };
}

const TIMED = { timed: true } as const;
const TIMED_LIST = { timed: true, isList: true } as const;
const linearBody = (at: number) => `{"type":"Issue","webhookTimestamp":${at * 1_000}}`;

/** Those with keys of their own are made when they are asked for. */
export async function allSenders(): Promise<readonly Sender[]> {
  return [
    signing("github", "github", "x-hub-signature-256"),
    signing("meta", "meta", "x-hub-signature-256"),
    signing("gitlab, signed", "gitlab", "webhook-signature", { ...TIMED_LIST, secrets: WHSEC }),
    signing("stripe", "stripe", "stripe-signature", TIMED_LIST),
    signing("shopify", "shopify", "x-shopify-hmac-sha256"),
    signing("linear", "linear", "linear-signature", { ...TIMED, body: linearBody }),
    signing("standard", "standard", "webhook-signature", { ...TIMED_LIST, secrets: WHSEC }),
    signing("svix", "svix", "svix-signature", { ...TIMED_LIST, secrets: WHSEC }),
    signing("paddle", "paddle", "paddle-signature", TIMED_LIST),
    signing("square", "square", "x-square-hmacsha256-signature", { more: { url: ADDRESS } }),
    signing("hubspot", "hubspot", "x-hubspot-signature-v3", TIMED),
    signing("adyen, in the header", "adyen", "hmacsignature", { secrets: HEX }),
    signing("slack", "slack", "x-slack-signature", TIMED),
    signing("line", "line", "x-line-signature"),
    signing("teams-outgoing", "teams-outgoing", "authorization", { secrets: BASE64 }),
    signing("twilio", "twilio", "x-twilio-signature", { body: () => "MessageSid=SM1&Body=hi" }),
    signing("hmac, a plain hash", "hmac", "x-signature", { more: { header: "x-signature" } }),
    signing("hmac, a list with a time", "hmac", "x-signature", {
      ...TIMED_LIST,
      secrets: HEX,
      more: {
        header: "x-signature",
        key: "s",
        separator: ";",
        encoding: "base64url",
        algorithm: "sha512",
        secretEncoding: "hex",
        signed: "{timestamp}|{method}|{path}|{body}",
        timestamp: { key: "at", unit: "milliseconds" },
      },
    }),
    await sendgrid(),
    await ed25519(),
    showing("bearer", "authorization"),
    showing("basic", "authorization"),
    showing("header", "x-api-key", { header: "x-api-key" }),
    showing("telegram", "x-telegram-bot-api-secret-token"),
    showing("gitlab", "x-gitlab-token"),
  ];
}
