import * as z from "zod/mini";
import { utf8 } from "../../bytes.ts";
import { err, ok, type Result } from "../../result.ts";
import { decodeSignature, sha256 } from "../crypto.ts";
import { identified, malformed } from "../items.ts";
import { orUndefined } from "../or-undefined.ts";
import type { VerificationOf } from "../route.ts";
import type { Proof, Refusal, Scheme } from "../scheme.ts";
import { senderJson } from "../sender-json.ts";
import { provedBy, signedBy, type SigningRule } from "../signature.ts";

/** Of the newer webhooks (platforms, management), which sign their body in a header. */
export const ADYEN_RULE: SigningRule = {
  algorithm: "sha256",
  encoding: "base64",
  secretEncoding: "hex",
  headers: ["hmacsignature"],
  signed: "{body}",
};

const Text = z.nullish(z.union([z.string(), z.number(), z.boolean()]));
const Item = z.object({
  pspReference: z.string().check(z.minLength(1)),
  originalReference: Text,
  merchantAccountCode: Text,
  merchantReference: Text,
  amount: z.nullish(z.object({ value: Text, currency: Text })),
  eventCode: z.string().check(z.minLength(1)),
  success: Text,
  additionalData: orUndefined(z.object({ hmacSignature: z.string() })),
});
type Item = z.output<typeof Item>;

/** They send one; each is a signature to check. */
const MAX_ITEMS = 100;
const Notification = z.looseObject({
  notificationItems: z
    .array(z.looseObject({ NotificationRequestItem: Item }))
    .check(z.minLength(1), z.maxLength(MAX_ITEMS)),
});
/** The same as it came, to hand on one at a time. */
const Envelope = z.looseObject({ notificationItems: z.array(z.unknown()) });

const inHeader = signedBy<VerificationOf<"adyen">>(() => ADYEN_RULE);

/**
 * Adyen: standard webhooks sign some fields of every item, within the item; newer ones the body.
 * Source: https://docs.adyen.com/development-resources/webhooks/secure-webhooks/verify-hmac-signatures/
 */
export const adyen: Scheme<"adyen"> = {
  maxBodyBytes: 1024 * 1024,

  /** Of a standard webhook the headers tell nothing. */
  screen: (settings, headers, now) =>
    isInHeader(headers) ? inHeader.screen(settings, headers, now) : ok(undefined),

  async verify(settings, webhook) {
    if (isInHeader(webhook.headers)) return inHeader.verify(settings, webhook);
    const notification = Notification.safeParse(senderJson(webhook.body));
    if (!notification.success) return err({ reason: "bad_format" });
    let first: Result<Proof, Refusal> | undefined;
    // One that is not genuine spoils them all, and nobody makes us look at a hundred of those.
    for (const { NotificationRequestItem: item } of notification.data.notificationItems) {
      const proof = await provedItem(settings.secrets, item);
      if (!proof.ok) return proof;
      first ??= proof;
    }
    return first ?? err({ reason: "bad_format" });
  },

  async identify(_settings, { route, body }) {
    const json = senderJson(body);
    const envelope = Envelope.safeParse(json);
    if (!envelope.success) {
      return json === undefined ? malformed() : identified(route, [{ id: await sha256(body) }]);
    }
    const notification = Notification.safeParse(json);
    if (!notification.success) return malformed();
    const events = notification.data.notificationItems.map(
      ({ NotificationRequestItem: item }, index) => ({
        id: [item.pspReference, item.eventCode, textOf(item.success)].join("."),
        conversation: textOf(item.originalReference) || item.pspReference,
        value: {
          ...envelope.data,
          notificationItems: [envelope.data.notificationItems[index]],
        },
      }),
    );
    return identified(route, events);
  },

  /** Older accounts ask for this very text. */
  accepted: () => new Response("[accepted]", { headers: { "Content-Type": "text/plain" } }),
};

function isInHeader(headers: Headers): boolean {
  return headers.has(ADYEN_RULE.headers[0]);
}

async function provedItem(secrets: readonly string[], item: Item): Promise<Result<Proof, Refusal>> {
  const text = item.additionalData?.hmacSignature;
  const signature = text === undefined ? undefined : decodeSignature(text, "base64", "sha256");
  if (signature === undefined) return err({ reason: "bad_format" });
  const proof = await provedBy(ADYEN_RULE, secrets, signedText(item), [signature]);
  const escaped = signedText(item, escape);
  // Their libraries disagree on fields with a colon.
  return proof.ok ? proof : provedBy(ADYEN_RULE, secrets, escaped, [signature]);
}

/** What is signed of an item. */
export function signedText(
  item: Item,
  written: (field: string) => string = (field) => field,
): Uint8Array<ArrayBuffer> {
  const fields = [
    item.pspReference,
    item.originalReference,
    item.merchantAccountCode,
    item.merchantReference,
    item.amount?.value,
    item.amount?.currency,
    item.eventCode,
    item.success,
  ];
  return utf8(fields.map((field) => written(textOf(field))).join(":"));
}

function escape(field: string): string {
  return field.replaceAll("\\", "\\\\").replaceAll(":", "\\:");
}

function textOf(field: z.output<typeof Text>): string {
  return field === null || field === undefined ? "" : String(field);
}
