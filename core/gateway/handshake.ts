/** What the first message of a WebSocket leads to. Pure but for the authenticator it asks. */
import { LIMITS } from "../../shared/limits.ts";
import { err, ok, type Result } from "../../shared/result.ts";
import { isLoopbackAddress } from "./admission.ts";
import type { Authenticator, AuthFailure, Origin } from "./auth.ts";
import type { KeptClient } from "./kept.ts";
import {
  complaintOf,
  ConnectParams,
  PROTOCOL_VERSION,
  RequestFrame,
  type RpcError,
} from "./frames.ts";

/** No proven client sends more in its first message; the protocol's own limit. */
const MAX_HANDSHAKE_BYTES = 64 * 1024;

/** How a connection is ended before it began: an answer where there is one to give, then a close. */
export interface HandshakeRefusal {
  readonly id: string | undefined;
  readonly error: RpcError | undefined;
  readonly closeCode: 1000 | 1002 | 1008 | 1009;
  readonly closeReason: string;
}

/** A client that is in. */
export interface Session {
  /** Id of the `connect` request: the greeting answers it. */
  readonly requestId: string;
  readonly role: string;
  readonly scopes: readonly string[];
  /** What it says of itself, and the device it has proven to be. */
  readonly client: KeptClient;
}

/** Client and mode pairs that keep the scopes they ask for without a device identity. */
const TRUSTED_PAIRS: ReadonlySet<string> = new Set(["cli/cli", "gateway-client/backend"]);
const MISMATCH =
  "unauthorized: gateway token mismatch (use this gateway's gateway.auth.token or pair the device)";

/** Reads the first message of a client. */
export function readHandshake(
  text: string,
  origin: Origin,
  authenticator: Authenticator,
): Result<Session, HandshakeRefusal> {
  if (Buffer.byteLength(text) > MAX_HANDSHAKE_BYTES) return close(1009, "handshake too large");
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return close(1000, "not a gateway client"); // whatever it speaks, it is not this protocol
  }
  const frame = RequestFrame.safeParse(json);
  if (!frame.success) return close(1008, "invalid request frame");
  const { id, method } = frame.data;
  if (method !== "connect") {
    return refuse(id, invalid("invalid handshake: first request must be connect"), 1008);
  }
  const params = ConnectParams.safeParse(frame.data.params);
  if (!params.success) {
    return refuse(id, invalid(`invalid connect params: ${complaintOf(params.error)}`), 1008);
  }
  return admit(id, params.data, origin, authenticator);
}

function admit(
  id: string,
  params: ConnectParams,
  origin: Origin,
  authenticator: Authenticator,
): Result<Session, HandshakeRefusal> {
  const { minProtocol, maxProtocol, role } = params;
  if (minProtocol > PROTOCOL_VERSION || maxProtocol < PROTOCOL_VERSION) {
    return refuse(id, protocolMismatch(params), 1002);
  }
  if (origin.via === "local") {
    const failed = authFailure(params, origin.ip, authenticator);
    if (failed !== undefined) return refuse(id, failed, 1008);
  }
  return ok({
    requestId: id,
    role,
    scopes: grantedScopes(params, origin),
    client: clientOf(params),
  });
}

function clientOf({ client }: ConnectParams): KeptClient {
  const { id, mode, version, platform, displayName, instanceId, deviceFamily } = client;
  return { clientId: id, mode, version, platform, displayName, instanceId, deviceFamily };
}

/** The shared secret may come as token or password; whoever came through the edge has shown it there. */
function authFailure(
  { auth, device }: ConnectParams,
  ip: string,
  authenticator: Authenticator,
): RpcError | undefined {
  const { token, password } = auth;
  const verified = authenticator.verify(token ?? password, ip);
  if (verified.ok) return undefined;
  if (verified.error.reason === "missing" && device === undefined) {
    return {
      code: "NOT_PAIRED",
      message: "device identity required",
      details: { code: "DEVICE_IDENTITY_REQUIRED" },
    };
  }
  return unauthorized(verified.error);
}

function unauthorized(failure: AuthFailure): RpcError {
  if (failure.reason === "locked_out") {
    return {
      code: "UNAVAILABLE",
      message: "unauthorized: too many failed authentication attempts (retry later)",
      details: { code: "AUTH_RATE_LIMITED", authReason: "rate_limited" },
      retryable: true,
      retryAfterMs: failure.retryAfterMs,
    };
  }
  return {
    ...invalid(MISMATCH),
    details: {
      code: "AUTH_TOKEN_MISMATCH",
      authReason: "token_mismatch",
      canRetryWithDeviceToken: false,
      recommendedNextStep: "update_auth_credentials",
    },
  };
}

/**
 * A shared secret without a device keeps its scopes only for the local command line and back end,
 * and for an operator whom the edge has let in; everybody else may connect and do nothing.
 */
function grantedScopes({ client, scopes }: ConnectParams, origin: Origin): readonly string[] {
  if (!TRUSTED_PAIRS.has(`${client.id}/${client.mode}`)) return [];
  const trusted =
    origin.via === "edge"
      ? origin.caller.principal.scopes.includes("operator")
      : isLoopbackAddress(origin.ip);
  return trusted ? scopes : [];
}

function protocolMismatch({ minProtocol, maxProtocol }: ConnectParams): RpcError {
  return {
    ...invalid("protocol mismatch"),
    details: {
      code: "PROTOCOL_MISMATCH",
      clientMinProtocol: minProtocol,
      clientMaxProtocol: maxProtocol,
      expectedProtocol: PROTOCOL_VERSION,
      minimumProbeProtocol: 3,
    },
  };
}

function invalid(message: string): RpcError {
  return { code: "INVALID_REQUEST", message };
}

function refuse(
  id: string,
  error: RpcError,
  closeCode: 1002 | 1008,
): Result<Session, HandshakeRefusal> {
  const closeReason = error.message.slice(0, LIMITS.maxReasonBytes);
  return err({ id, error, closeCode, closeReason });
}

function close(
  closeCode: HandshakeRefusal["closeCode"],
  closeReason: string,
): Result<Session, HandshakeRefusal> {
  return err({ id: undefined, error: undefined, closeCode, closeReason });
}
