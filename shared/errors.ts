/** What the receiver may conclude from a code, wherever it was thrown. */
interface CodeFacts {
  /** HTTP status this code becomes. */
  readonly status: number;
  /** Short and constant, for people: the `title` of the problem document (RFC 9457 section 3.1.3). */
  readonly title: string;
  /** True when the request was provably not executed, so that sending it again cannot do it twice. */
  readonly retrySafe: boolean;
}

/** Every code we put on a wire. Add here first, then throw it. */
export const CODES = {
  invalid_request: { status: 400, title: "Invalid request", retrySafe: false },
  unauthenticated: { status: 401, title: "Not authenticated", retrySafe: false },
  clock_skew: { status: 401, title: "Clock skew", retrySafe: true },
  replayed: { status: 401, title: "Replayed request", retrySafe: false },
  forbidden: { status: 403, title: "Forbidden", retrySafe: false },
  not_found: { status: 404, title: "Not found", retrySafe: false },
  model_not_found: { status: 404, title: "No such model", retrySafe: false },
  method_not_allowed: { status: 405, title: "Method not allowed", retrySafe: false },
  too_slow: { status: 408, title: "Too slow", retrySafe: true },
  conflict: { status: 409, title: "Conflict", retrySafe: false },
  too_large: { status: 413, title: "Too large", retrySafe: false },
  uri_too_long: { status: 414, title: "URL too long", retrySafe: false },
  unsupported_media_type: { status: 415, title: "Unsupported media type", retrySafe: false },
  version_unsupported: { status: 426, title: "Protocol version not supported", retrySafe: false },
  rate_limited: { status: 429, title: "Too many requests", retrySafe: true },
  headers_too_large: { status: 431, title: "Headers too large", retrySafe: false },
  canceled: { status: 499, title: "Client closed the request", retrySafe: false },
  internal: { status: 500, title: "Internal error", retrySafe: false },
  core_reset: { status: 502, title: "The core gave up on the request", retrySafe: false },
  core_lost: { status: 502, title: "The core was lost during the request", retrySafe: false },
  bad_response: { status: 502, title: "Malformed response", retrySafe: false },
  model_failed: { status: 502, title: "The model provider failed", retrySafe: false },
  model_unauthorized: {
    status: 502,
    title: "The model provider refused our credentials",
    retrySafe: false,
  },
  credentials_pending: { status: 503, title: "Credentials are being updated", retrySafe: true },
  core_offline: { status: 503, title: "The core is offline", retrySafe: true },
  core_draining: { status: 503, title: "The core is restarting", retrySafe: true },
  not_leader: { status: 503, title: "Another core leads", retrySafe: true },
  overloaded: { status: 503, title: "Overloaded", retrySafe: true },
  spool_full: { status: 503, title: "The webhook spool is full", retrySafe: true },
  model_overloaded: { status: 503, title: "The model provider is overloaded", retrySafe: true },
  core_timeout: { status: 504, title: "The core did not answer in time", retrySafe: false },
  model_timeout: { status: 504, title: "The model provider did not answer", retrySafe: false },
  loop: { status: 508, title: "Request loop", retrySafe: false },
} as const satisfies Record<string, CodeFacts>;

export type ErrorCode = keyof typeof CODES;

export interface GatewayErrorOptions {
  readonly cause?: unknown;
  readonly retryAfterMs?: number | undefined;
  /** The request field at fault, as a path: `messages[0].content`. */
  readonly param?: string | undefined;
}

/**
 * The one error that crosses a module boundary.
 *
 * `code` is the contract: clients, metrics and tests match on it. `message` is for the
 * person who reads it and may change. `cause` stays on this side of the wire.
 */
export class GatewayError extends Error {
  override readonly name = "GatewayError";
  readonly code: ErrorCode;
  /** Milliseconds after which the same call may succeed; undefined when it never will. */
  readonly retryAfterMs: number | undefined;
  readonly param: string | undefined;

  constructor(code: ErrorCode, message: string, options: GatewayErrorOptions = {}) {
    super(message, { cause: options.cause });
    this.code = code;
    this.retryAfterMs = options.retryAfterMs;
    this.param = options.param;
  }
}

/** True for the codes of the table: used where a code comes back over a wire. */
export function isErrorCode(value: string): value is ErrorCode {
  return Object.hasOwn(CODES, value);
}
