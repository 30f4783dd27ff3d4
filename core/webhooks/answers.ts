/** A reply in the form in which the sender of a webhook wants it. Pure. */
import type { SchemeName } from "../../shared/ingress/route.ts";
import { LIMITS } from "../../shared/limits.ts";
import type { WebhookAnswer } from "../store/webhook.ts";

const encoder = new TextEncoder();

const JSON_TYPE = "application/json; charset=utf-8";
const XML_TYPE = "text/xml; charset=utf-8";
const TEXT_TYPE = "text/plain; charset=utf-8";

interface Form {
  readonly contentType: string;
  /** What the platform takes of a message, in its own counting: UTF-16 units or close to it. */
  readonly maxUnits: number;
  readonly write: (text: string) => string;
}

const TEXT: Form = { contentType: TEXT_TYPE, maxUnits: 65_536, write: (text) => text };

/** Of schemes whose senders read an answer. */
const FORMS: Readonly<Partial<Record<SchemeName, Form>>> = {
  // Seen by who asked alone: Slack's own default. Source: https://docs.slack.dev/interactivity/implementing-slash-commands
  slack: json(40_000, (text) => ({ response_type: "ephemeral", text })),
  // Type 4: CHANNEL_MESSAGE_WITH_SOURCE. Mentions in a model's words must not ring anybody.
  // Source: https://docs.discord.com/developers/interactions/receiving-and-responding
  discord: json(2_000, (content) => ({
    type: 4,
    data: { content, allowed_mentions: { parse: [] } },
  })),
  // Source: https://www.twilio.com/docs/messaging/twiml/message
  twilio: {
    contentType: XML_TYPE,
    maxUnits: 1_600,
    write: (text) =>
      `<?xml version="1.0" encoding="UTF-8"?><Response><Message>${escapeXml(text)}</Message></Response>`,
  },
  "teams-outgoing": json(28_000, (text) => ({ type: "message", text })),
  "google-chat": json(4_096, (text) => ({ text })),
  // Whoever calls with a token of ours is a program.
  bearer: json(60_000, (reply) => ({ ok: true, reply })),
};

/** @param text - Cut where the platform, or the way back through the edge, takes no more. */
export function answerOf(scheme: SchemeName, text: string): WebhookAnswer {
  const { contentType, maxUnits, write } = FORMS[scheme] ?? TEXT;
  let kept = shortened(text, maxUnits);
  let body = encoder.encode(write(kept));
  while (body.byteLength > LIMITS.maxSyncAnswerBytes) {
    kept = shortened(kept, Math.floor(kept.length / 2));
    body = encoder.encode(write(kept));
  }
  return { status: 200, contentType, body };
}

function json(maxUnits: number, shape: (text: string) => unknown): Form {
  return { contentType: JSON_TYPE, maxUnits, write: (text) => JSON.stringify(shape(text)) };
}

function shortened(text: string, maxUnits: number): string {
  if (text.length <= maxUnits) return text;
  return `${text.slice(0, Math.max(0, maxUnits - 1)).replace(/[\uD800-\uDBFF]$/, "")}…`;
}

const ENTITIES: ReadonlyMap<string, string> = new Map([
  ["&", "&amp;"],
  ["<", "&lt;"],
  [">", "&gt;"],
  ['"', "&quot;"],
  ["'", "&apos;"],
]);

/** Control characters have no place in XML 1.0, escaped or not. */
function escapeXml(text: string): string {
  return text
    .toWellFormed()
    .replaceAll(/[^\t\n\r\u0020-\uFFFD\u{10000}-\u{10FFFF}]/gu, "")
    .replaceAll(/[&<>"']/g, (char) => ENTITIES.get(char) ?? "");
}
