import * as z from "zod/mini";
import { concat, utf8 } from "../../bytes.ts";
import { err, ok, type Result } from "../../result.ts";
import { emptyAnswer } from "../answers.ts";
import { fromBase64, timeFault } from "../crypto.ts";
import { rawSignature } from "../der.ts";
import { identified, malformed, type SenderEvent } from "../items.ts";
import { orUndefined } from "../or-undefined.ts";
import type { VerificationOf } from "../route.ts";
import type { Refusal, Scheme } from "../scheme.ts";
import { hashOf, senderJson } from "../sender-json.ts";
import { timeMs, toleranceMs } from "../signature.ts";

type Settings = VerificationOf<"sendgrid">;
type Bytes = Uint8Array<ArrayBuffer>;

const SIGNATURE_HEADER = "x-twilio-email-event-webhook-signature";
const TIMESTAMP_HEADER = "x-twilio-email-event-webhook-timestamp";
/** They try for a day, and do not say that they sign anew: what comes twice is known by its id. */
const TOLERANCE_SECONDS = 86_400;
/** The longest DER signature of this curve is 72 bytes. */
const MAX_SIGNATURE_CHARS = 96;

const Id = orUndefined(z.string().check(z.minLength(1)));
const Event = z.object({ sg_event_id: Id, sg_message_id: Id });
/** Every event as it came. */
const Events = z.array(z.looseObject({}));

/**
 * SendGrid's event webhook: ECDSA over the time and the body, by a key of which we hold the public half.
 * Source: https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/getting-started-event-webhook-security-features
 */
export const sendgrid: Scheme<"sendgrid"> = {
  /** Events come in batches of up to a megabyte. */
  maxBodyBytes: 2 * 1024 * 1024,

  screen(settings, headers, now) {
    const evidence = read(settings, headers, now);
    return evidence.ok ? ok(undefined) : evidence;
  },

  async verify(settings, { headers, body, now }) {
    const evidence = read(settings, headers, now);
    if (!evidence.ok) return evidence;
    const message = concat([utf8(evidence.value.timestamp), body]);
    const keys = await Promise.all(settings.publicKeys.map(importKey));
    const usable = keys.filter((key) => key !== undefined);
    if (usable.length === 0) return err({ reason: "unknown_key" });
    const algorithm = { name: "ECDSA", hash: "SHA-256" };
    const matches = await Promise.all(
      usable.map((key) => crypto.subtle.verify(algorithm, key, evidence.value.signature, message)),
    );
    const found = usable[matches.indexOf(true)];
    return found === undefined ? err({ reason: "mismatch" }) : ok({ secret: keys.indexOf(found) });
  },

  async identify(_settings, { route, body }) {
    const events = Events.safeParse(senderJson(body));
    if (!events.success) return malformed();
    return identified(route, await Promise.all(events.data.map(eventOf)));
  },

  accepted: emptyAnswer,
};

/** Tests and a few old kinds of events have no id. */
async function eventOf(value: object): Promise<SenderEvent> {
  const { sg_event_id: id, sg_message_id: conversation } = Event.parse(value);
  return { id: id ?? (await hashOf(value)), conversation, value: [value] };
}

interface Evidence {
  readonly signature: Bytes;
  readonly timestamp: string;
}

function read(settings: Settings, headers: Headers, now: number): Result<Evidence, Refusal> {
  const text = headers.get(SIGNATURE_HEADER);
  if (text === null) return err({ reason: "missing_header", header: SIGNATURE_HEADER });
  const timestamp = headers.get(TIMESTAMP_HEADER);
  if (timestamp === null) return err({ reason: "missing_header", header: TIMESTAMP_HEADER });
  const der = text.length > MAX_SIGNATURE_CHARS ? undefined : fromBase64(text);
  const signature = der === undefined ? undefined : rawSignature(der);
  if (signature === undefined) return err({ reason: "bad_format", header: SIGNATURE_HEADER });
  const at = timeMs(timestamp, "seconds");
  const reason = timeFault(at, now, toleranceMs(settings, TOLERANCE_SECONDS));
  if (reason !== undefined) return err({ reason, header: TIMESTAMP_HEADER });
  return ok({ signature, timestamp });
}

/** Its type has no name that all runtimes share. */
async function importKey(base64: string) {
  const spki = fromBase64(base64);
  if (spki === undefined) return undefined;
  const curve = { name: "ECDSA", namedCurve: "P-256" };
  try {
    return await crypto.subtle.importKey("spki", spki, curve, false, ["verify"]);
  } catch {
    // A key that is none has signed nothing.
    return undefined;
  }
}
