import * as z from "zod";
import { GatewayError } from "../../../shared/errors.ts";

/**
 * What became of a call, as plain facts. Neither grammY's errors nor their causes leave this
 * folder: they hold the text that was sent, and addresses with the bot token in them.
 */
export type CallFailure =
  /** Telegram answered no: nothing was done. */
  | {
      readonly kind: "refused";
      readonly status: number;
      readonly description: string;
      readonly retryAfterMs: number | undefined;
      /** The group lives on under this id. */
      readonly movedTo: number | undefined;
    }
  /** The request never left: nothing was done. */
  | { readonly kind: "unreachable"; readonly reason: string }
  /** It left, and no proper answer came: it may have been done. */
  | { readonly kind: "unknown"; readonly reason: string };

/** Telegram answered and said no. Source: https://core.telegram.org/bots/api#making-requests */
const Refusal = z.object({
  error_code: z.int(),
  description: z.string(),
  parameters: z
    .object({ retry_after: z.number().optional(), migrate_to_chat_id: z.int().optional() })
    .default({}),
});

/** Codes of Node and undici for connections that were never made. */
const NEVER_LEFT = new Set([
  "ECONNREFUSED",
  "ENOTFOUND",
  "EAI_AGAIN",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "ENETDOWN",
  "UND_ERR_CONNECT_TIMEOUT",
]);
const CERTIFICATE = /^(?:CERT_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_|ERR_TLS_)/;

/** How deep causes and the members of an aggregate are looked into for a code. */
const MAX_CAUSES = 5;

/** Reads what grammY threw. */
export function failureOf(error: unknown): CallFailure {
  const refusal = Refusal.safeParse(error);
  if (refusal.success) {
    const { error_code: status, description, parameters } = refusal.data;
    const seconds = parameters.retry_after;
    return {
      kind: "refused",
      status,
      description,
      retryAfterMs: seconds === undefined ? undefined : seconds * 1000,
      movedTo: parameters.migrate_to_chat_id,
    };
  }
  const code = codeOf(error, MAX_CAUSES);
  const never = code !== undefined && (NEVER_LEFT.has(code) || CERTIFICATE.test(code));
  return { kind: never ? "unreachable" : "unknown", reason: code ?? "no proper answer" };
}

const Coded = z.object({
  code: z.string().optional(),
  cause: z.unknown().optional(),
  /** Where grammY's HttpError keeps its cause. */
  error: z.unknown().optional(),
  errors: z.array(z.unknown()).optional(),
});

function codeOf(error: unknown, depth: number): string | undefined {
  const coded = Coded.safeParse(error);
  if (!coded.success || depth === 0) return undefined;
  const { code, cause, error: inner, errors } = coded.data;
  if (code !== undefined) return code;
  return codeOf(cause ?? inner ?? errors?.[0], depth - 1);
}

/** Short and without secrets, for logs and for `reason` columns. */
export function describe(failure: CallFailure): string {
  if (failure.kind === "refused") {
    return `Telegram answered ${failure.status}: ${failure.description.slice(0, 200)}`;
  }
  return failure.kind === "unreachable"
    ? `Telegram was not reached: ${failure.reason}`
    : `Telegram gave no proper answer: ${failure.reason}`;
}

/** The token itself is refused: nothing but a new one will help. 404 is for malformed tokens. */
export function isTokenRefused(failure: CallFailure): boolean {
  return failure.kind === "refused" && (failure.status === 401 || failure.status === 404);
}

/** The HTML of ours that Telegram could not read: the text without it is worth another try. */
export function isUnreadableHtml(failure: CallFailure): boolean {
  return (
    failure.kind === "refused" && /can't parse (?:entities|message)/i.test(failure.description)
  );
}

/** What the port of a channel says of a failed `send`. */
export function sendError(failure: CallFailure): Error {
  const message = describe(failure);
  if (failure.kind === "unknown") return new Error(message);
  if (failure.kind === "unreachable") return new GatewayError("overloaded", message);
  const { status, description, retryAfterMs } = failure;
  if (status === 429) return new GatewayError("rate_limited", message, { retryAfterMs });
  // A new token may be set at any time: the message is worth keeping until then.
  if (isTokenRefused(failure)) {
    return new GatewayError("overloaded", message, { retryAfterMs: TOKEN_RETRY_MS });
  }
  if (status === 403 || /not enough rights|have no rights/i.test(description)) {
    return new GatewayError("forbidden", message);
  }
  if (/(?:chat|thread|topic|user|peer)[ _](?:id_invalid|not found)/i.test(description)) {
    return new GatewayError("not_found", message);
  }
  // A 5xx may come from a proxy in front of a server that did carry it out.
  return status >= 500 ? new Error(message) : new GatewayError("invalid_request", message);
}

/** How long a message waits for somebody to put a working token into the config. */
const TOKEN_RETRY_MS = 60_000;
