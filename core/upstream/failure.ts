import { GatewayError } from "../../shared/errors.ts";
import { problemResponse } from "../../shared/problem.ts";

/** It may be restarting. */
const RETRY_AFTER_MS = 2_000;

/** Codes of connections that never came about: the upstream has seen nothing of the request. */
const UNREACHABLE: ReadonlySet<string> = new Set([
  "ECONNREFUSED",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "EADDRNOTAVAIL",
  "ENOTFOUND",
  "EAI_AGAIN",
]);

/** What Node calls bytes that are no HTTP. */
const UNREADABLE = /^HPE_/;
/** What it calls a certificate that it does not believe, or no TLS at all. */
const UNTRUSTED = /^(?:ERR_TLS_|ERR_SSL_|CERT_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_|EPROTO)/;

/** What a failed exchange with the upstream means for the client. Pure; any thrown value will do. */
export function upstreamFailure(error: unknown): GatewayError {
  if (error instanceof GatewayError) return error;
  const code = codeOf(error);
  if (UNREACHABLE.has(code)) {
    return new GatewayError("core_offline", "The upstream cannot be reached", {
      cause: error,
      retryAfterMs: RETRY_AFTER_MS,
    });
  }
  if (UNREADABLE.test(code)) {
    return new GatewayError("bad_response", "The upstream sent a malformed answer", {
      cause: error,
    });
  }
  if (UNTRUSTED.test(code)) {
    return new GatewayError("bad_response", "The upstream's certificate is not trusted", {
      cause: error,
    });
  }
  return new GatewayError("core_lost", "The upstream closed the connection without an answer", {
    cause: error,
  });
}

/** The whole answer for a request that failed at the upstream. */
export function failureResponse(error: unknown, requestId: string, path: string): Response {
  return problemResponse(upstreamFailure(error), { hop: "app", requestId, path });
}

/** Node names what went wrong; several attempts at once (two addresses) come as one error. */
function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return "";
  if ("code" in error && typeof error.code === "string") return error.code;
  return error instanceof AggregateError ? codeOf(error.errors[0]) : "";
}
