/** How commands say that they failed, to people and to programs. */
import { type ErrorCode, GatewayError } from "../../shared/errors.ts";
import type { Io } from "./command.ts";
import { explain } from "./explain.ts";

/** What programs tell failures apart by; names of the contract. */
export type FailureType =
  | "cli_error"
  | "gateway_request_error"
  | "gateway_transport_error"
  | "gateway_credentials_required";

/** What a gateway answered, as the cause of the error that a command fails with. */
export class RpcRefusal extends Error {
  override readonly name = "RpcRefusal";
  /** Of the protocol: `INVALID_REQUEST`, `FORBIDDEN` … */
  readonly code: string;
  /** In particular; undefined when the gateway gave none. */
  readonly detail: string | undefined;

  constructor(code: string, message: string, detail: string | undefined) {
    super(message);
    this.code = code;
    this.detail = detail;
  }
}

/** Faults on the way to a gateway; whatever it says itself is an answer. */
const TRANSPORT: ReadonlySet<ErrorCode> = new Set([
  "core_offline",
  "core_lost",
  "core_timeout",
  "bad_response",
]);

/** Pure. */
export function failureTypeOf(error: unknown): FailureType {
  if (!(error instanceof GatewayError)) return "cli_error";
  if (error.cause instanceof RpcRefusal) return "gateway_request_error";
  if (error.code === "unauthenticated") return "gateway_credentials_required";
  return TRANSPORT.has(error.code) ? "gateway_transport_error" : "cli_error";
}

/**
 * Tells why a command failed: a line on stderr, or for `--json` an envelope on stdout.
 *
 * @returns The exit code.
 * @throws `error` itself when it is none of ours.
 */
export function reportFailure(error: unknown, json: boolean, io: Pick<Io, "out" | "err">): number {
  const { line, exitCode } = explain(error);
  if (!json) io.err(line);
  else {
    const type = failureTypeOf(error);
    const message = line.replace(/^sallyport: /, "");
    io.out(JSON.stringify({ ok: false, error: { type, message } }));
  }
  return exitCode;
}
