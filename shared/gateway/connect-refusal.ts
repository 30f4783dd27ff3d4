/**
 * How a client is turned away before it is in: an answer where there is one to give, then a close.
 * The one place for these words, so that a client cannot tell the edge from the core. Pure.
 *
 * Source: the gateway contract, as OpenClaw 2026.9.6 answers.
 */
import { legalCloseReason } from "../close-code.ts";
import { type ConnectParams, MIN_PROBE_VERSION, PROTOCOL_VERSION } from "./connect-params.ts";
import type { ProofFault } from "./device-proof.ts";

export interface RefusalError {
  readonly code: "INVALID_REQUEST" | "NOT_PAIRED" | "UNAVAILABLE";
  readonly message: string;
  readonly details?: Readonly<Record<string, unknown>>;
  readonly retryable?: boolean;
  readonly retryAfterMs?: number;
}

export interface ConnectRefusal {
  /** Of the request that is answered; undefined with `error`. */
  readonly id: string | undefined;
  readonly error: RefusalError | undefined;
  readonly closeCode: 1000 | 1002 | 1008 | 1009 | 1013;
  readonly closeReason: string;
}

export const TOO_LARGE = close(1009, "handshake too large");
/** Whatever it speaks, it is not this protocol. */
export const NOT_JSON = close(1000, "not a gateway client");
export const BAD_FRAME = close(1008, "invalid request frame");
export const SILENT = close(1000, "no connect request");

/** @param details - Its `code` tells programs what went wrong in particular. */
export function refuse(
  id: string,
  message: string,
  details?: RefusalError["details"],
  closeCode: 1002 | 1008 = 1008,
): ConnectRefusal {
  const error = { message, ...(details === undefined ? {} : { details }) };
  const closeReason = legalCloseReason(message);
  return { id, error: { code: "INVALID_REQUEST", ...error }, closeCode, closeReason };
}

export function protocolMismatch(
  id: string,
  { minProtocol, maxProtocol }: Pick<ConnectParams, "minProtocol" | "maxProtocol">,
): ConnectRefusal {
  const details = {
    code: "PROTOCOL_MISMATCH",
    clientMinProtocol: minProtocol,
    clientMaxProtocol: maxProtocol,
    expectedProtocol: PROTOCOL_VERSION,
    minimumProbeProtocol: MIN_PROBE_VERSION,
  };
  return refuse(id, "protocol mismatch", details, 1002);
}

/** Credentials that are missing, and no device to ask for pairing either. */
export function identityRequired(id: string): ConnectRefusal {
  const details = { code: "DEVICE_IDENTITY_REQUIRED" };
  const refusal = refuse(id, "device identity required", details);
  return refusal.error === undefined
    ? refusal
    : { ...refusal, error: { ...refusal.error, code: "NOT_PAIRED" } };
}

const MISMATCH = {
  token: "gateway token mismatch (use this gateway's gateway.auth.token or pair the device)",
  password: "gateway password mismatch (use this gateway's gateway.auth.password)",
  device_token: "device token mismatch (rotate/reissue device token)",
} as const;

/**
 * @param auth - What was shown, and is wrong.
 * @param hasDevice - Beside a device, which may have a token of its own to try next.
 */
export function credentialMismatch(
  id: string,
  auth: ConnectParams["auth"],
  hasDevice: boolean,
): ConnectRefusal {
  const { token, password, deviceToken, bootstrapToken } = auth;
  if (bootstrapToken && !token && !password && !deviceToken) return badSetupCode(id);
  const kind = kindOf(auth);
  const hasOther = hasDevice && kind === "token";
  return refuse(id, `unauthorized: ${MISMATCH[kind]}`, {
    code: `AUTH_${kind.toUpperCase()}_MISMATCH`,
    authReason: `${kind}_mismatch`,
    canRetryWithDeviceToken: hasOther,
    recommendedNextStep: hasOther ? "retry_with_device_token" : "update_auth_credentials",
  });
}

/** Never made, too old, or used: nobody is told which. */
export function badSetupCode(id: string): ConnectRefusal {
  return refuse(id, "unauthorized: bootstrap token invalid or expired (scan a fresh setup code)", {
    code: "AUTH_BOOTSTRAP_TOKEN_INVALID",
    authReason: "bootstrap_token_invalid",
    canRetryWithDeviceToken: false,
    recommendedNextStep: "update_auth_credentials",
  });
}

function kindOf({ token, password, deviceToken }: ConnectParams["auth"]): keyof typeof MISMATCH {
  if (deviceToken) return "device_token";
  return password && !token ? "password" : "token";
}

/** Of a device that shows nothing else. @param kind - What a shared secret is called here. */
export function credentialMissing(id: string, kind: "token" | "password"): ConnectRefusal {
  return refuse(id, `unauthorized: gateway ${kind} missing (provide gateway auth ${kind})`, {
    code: `AUTH_${kind.toUpperCase()}_MISSING`,
    authReason: `${kind}_missing`,
    canRetryWithDeviceToken: false,
    recommendedNextStep: "update_auth_configuration",
  });
}

export function rateLimited(id: string, retryAfterMs: number): ConnectRefusal {
  const message = "unauthorized: too many failed authentication attempts (retry later)";
  const details = {
    code: "AUTH_RATE_LIMITED",
    authReason: "rate_limited",
    canRetryWithDeviceToken: false,
    recommendedNextStep: "wait_then_retry",
  };
  const error = { code: "UNAVAILABLE", message, details, retryable: true, retryAfterMs } as const;
  return { id, error, closeCode: 1008, closeReason: legalCloseReason(message) };
}

const FAULTS: Readonly<Record<ProofFault, readonly [code: string, message: string]>> = {
  "device-id-mismatch": ["DEVICE_ID_MISMATCH", "device identity mismatch"],
  "device-signature-stale": ["SIGNATURE_EXPIRED", "device signature expired"],
  "device-nonce-missing": ["NONCE_REQUIRED", "device nonce required"],
  "device-nonce-mismatch": ["NONCE_MISMATCH", "device nonce mismatch"],
  "device-signature": ["SIGNATURE_INVALID", "device signature invalid"],
};

/**
 * Nobody behind us to talk to, now. Clients of the protocol wait and come again for this reason.
 *
 * @param message - Fit for the client.
 */
export function unavailable(id: string, message: string, retryAfterMs: number): ConnectRefusal {
  const details = { reason: "startup-sidecars" };
  const error = { code: "UNAVAILABLE", message, details, retryable: true, retryAfterMs } as const;
  return { id, error, closeCode: 1013, closeReason: legalCloseReason(message) };
}

export function badProof(id: string, reason: ProofFault): ConnectRefusal {
  const [code, message] = FAULTS[reason];
  return refuse(id, message, { code: `DEVICE_AUTH_${code}`, reason });
}

function close(closeCode: 1000 | 1008 | 1009, closeReason: string): ConnectRefusal {
  return { id: undefined, error: undefined, closeCode, closeReason };
}
