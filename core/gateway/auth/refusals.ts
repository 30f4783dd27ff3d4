/** Why a client is not let in, as the gateway protocol says it; what the edge says as well is in shared/. Pure. */
import {
  type ConnectRefusal,
  credentialMismatch,
  rateLimited,
  refuse,
} from "../../../shared/gateway/connect-refusal.ts";
import type { ConnectParams } from "../../../shared/gateway/connect-params.ts";
import type { Entry } from "../../devices/entry.ts";
import type { Ask, PairingReason } from "../../devices/rules.ts";
import type { AuthFailure } from "./auth.ts";

/** What was shown to what kind of gateway. */
export interface AuthHint {
  /** What the shared secret is called here. */
  readonly kind: "token" | "password";
  readonly auth: ConnectParams["auth"];
  readonly hasDevice: boolean;
}

export function authRefusal(
  id: string,
  failure: AuthFailure,
  { kind, auth, hasDevice }: AuthHint,
): ConnectRefusal {
  if (failure.reason === "locked_out") return rateLimited(id, failure.retryAfterMs);
  if (failure.reason === "missing") return missing(id, kind);
  return credentialMismatch(id, auth, hasDevice);
}

/** Of no device, of another one, revoked or made anew since. */
export function wrongDeviceToken(id: string): ConnectRefusal {
  return credentialMismatch(id, { deviceToken: "shown" }, false);
}

/** A device token does not carry so far. */
export function scopeRefusal(id: string): ConnectRefusal {
  return refuse(id, "unauthorized: device token scope mismatch (re-pair to approve these scopes)", {
    code: "AUTH_SCOPE_MISMATCH",
    authReason: "scope_mismatch",
    canRetryWithDeviceToken: false,
    recommendedNextStep: "review_auth_configuration",
  });
}

const PAIRING: Readonly<Record<PairingReason, readonly [requirement: string, hint: string]>> = {
  "not-paired": [
    "device is not approved yet",
    "Approve this device from the pending pairing requests.",
  ],
  "role-upgrade": [
    "device is asking for a higher role than currently approved",
    "Review the requested role upgrade, then approve the pending request.",
  ],
  "scope-upgrade": [
    "device is asking for more scopes than currently approved",
    "Review the requested scopes, then approve the pending upgrade.",
  ],
  "metadata-upgrade": [
    "device identity changed and must be re-approved",
    "Review the refreshed device details, then approve the pending request.",
  ],
};

/** Somebody has to say yes first. */
export function pairingRefusal(
  id: string,
  { deviceId, role, scopes }: Ask,
  { reason, request, device }: Extract<Entry, { readonly state: "waits" }>,
): ConnectRefusal {
  const [requirement, remediationHint] = PAIRING[reason];
  const { requestId } = request;
  const refusal = refuse(id, `pairing required: ${requirement}`, {
    code: "PAIRING_REQUIRED",
    reason,
    requestId,
    remediationHint,
    recommendedNextStep: "wait_then_retry",
    retryable: false,
    pauseReconnect: true,
    deviceId,
    requestedRole: role,
    requestedScopes: scopes,
    ...(device === undefined ? {} : { approvedRoles: device.roles, approvedScopes: device.scopes }),
  });
  const closeReason = `pairing required: ${reason} (requestId: ${requestId})`;
  return refusal.error === undefined
    ? refusal
    : { ...refusal, error: { ...refusal.error, code: "NOT_PAIRED" }, closeReason };
}

function missing(id: string, kind: AuthHint["kind"]): ConnectRefusal {
  return refuse(id, `unauthorized: gateway ${kind} missing (provide gateway auth ${kind})`, {
    code: `AUTH_${kind.toUpperCase()}_MISSING`,
    authReason: `${kind}_missing`,
    canRetryWithDeviceToken: false,
    recommendedNextStep: "update_auth_configuration",
  });
}
