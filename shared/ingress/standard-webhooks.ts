/**
 * Standard Webhooks: `id.timestamp.body` under HMAC-SHA256 (`v1`) or Ed25519 (`v1a`), several
 * signatures side by side. Svix and GitLab send the same under names of their own.
 * Source: https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
 */
import { err, ok, type Result } from "../result.ts";
import { fromBase64, matchEd25519 } from "./crypto.ts";
import type { Proof, ReceivedWebhook, Refusal } from "./scheme.ts";
import {
  type Evidence,
  messageOf,
  provedBy,
  readSignature,
  type SigningRule,
  toleranceMs,
} from "./signature.ts";

export interface StandardSettings {
  /** `whsec_…` for HMAC, `whpk_…` for Ed25519. */
  readonly secrets: readonly string[];
  readonly toleranceSeconds?: number | undefined;
}

/** What stands before `-id`, `-timestamp` and `-signature`. */
export type StandardPrefix = "webhook" | "svix";

const PUBLIC_KEY = "whpk_";
const ED25519_KEY_BYTES = 32;
const ED25519_SIGNATURE_BYTES = 64;
/** Each is checked by a multiplication on a curve: no sender has more keys live. */
const MAX_ED25519_SIGNATURES = 4;

/** The HMAC half of the scheme. */
export function standardRule(prefix: StandardPrefix, settings: StandardSettings): SigningRule {
  return {
    algorithm: "sha256",
    encoding: "base64",
    secretEncoding: "whsec",
    headers: [`${prefix}-signature`],
    list: { separator: " ", key: "v1", assign: "," },
    mayLack: true,
    signed: "{id}.{timestamp}.{body}",
    idHeader: `${prefix}-id`,
    timestamp: {
      header: `${prefix}-timestamp`,
      unit: "seconds",
      toleranceMs: toleranceMs(settings),
    },
  };
}

interface StandardEvidence extends Evidence {
  readonly ed25519: readonly Uint8Array<ArrayBuffer>[];
}

/** Form and time, from the headers alone. */
export function readStandard(
  prefix: StandardPrefix,
  settings: StandardSettings,
  headers: Headers,
  now: number,
): Result<StandardEvidence, Refusal> {
  const evidence = readSignature(standardRule(prefix, settings), headers, now);
  if (!evidence.ok) return evidence;
  const header = `${prefix}-signature`;
  const ed25519 = (headers.get(header) ?? "")
    .split(" ")
    .filter((part) => part.startsWith("v1a,"))
    .slice(0, MAX_ED25519_SIGNATURES)
    .map((part) => fromBase64(part.slice("v1a,".length)))
    .filter((bytes) => bytes?.byteLength === ED25519_SIGNATURE_BYTES)
    .filter((bytes) => bytes !== undefined);
  if (evidence.value.signatures.length + ed25519.length === 0) {
    return err({ reason: "bad_format", header });
  }
  return ok({ ...evidence.value, ed25519 });
}

/** Whether a live secret or key has signed this webhook. */
export async function verifyStandard(
  prefix: StandardPrefix,
  settings: StandardSettings,
  webhook: ReceivedWebhook,
): Promise<Result<Proof, Refusal>> {
  const evidence = readStandard(prefix, settings, webhook.headers, webhook.now);
  if (!evidence.ok) return evidence;
  const rule = standardRule(prefix, settings);
  const message = messageOf(rule, webhook, evidence.value);
  const { secrets } = settings;
  const shared = secrets.filter((secret) => !secret.startsWith(PUBLIC_KEY));
  const proof = await provedBy(rule, shared, message, evidence.value.signatures);
  if (proof.ok) return ok({ secret: secrets.indexOf(shared[proof.value.secret] ?? "") });
  const keys = secrets.map((secret) => publicKeyOf(secret));
  const usable = keys.filter((key) => key !== undefined);
  for (const signature of evidence.value.ed25519) {
    const found = await matchEd25519(usable, message, signature);
    if (found !== undefined) return ok({ secret: keys.indexOf(usable[found]) });
  }
  return usable.length > 0 ? err({ reason: "mismatch" }) : proof;
}

function publicKeyOf(secret: string): Uint8Array<ArrayBuffer> | undefined {
  if (!secret.startsWith(PUBLIC_KEY)) return undefined;
  const bytes = fromBase64(secret.slice(PUBLIC_KEY.length));
  return bytes?.byteLength === ED25519_KEY_BYTES ? bytes : undefined;
}
