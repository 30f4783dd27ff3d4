/**
 * The frames of the gateway's WebSocket protocol, version 4: JSON in text messages.
 *
 * Requests are open objects, so that a newer client's extra fields do no harm; `connect` is strict
 * because the contract is.
 */
import * as z from "zod";

export const PROTOCOL_VERSION = 4;

export const RequestFrame = z.object({
  type: z.literal("req"),
  id: z.string().min(1).max(256),
  method: z.string().min(1).max(128),
  params: z.unknown().optional(),
});
export type RequestFrame = z.output<typeof RequestFrame>;

/** Clients the protocol knows. */
const ClientId = z.enum([
  "webchat-ui",
  "openclaw-control-ui",
  "openclaw-browser-copilot",
  "openclaw-tui",
  "webchat",
  "cli",
  "gateway-client",
  "openclaw-macos",
  "openclaw-linux",
  "openclaw-ios",
  "openclaw-watchos",
  "openclaw-android",
  "node-host",
  "openclaw-worker",
  "test",
  "fingerprint",
  "openclaw-probe",
]);

const ClientMode = z.enum(["webchat", "cli", "ui", "backend", "node", "worker", "probe", "test"]);

const Text = z.string().max(1024);

export const ConnectParams = z.strictObject({
  minProtocol: z.int().min(1),
  maxProtocol: z.int().min(1),
  client: z.strictObject({
    id: ClientId,
    version: Text.min(1),
    platform: Text.min(1),
    mode: ClientMode,
    displayName: Text.optional(),
    deviceFamily: Text.optional(),
    modelIdentifier: Text.optional(),
    instanceId: Text.optional(),
    buildId: Text.optional(),
  }),
  role: Text.default("operator"),
  scopes: z.array(Text).max(64).default([]),
  caps: z.array(Text).max(64).optional(),
  commands: z.array(Text).max(1024).optional(),
  permissions: z.record(z.string(), z.boolean()).optional(),
  pathEnv: z.string().optional(),
  auth: z
    .strictObject({
      token: z.string().optional(),
      password: z.string().optional(),
      deviceToken: z.string().optional(),
      bootstrapToken: z.string().optional(),
    })
    .prefault({}),
  device: z
    .strictObject({
      id: Text,
      publicKey: Text,
      signature: Text,
      signedAt: z.int(),
      nonce: Text,
    })
    .optional(),
  locale: Text.optional(),
  userAgent: Text.optional(),
});
export type ConnectParams = z.output<typeof ConnectParams>;

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
export function complaintOf({ issues }: z.ZodError): string {
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
