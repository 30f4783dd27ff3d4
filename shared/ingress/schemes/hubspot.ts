import * as z from "zod/mini";
import { concat, fromHex, utf8 } from "../../bytes.ts";
import { bytesMatch } from "../../constant-time.ts";
import { err, ok, type Result } from "../../result.ts";
import { emptyAnswer } from "../answers.ts";
import { sha256 } from "../crypto.ts";
import { identified, malformed, type SenderEvent } from "../items.ts";
import { orUndefined } from "../or-undefined.ts";
import type { VerificationOf } from "../route.ts";
import type { Proof, ReceivedWebhook, Refusal, Scheme } from "../scheme.ts";
import { senderJson } from "../sender-json.ts";
import { readSignature, type SigningRule, toleranceMs, verifySignature } from "../signature.ts";

type Settings = VerificationOf<"hubspot">;

const SIGNATURE_V3 = "x-hubspot-signature-v3";
const SIGNATURE = "x-hubspot-signature";
const VERSION = "x-hubspot-signature-version";

/** The third version. @param url - As it is signed: see `signedUrls`. */
export function hubspotRule(
  settings: Pick<Settings, "toleranceSeconds">,
  url?: string,
): SigningRule {
  return {
    algorithm: "sha256",
    encoding: "base64",
    secretEncoding: "text",
    headers: [SIGNATURE_V3],
    signed: "{method}{url}{body}{timestamp}",
    url,
    timestamp: {
      header: "x-hubspot-request-timestamp",
      unit: "milliseconds",
      toleranceMs: toleranceMs(settings),
    },
  };
}

const Event = z.object({
  eventId: z.int(),
  subscriptionId: orUndefined(z.int()),
  portalId: orUndefined(z.int()),
  objectId: orUndefined(z.int()),
  occurredAt: orUndefined(z.int()),
});

/**
 * HubSpot. The third version where it is sent; otherwise the first two, which are plain hashes with
 * the secret in front and say nothing of the time.
 * Source: https://developers.hubspot.com/docs/apps/legacy-apps/authentication/validating-requests
 */
export const hubspot: Scheme<"hubspot"> = {
  maxBodyBytes: 1024 * 1024,

  screen(settings, headers, now) {
    if (headers.has(SIGNATURE_V3)) {
      const evidence = readSignature(hubspotRule(settings), headers, now);
      return evidence.ok ? ok(undefined) : evidence;
    }
    const hash = readHash(headers);
    return hash.ok ? ok(undefined) : hash;
  },

  async verify(settings, webhook) {
    if (!webhook.headers.has(SIGNATURE_V3)) return verifyHash(settings, webhook);
    let proof: Result<Proof, Refusal> = err({ reason: "mismatch" });
    for (const url of signedUrls(settings, webhook)) {
      proof = await verifySignature(hubspotRule(settings, url), settings.secrets, webhook);
      if (proof.ok) return proof;
    }
    return proof;
  },

  /** A body that is no JSON is never taken: behind a plain hash anybody could append bytes to one. */
  async identify(_settings, { route, headers, body }) {
    const json = senderJson(body);
    if (typeof json !== "object" || json === null) return malformed();
    const events = (Array.isArray(json) ? json : [json]).map((one: unknown) => eventOf(one));
    if (events.includes(undefined)) {
      // A workflow's own webhook, or a card: it holds no id.
      const signature = utf8(headers.get(SIGNATURE_V3) ?? "");
      return identified(route, [{ id: await sha256(concat([signature, body])) }]);
    }
    return identified(
      route,
      events.filter((event) => event !== undefined),
    );
  },

  accepted: emptyAnswer,
};

/** Their `eventId` alone is not unique, as they say. */
function eventOf(value: unknown): SenderEvent | undefined {
  const event = Event.safeParse(value);
  if (!event.success) return undefined;
  const { eventId, subscriptionId, portalId, objectId, occurredAt } = event.data;
  const id = [portalId, subscriptionId, eventId, objectId, occurredAt].join(".");
  return { id, conversation: objectId, value: [value] };
}

/** What HubSpot decodes in an address before it signs it. */
const DECODED = /%(?:3A|2F|3F|40|21|24|27|28|29|2A|2C|3B)/gi;

function signedUrls({ url }: Settings, webhook: ReceivedWebhook): readonly string[] {
  const raw = url ?? webhook.url.href;
  const decoded = raw.replaceAll(DECODED, (code) => decodeURIComponent(code));
  return decoded === raw ? [raw] : [decoded, raw];
}

interface Hash {
  readonly version: "v1" | "v2";
  readonly bytes: Uint8Array<ArrayBuffer>;
}

const SHA256_BYTES = 32;

function readHash(headers: Headers): Result<Hash, Refusal> {
  const text = headers.get(SIGNATURE);
  if (text === null) return err({ reason: "missing_header", header: SIGNATURE_V3 });
  const version = headers.get(VERSION);
  if (version === null) return err({ reason: "missing_header", header: VERSION });
  const bytes = text.length === SHA256_BYTES * 2 ? fromHex(text) : undefined;
  if (bytes === undefined) return err({ reason: "bad_format", header: SIGNATURE });
  if (version !== "v1" && version !== "v2") return err({ reason: "bad_format", header: VERSION });
  return ok({ version, bytes });
}

async function verifyHash(
  settings: Settings,
  webhook: ReceivedWebhook,
): Promise<Result<Proof, Refusal>> {
  const given = readHash(webhook.headers);
  if (!given.ok) return given;
  const { method, url, body } = webhook;
  const before = given.value.version === "v1" ? "" : `${method}${settings.url ?? url.href}`;
  let found: number | undefined;
  for (const [index, secret] of settings.secrets.entries()) {
    const hash = await crypto.subtle.digest("SHA-256", concat([utf8(`${secret}${before}`), body]));
    const same = bytesMatch(new Uint8Array(hash), given.value.bytes);
    if (same && found === undefined) found = index;
  }
  return found === undefined ? err({ reason: "mismatch" }) : ok({ secret: found });
}
