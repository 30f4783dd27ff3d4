/**
 * How a sender signs, as data, and the one reader of such data. Most senders differ in nothing but
 * this table: where the signature stands, how it is written, what it is made of and how old it may be.
 */
import { concat, fromBase64Url, fromHex, utf8 } from "../bytes.ts";
import { err, ok, type Result } from "../result.ts";
import {
  decodeSignature,
  encodeSignature,
  fromBase64,
  hmac,
  type HmacAlgorithm,
  matchHmac,
  secondsToMs,
  type SignatureEncoding,
  timeFault,
} from "./crypto.ts";
import type { Proof, ReceivedWebhook, Refusal } from "./scheme.ts";

type Bytes = Uint8Array<ArrayBuffer>;

export type SecretEncoding = "text" | "hex" | "base64" | "whsec";
export type TimeUnit = "seconds" | "milliseconds" | "iso";

export interface TimestampRule {
  /** Stands in a header of its own … */
  readonly header?: string | undefined;
  /** … or within the list of the signature header. */
  readonly key?: string | undefined;
  readonly unit: TimeUnit;
  /** To either side of our clock. */
  readonly toleranceMs: number;
}

export interface SigningRule {
  readonly algorithm: HmacAlgorithm;
  readonly encoding: SignatureEncoding;
  /** What the text of a secret is; `whsec`: base64, behind `whsec_` or not. */
  readonly secretEncoding: SecretEncoding;
  /** Where the signature stands: names in lower case, of which the first that is there counts. */
  readonly headers: readonly [string, ...string[]];
  readonly prefix?: string;
  /** The header is a list of `key=value`; several signatures of that key are all tried. */
  readonly list?: { readonly separator: string; readonly key: string; readonly assign: string };
  /** Signatures of another kind may stand there alone; the scheme itself reads those. */
  readonly mayLack?: true;
  /** What is signed: text and `{body} {timestamp} {url} {method} {path} {id}`. */
  readonly signed: string;
  readonly timestamp?: TimestampRule | undefined;
  /** Header that `{id}` stands for. */
  readonly idHeader?: string | undefined;
  /** What `{url}` stands for; absent: as the request has it. */
  readonly url?: string | undefined;
}

/** What the headers hold, decoded but not proved. */
export interface Evidence {
  readonly signatures: readonly Bytes[];
  readonly timestamp: string | undefined;
  readonly id: string | undefined;
}

/** Senders put one signature a live secret there; a stranger must not make us decode thousands. */
const MAX_LIST_PARTS = 32;

/** Form and time of a signature, from the headers alone. Cheap. */
export function readSignature(
  rule: SigningRule,
  headers: Headers,
  now: number,
): Result<Evidence, Refusal> {
  const header = rule.headers.find((name) => headers.has(name)) ?? rule.headers[0];
  const text = headers.get(header);
  if (text === null) return err({ reason: "missing_header", header });
  const parts = partsOf(rule, text);
  if (parts === undefined) return err({ reason: "bad_format", header });
  const signatures = parts.signatures
    .map((one) => decodeSignature(one, rule.encoding, rule.algorithm))
    .filter((one) => one !== undefined);
  // In a list some may be of another kind; at least one must be what it claims to be.
  if (signatures.length === 0 && rule.mayLack !== true)
    return err({ reason: "bad_format", header });
  const timestamp = readTimestamp(rule, headers, { header, listed: parts.listed, now });
  if (!timestamp.ok) return timestamp;
  const id = rule.idHeader === undefined ? null : headers.get(rule.idHeader);
  if (rule.idHeader !== undefined && (id === null || id === "")) {
    return err({ reason: "missing_header", header: rule.idHeader });
  }
  return ok({ signatures, timestamp: timestamp.value, id: id ?? undefined });
}

/** The two checks of a scheme whose proof is one rule over its secrets. */
export function signedBy<Settings extends { readonly secrets: readonly string[] }>(
  ruleOf: (settings: Settings, headers: Headers) => SigningRule,
): {
  screen: (settings: Settings, headers: Headers, now: number) => Result<void, Refusal>;
  verify: (settings: Settings, webhook: ReceivedWebhook) => Promise<Result<Proof, Refusal>>;
} {
  return {
    screen(settings, headers, now) {
      const evidence = readSignature(ruleOf(settings, headers), headers, now);
      return evidence.ok ? ok(undefined) : evidence;
    },
    verify: (settings, webhook) =>
      verifySignature(ruleOf(settings, webhook.headers), settings.secrets, webhook),
  };
}

/** Whether one of `secrets` has signed this webhook. */
export async function verifySignature(
  rule: SigningRule,
  secrets: readonly string[],
  webhook: ReceivedWebhook,
): Promise<Result<Proof, Refusal>> {
  const evidence = readSignature(rule, webhook.headers, webhook.now);
  if (!evidence.ok) return evidence;
  const message = messageOf(rule, webhook, evidence.value);
  return provedBy(rule, secrets, message, evidence.value.signatures);
}

/** Which of `secrets`, given as text, has made any of `signatures`. */
export async function provedBy(
  { algorithm, secretEncoding }: Pick<SigningRule, "algorithm" | "secretEncoding">,
  secrets: readonly string[],
  message: Bytes,
  signatures: readonly Bytes[],
): Promise<Result<Proof, Refusal>> {
  const keys = secrets.map((secret) => secretBytes(secret, secretEncoding));
  const usable = keys.filter((key) => key !== undefined);
  if (usable.length === 0) return err({ reason: "unknown_key" });
  const found = await matchHmac(algorithm, usable, message, signatures);
  if (found === undefined) return err({ reason: "mismatch" });
  return ok({ secret: keys.indexOf(usable[found]) });
}

/** The bytes of a secret; undefined for one that cannot be right. Web Crypto takes no empty key. */
export function secretBytes(secret: string, encoding: SecretEncoding): Bytes | undefined {
  const bytes = decodeSecret(secret, encoding);
  return bytes === undefined || bytes.byteLength === 0 ? undefined : bytes;
}

function decodeSecret(secret: string, encoding: SecretEncoding): Bytes | undefined {
  switch (encoding) {
    case "text":
      return utf8(secret);
    case "hex":
      return fromHex(secret);
    case "base64":
      return fromBase64(secret);
    case "whsec": {
      const base64 = secret.replace(/^whsec_/, "");
      // Some senders leave the padding out.
      return fromBase64(base64) ?? fromBase64Url(base64.replace(/=+$/, ""));
    }
  }
}

/**
 * The headers with which a genuine sender would send this webhook.
 *
 * @returns Undefined for a secret that cannot be right.
 */
export async function signedHeaders(
  rule: SigningRule,
  secret: string,
  webhook: ReceivedWebhook & { readonly id: string },
): Promise<Headers | undefined> {
  const key = secretBytes(secret, rule.secretEncoding);
  if (key === undefined) return undefined;
  const { timestamp: time } = rule;
  const timestamp = time === undefined ? undefined : timeText(webhook.now, time.unit);
  const message = messageOf(rule, webhook, { timestamp, id: webhook.id });
  const signature = encodeSignature(await hmac(rule.algorithm, key, message), rule.encoding);
  const headers = new Headers();
  if (time?.header !== undefined && timestamp !== undefined) headers.set(time.header, timestamp);
  if (rule.idHeader !== undefined) headers.set(rule.idHeader, webhook.id);
  headers.set(rule.headers[0], `${rule.prefix ?? ""}${listText(rule, signature, timestamp)}`);
  return headers;
}

function listText(rule: SigningRule, signature: string, timestamp: string | undefined): string {
  const { list, timestamp: time } = rule;
  if (list === undefined) return signature;
  const signed = `${list.key}${list.assign}${signature}`;
  if (time?.key === undefined) return signed;
  return `${time.key}${list.assign}${timestamp}${list.separator}${signed}`;
}

interface Parts {
  readonly signatures: readonly string[];
  /** All of the list by their names; those that stand there twice are undefined. */
  readonly listed: ReadonlyMap<string, string | undefined>;
}

function partsOf({ prefix = "", list }: SigningRule, text: string): Parts | undefined {
  if (!text.startsWith(prefix)) return undefined;
  const rest = text.slice(prefix.length);
  if (list === undefined) return { signatures: [rest], listed: new Map() };
  const parts = rest.split(list.separator, MAX_LIST_PARTS + 1);
  if (parts.length > MAX_LIST_PARTS) return undefined;
  const listed = new Map<string, string | undefined>();
  const signatures: string[] = [];
  for (const part of parts) {
    const at = part.indexOf(list.assign);
    const name = part.slice(0, Math.max(at, 0)).trim();
    const value = part.slice(at + list.assign.length);
    if (name === list.key) signatures.push(value);
    else listed.set(name, listed.has(name) ? undefined : value);
  }
  return { signatures, listed };
}

function readTimestamp(
  { timestamp: rule }: SigningRule,
  headers: Headers,
  found: { readonly header: string; readonly listed: Parts["listed"]; readonly now: number },
): Result<string | undefined, Refusal> {
  if (rule === undefined) return ok(undefined);
  const header = rule.header ?? found.header;
  const text =
    rule.header === undefined ? found.listed.get(rule.key ?? "") : headers.get(rule.header);
  if (text === null) return err({ reason: "missing_header", header });
  if (text === undefined) return err({ reason: "bad_format", header });
  const fault = timeFault(timeMs(text, rule.unit), found.now, rule.toleranceMs);
  return fault === undefined ? ok(text) : err({ reason: fault, header });
}

/** Five minutes: what most senders ask for. */
const DEFAULT_TOLERANCE_SECONDS = 300;

/** Of a route, or what its sender asks for. */
export function toleranceMs(
  settings: { readonly toleranceSeconds?: number | undefined },
  defaultSeconds = DEFAULT_TOLERANCE_SECONDS,
): number {
  return (settings.toleranceSeconds ?? defaultSeconds) * 1_000;
}

const ISO = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)$/;

/** Unix ms of a time as senders write it; NaN for anything else. */
export function timeMs(text: string, unit: TimeUnit): number {
  if (unit === "seconds") return secondsToMs(text);
  if (unit === "milliseconds") return /^[0-9]{1,14}$/.test(text) ? Number(text) : Number.NaN;
  return ISO.test(text) ? Date.parse(text) : Number.NaN;
}

function timeText(now: number, unit: TimeUnit): string {
  if (unit === "seconds") return String(Math.floor(now / 1_000));
  return unit === "milliseconds" ? String(now) : new Date(now).toISOString();
}

/** The bytes that a rule signs. The body goes in as it came. */
export function messageOf(
  rule: SigningRule,
  { body, url, method }: Pick<ReceivedWebhook, "body" | "url" | "method">,
  { timestamp = "", id = "" }: Partial<Evidence>,
): Bytes {
  // Nothing around it: up to 25 MB need not be copied.
  if (rule.signed === "{body}") return body;
  const texts: Readonly<Record<string, string>> = {
    "{timestamp}": timestamp,
    "{id}": id,
    "{url}": rule.url ?? url.href,
    "{method}": method,
    "{path}": `${url.pathname}${url.search}`,
  };
  const parts = rule.signed.split(/(\{[a-z]+\})/);
  return concat(parts.map((part) => (part === "{body}" ? body : utf8(texts[part] ?? part))));
}
