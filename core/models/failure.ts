/** What went wrong with a provider -> what we say about it. Pure: no SDK types, no sockets. */
import type { ModelFailure } from "./model.ts";
import type { AdapterSettings } from "./settings.ts";

/** How a call can fail, in the adapters' common words. */
export type ModelFault =
  /** The provider said so: by an HTTP status, or by an error inside the stream (no status). */
  | {
      readonly kind: "answer";
      readonly status: number | undefined;
      /** The provider's own words for it (`overloaded_error`, `insufficient_quota`). */
      readonly types: readonly string[];
      readonly message: string;
      readonly headers: Headers | undefined;
    }
  | { readonly kind: "unreachable"; readonly reason: string | undefined }
  | { readonly kind: "silent"; readonly afterMs: number }
  | { readonly kind: "cut" }
  | { readonly kind: "unreadable" }
  | { readonly kind: "too_large" }
  | { readonly kind: "canceled" };

type Subject = Pick<AdapterSettings, "provider" | "model" | "baseUrl" | "apiKey" | "now">;

/** Longest piece of a provider's message that is passed on: a sentence or two, not a document. */
const MAX_MESSAGE_CHARS = 300;

/** A provider that asks us to wait longer than a day is not believed. */
const MAX_RETRY_AFTER_MS = 86_400_000;

/** The one `failed` event for a fault. Its message holds no key, header or body of the provider. */
export function failureOf(fault: ModelFault, subject: Subject): ModelFailure {
  const { provider } = subject;
  const host = URL.parse(subject.baseUrl)?.host ?? "its base URL";
  switch (fault.kind) {
    case "answer":
      return answered(fault, subject);
    case "unreachable": {
      const reason = fault.reason === undefined ? "" : ` (${fault.reason})`;
      return failed("model_failed", `Cannot reach ${provider} at ${host}${reason}`);
    }
    case "silent":
      return failed("model_timeout", `${provider} was silent for ${fault.afterMs} ms`);
    case "cut":
      return failed("model_failed", `${provider} broke off before its answer was complete`);
    case "unreadable":
      return failed("model_failed", `${provider} at ${host} sent something that is not an answer`);
    case "too_large":
      return failed("model_failed", `${provider} sent more than an answer can hold`);
    case "canceled":
      break;
  }
  return failed("canceled", "The request was canceled");
}

type Answer = Extract<ModelFault, { kind: "answer" }>;

/** A kind of refusal, and the statuses and words that mean it. */
interface Refusal {
  readonly code: ModelFailure["code"];
  readonly statuses: readonly number[];
  readonly types: readonly string[];
  readonly say: (subject: Subject, detail: string) => string;
}

/**
 * Read top down, the first row that knows the status or a word wins: OpenAI says
 * `invalid_request_error` with a 401 and a 404 too, so that row stands below those.
 *
 * Sources: https://platform.claude.com/docs/en/api/errors and
 * https://platform.openai.com/docs/guides/error-codes
 */
const REFUSALS: readonly Refusal[] = [
  {
    // OpenAI sends it with 429, but no amount of waiting fills an account.
    code: "model_unauthorized",
    statuses: [402],
    types: ["billing_error", "insufficient_quota"],
    say: ({ provider }) => `The account at ${provider} has no credit left`,
  },
  {
    code: "model_unauthorized",
    statuses: [401, 403],
    types: ["authentication_error", "permission_error", "invalid_api_key"],
    say: ({ provider }) => `${provider} refused our API key`,
  },
  {
    code: "rate_limited",
    statuses: [429],
    types: ["rate_limit_error", "rate_limit_exceeded"],
    say: ({ provider }) => `${provider} limits how often it may be asked`,
  },
  {
    code: "model_overloaded",
    statuses: [503, 529],
    types: ["overloaded_error"],
    say: ({ provider }) => `${provider} is overloaded`,
  },
  {
    code: "model_not_found",
    statuses: [404],
    types: ["not_found_error", "model_not_found"],
    say: ({ provider, model }) => `${provider} does not know the model "${model}"`,
  },
  {
    code: "invalid_request",
    statuses: [400, 413, 422],
    types: ["invalid_request_error", "request_too_large"],
    say: ({ provider }, detail) =>
      detail === ""
        ? `${provider} refused the request`
        : `${provider} refused the request: ${detail}`,
  },
  {
    code: "model_timeout",
    statuses: [408],
    types: ["timeout_error"],
    say: ({ provider }) => `${provider} took too long`,
  },
];

function answered(fault: Answer, subject: Subject): ModelFailure {
  const { status, types } = fault;
  const refusal = REFUSALS.find(
    (row) =>
      row.types.some((type) => types.includes(type)) ||
      (status !== undefined && row.statuses.includes(status)),
  );
  const code = refusal?.code ?? "model_failed";
  const detail = cleanMessage(fault.message, subject.apiKey?.reveal());
  const said = refusal?.say(subject, detail) ?? `${subject.provider} failed`;
  const retryAfterMs = fault.headers && parseRetryAfter(fault.headers, subject.now());
  return {
    type: "failed",
    code,
    message: status === undefined ? said : `${said} (HTTP ${status})`,
    retryAfterMs,
  };
}

function failed(code: ModelFailure["code"], message: string): ModelFailure {
  return { type: "failed", code, message, retryAfterMs: undefined };
}

/**
 * When the provider wants to be asked again, in milliseconds from `now`.
 *
 * `retry-after-ms` is what both SDKs honour first; `Retry-After` holds seconds or an HTTP date
 * (RFC 9110 section 10.2.3). Undefined when there is neither, or it makes no sense.
 */
export function parseRetryAfter(headers: Headers, now: number): number | undefined {
  const precise = headers.get("retry-after-ms");
  if (precise !== null && /^\d+(?:\.\d+)?$/.test(precise)) return capped(Number(precise));
  const given = headers.get("retry-after");
  if (given === null) return undefined;
  if (/^\d+(?:\.\d+)?$/.test(given)) return capped(Number(given) * 1000);
  // Date.parse takes bare numbers for years, so a date must start with its day, as RFC 9110 has it.
  const at = /^[A-Z][a-z]+,? /.test(given) ? Date.parse(given) : Number.NaN;
  return Number.isNaN(at) ? undefined : capped(at - now);
}

function capped(ms: number): number {
  return Math.min(MAX_RETRY_AFTER_MS, Math.max(0, Math.ceil(ms)));
}

/** Our key wherever it is echoed, and whatever looks like a key of someone else. */
const KEY_LIKE = /\b(?:(?:sk|pk|key|xai|gsk)[-_][\w-]{8,}|(?:Bearer|Basic) [\w.~+/=-]{16,})/gi;

/** A provider's own message, fit to be shown: one short line without keys or markup. */
export function cleanMessage(message: string, apiKey: string | undefined): string {
  const hidden =
    apiKey === undefined || apiKey === "" ? message : message.replaceAll(apiKey, "[secret]");
  const line = hidden
    .replaceAll(KEY_LIKE, "[secret]")
    .replaceAll(/[\p{C}\s]+/gu, " ")
    // The SDKs put the status in front, and this where there is nothing else.
    .replace(/^\d{3} (?:status code \(no body\))?/, "")
    .trim();
  // A whole body is not a message: a proxy's page, or JSON of a shape the SDK does not know.
  if (/^[<{[](?!secret\])/.test(line)) return "";
  return line.length > MAX_MESSAGE_CHARS ? `${line.slice(0, MAX_MESSAGE_CHARS)}…` : line;
}
