/** What the gateway says in its WebSocket protocol, version 4: JSON in text messages. */
import * as z from "zod";

/** Codes of the protocol; what went wrong in particular is in `details.code`. */
export type RpcErrorCode =
  | "INVALID_REQUEST"
  | "NOT_PAIRED"
  | "FORBIDDEN"
  | "UNAVAILABLE"
  | "APPROVAL_NOT_FOUND";

export interface RpcError {
  readonly code: RpcErrorCode;
  readonly message: string;
  readonly details?: Readonly<Record<string, unknown>>;
  readonly retryable?: boolean;
  readonly retryAfterMs?: number;
}

export type ResponseFrame =
  | { readonly type: "res"; readonly id: string; readonly ok: true; readonly payload: unknown }
  | { readonly type: "res"; readonly id: string; readonly ok: false; readonly error: RpcError };

export interface EventFrame {
  readonly type: "event";
  readonly event: string;
  readonly payload: unknown;
  /** Counts the events of this connection from 1; the challenge has none. */
  readonly seq?: number;
  /** Of events that tell a state: which one it is. */
  readonly stateVersion?: StateVersion;
}

/** Counts the changes of what every client is told: a higher one is newer. */
export interface StateVersion {
  readonly presence: number;
  readonly health: number;
}

export function failure(id: string, error: RpcError): ResponseFrame {
  return { type: "res", id, ok: false, error };
}

/** As text. What cannot be text, being nested too deeply perhaps, is a bug and goes out as one. */
export function frameText(frame: ResponseFrame | EventFrame): string {
  try {
    return JSON.stringify(frame);
  } catch {
    if (frame.type === "event") return JSON.stringify({ ...frame, payload: null });
    return JSON.stringify(failure(frame.id, { code: "UNAVAILABLE", message: "internal error" }));
  }
}

/** Names of properties are the client's: of each so much is said back to it, … */
const MAX_PROPERTY_UNITS = 64;
/** … and of so many. */
const MAX_PROPERTIES = 8;

/** `at <path>: <complaint>`, as the protocol words it; never a value. */
export function complaintOf({ issues }: z.core.$ZodError): string {
  const [issue] = issues;
  const path = z.core.toDotPath(issue?.path ?? []);
  const where = `at ${path === "" ? "root" : path}`;
  if (issue?.code !== "unrecognized_keys") return `${where}: ${issue?.message ?? "invalid"}`;
  return issue.keys
    .slice(0, MAX_PROPERTIES)
    .map((key) => `${where}: unexpected property '${nameOf(key)}'`)
    .join("; ");
}

/** Without what could hide in a terminal; not by the logger's own, which the command line can do without. */
function nameOf(key: string): string {
  return key
    .slice(0, MAX_PROPERTY_UNITS)
    .replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu, "\uFFFD");
}
