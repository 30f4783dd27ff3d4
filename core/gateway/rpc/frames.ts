/** What the gateway says in its WebSocket protocol, version 4: JSON in text messages. */
import * as z from "zod";
import { isMissing, wordsOf } from "../../config/issues/words.ts";

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

/**
 * `at <path>: <complaint>`, as the protocol words it; never a value.
 *
 * Source: `formatValidationErrors` of @openclaw/gateway-protocol.
 */
export function complaintOf({ issues }: z.core.$ZodError): string {
  const [issue] = issues;
  if (issue === undefined) return "at root: is not valid";
  const where = placeOf(issue.path);
  if (isMissing(issue) && issue.path.length > 0) {
    const name = nameOf(String(issue.path.at(-1)));
    const above = issue.path.length === 1 ? "" : `${placeOf(issue.path.slice(0, -1))}: `;
    return `${above}must have required property '${name}'`;
  }
  if (issue.code !== "unrecognized_keys") return `${where}: ${wordsOf(issue)}`;
  return issue.keys
    .slice(0, MAX_PROPERTIES)
    .map((key) => `${where}: unexpected property '${nameOf(key)}'`)
    .join("; ");
}

function placeOf(path: readonly PropertyKey[]): string {
  return `at ${path.length === 0 ? "root" : z.core.toDotPath(path)}`;
}

/** Without what could hide in a terminal; not by the logger's own, which the command line can do without. */
function nameOf(key: string): string {
  return key
    .slice(0, MAX_PROPERTY_UNITS)
    .replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu, "\uFFFD");
}
