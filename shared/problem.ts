import { CODES, type ErrorCode, GatewayError } from "./errors.ts";

/** Where on the way an error was made. */
export type Hop = "edge" | "relay" | "core" | "app";

/**
 * The body of every error answer: RFC 9457 problem details, and below `/v1/` also the `error`
 * object that OpenAI clients read.
 */
export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly code: ErrorCode;
  readonly hop: Hop;
  /** True when the request was provably not executed. */
  readonly retrySafe: boolean;
  readonly requestId: string;
  readonly error?: OpenAiError;
}

/** Source: https://platform.openai.com/docs/guides/error-codes and the `openai` SDK's `APIError`. */
export interface OpenAiError {
  readonly message: string;
  readonly type: string;
  readonly code: string | null;
  readonly param: string | null;
}

export interface ProblemContext {
  readonly hop: Hop;
  readonly requestId: string;
  /** Path of the request: decides whether the OpenAI object is added. */
  readonly path: string;
  /** Facts for programs that go with this one error (RFC 9457 section 3.2). */
  readonly extension?: Readonly<Record<string, unknown>>;
}

export const PROBLEM_TYPE = "application/problem+json";

/** Names the error for machines and for the log, in the response to any request. */
export const ERROR_HEADER = "X-Gw-Error";

/** Anything we did not throw on purpose becomes a bare `internal`: its message may hold anything. */
function known(error: unknown): GatewayError {
  if (error instanceof GatewayError && error.code !== "internal") return error;
  return new GatewayError("internal", "Something failed on our side; the log has the details");
}

/** The whole answer for an error: status, headers and body. */
export function problemResponse(thrown: unknown, context: ProblemContext): Response {
  const error = known(thrown);
  const { status, title, retrySafe } = CODES[error.code];
  const problem: Problem = {
    type: `urn:sallyport:error:${error.code}`,
    title,
    status,
    detail: error.message,
    code: error.code,
    hop: context.hop,
    retrySafe,
    requestId: context.requestId,
    ...(context.path.startsWith("/v1/") ? { error: openAiError(error) } : {}),
    ...context.extension,
  };
  const headers = new Headers({
    "Content-Type": PROBLEM_TYPE,
    "Cache-Control": "no-store",
    [ERROR_HEADER]: error.code,
    "X-Request-Id": context.requestId,
  });
  if (error.retryAfterMs !== undefined) {
    headers.set("Retry-After", String(Math.ceil(error.retryAfterMs / 1000)));
  }
  // The scheme a client must use, RFC 9110 section 15.5.2 demands it with a 401.
  if (status === 401) headers.set("WWW-Authenticate", 'Bearer realm="sallyport"');
  return new Response(JSON.stringify(problem), { status, headers });
}

/** The same error in the shape the OpenAI SDKs parse; also the payload of an error inside a stream. */
export function openAiError(thrown: unknown): OpenAiError {
  const error = known(thrown);
  return {
    message: error.message,
    type: openAiType(CODES[error.code].status),
    code: openAiCode(error.code),
    param: error.param ?? null,
  };
}

function openAiType(status: number): string {
  if (status === 401) return "authentication_error";
  if (status === 403) return "permission_error";
  if (status === 429) return "rate_limit_error";
  return status < 500 ? "invalid_request_error" : "api_error";
}

function openAiCode(code: ErrorCode): string {
  if (code === "unauthenticated") return "invalid_api_key";
  if (code === "rate_limited") return "rate_limit_exceeded";
  return code;
}
