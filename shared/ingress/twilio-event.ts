import { fromUtf8 } from "../bytes.ts";
import { sha256 } from "./crypto.ts";
import type { SenderEvent } from "./items.ts";
import { senderJson } from "./sender-json.ts";

const TOKEN_HEADER = "I-Twilio-Idempotency-Token";
const JSON_START = /^[[{]$/;

/** Undefined for a body that is neither a form of Twilio's nor JSON. */
export async function twilioEvent(
  body: Uint8Array<ArrayBuffer>,
  headers: Headers,
): Promise<SenderEvent | undefined> {
  if (JSON_START.test(String.fromCharCode(body[0] ?? 0))) {
    return senderJson(body) === undefined ? undefined : { id: await sha256(body) };
  }
  const form = new URLSearchParams(fromUtf8(body));
  if (!form.has("AccountSid")) return undefined;
  const conversation = conversationOf(form);
  return { id: (await idOf(form, body, headers)) ?? (await sha256(body)), conversation };
}

async function idOf(
  form: URLSearchParams,
  body: Uint8Array<ArrayBuffer>,
  headers: Headers,
): Promise<string | undefined> {
  // A message of a conversation is added, changed and removed under one id.
  if (form.has("EventType")) return undefined;
  const message = form.get("MessageSid") ?? form.get("SmsSid");
  if (message !== null) {
    return `${message}:${form.get("MessageStatus") ?? form.get("SmsStatus") ?? "received"}`;
  }
  const recording = form.get("RecordingSid");
  const recorded = form.get("RecordingStatus");
  if (recording !== null && recorded !== null) return `${recording}:${recorded}`;
  return callId(form, body, headers);
}

/**
 * A call asks for its next step under one id and one state, with the same digits perhaps: only the
 * token of the request tells those apart, which stays the same when Twilio tries again.
 */
async function callId(
  form: URLSearchParams,
  body: Uint8Array<ArrayBuffer>,
  headers: Headers,
): Promise<string | undefined> {
  const call = form.get("CallSid");
  if (call === null) return undefined;
  const number = form.get("SequenceNumber") ?? headers.get(TOKEN_HEADER) ?? (await sha256(body));
  return `${call}:${form.get("CallStatus") ?? ""}:${number}`;
}

/** Both sides of it, in one order whoever has written: what we send is reported the other way round. */
function conversationOf(form: URLSearchParams): string | undefined {
  const own = form.get("ConversationSid");
  if (own !== null) return own;
  const sides = [form.get("From"), form.get("To")].filter((side) => side !== null);
  return sides.length === 0 ? undefined : sides.toSorted().join("/");
}
