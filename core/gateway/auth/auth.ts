import { hash } from "node:crypto";
import { bytesMatch } from "../../../shared/constant-time.ts";
import { SETUP_SUBJECT } from "../../../shared/edge-bundle.ts";
import { GatewayError } from "../../../shared/errors.ts";
import type { Principal } from "../../../shared/principal.ts";
import { err, ok, type Result } from "../../../shared/result.ts";
import type { Secret } from "../../../shared/secret.ts";
import type { DeviceBook } from "../../devices/book.ts";
import { allows } from "../../devices/rules.ts";
import { OPERATOR_SCOPES, type OperatorScope } from "../../methods/method.ts";
import type { Device, DeviceToken, SetupCode } from "../../store/device.ts";
import type { Caller } from "../../tunnel/handlers.ts";
import type { Lockout } from "./lockout.ts";
import { isDirect, type LocalPeer } from "../port/peer.ts";

/** Who the shared gateway token belongs to. */
export const OPERATOR: Principal = { subject: "operator", scopes: ["operator"] };

/** Longest credential we hash: ours have 43 characters, and nobody may make us hash megabytes. */
const MAX_CREDENTIAL_LENGTH = 1024;
const BEARER = /^Bearer +(?<token>\S+) *$/i;

export type AuthFailure =
  | { readonly reason: "missing" }
  | { readonly reason: "mismatch" }
  | { readonly reason: "locked_out"; readonly retryAfterMs: number };

/**
 * Where a request stands before the app has looked at it: an edge has already decided who sends
 * it, a local peer has yet to prove itself. It travels beside the request, never in its headers.
 */
export type Origin =
  | { readonly via: "edge"; readonly caller: Caller }
  | ({ readonly via: "local" } & LocalPeer);

type LocalOrigin = Extract<Origin, { readonly via: "local" }>;

export interface AuthSettings {
  /** Every credential that opens this gateway. */
  readonly credentials: readonly Secret[];
  /** Whether programs of this machine may fail as often as they like. */
  readonly exemptLoopback: boolean;
  /** Default: `token`. */
  readonly mode?: "token" | "password" | "none" | "trusted-proxy" | undefined;
  /** With `trusted-proxy`, who may come in of those it lets through; left out: all. */
  readonly allowUsers?: readonly string[] | undefined;
  /** Left out: devices of this machine are paired without a word, no others. */
  readonly pairing?: PairingRules | undefined;
}

/** Whose pairing needs nobody's word. */
export interface PairingRules {
  readonly autoApproveLocal: boolean;
  /** Of a node, by its address. */
  readonly autoApproves: (address: string) => boolean;
  /** Of an interface whose user a proxy has vouched for: with these scopes at most. */
  readonly vouchedScopes?: readonly string[] | undefined;
}

const DEFAULT_PAIRING: PairingRules = { autoApproveLocal: true, autoApproves: () => false };

/** How somebody has proven who they are. */
export type Access =
  | {
      readonly method: "token" | "password" | "trusted-proxy" | "none";
      readonly principal: Principal;
    }
  | {
      readonly method: "bootstrap-token";
      readonly principal: Principal;
      readonly code: SetupCode;
    }
  | {
      readonly method: "device-token";
      readonly principal: Principal;
      readonly device: Device;
      readonly token: DeviceToken;
    };

/** What a caller shows. */
export interface Shown {
  readonly token?: string | undefined;
  readonly password?: string | undefined;
  readonly deviceToken?: string | undefined;
  /** Of a setup code; counts where nothing else is shown. */
  readonly setupToken?: string | undefined;
}

/** Decides who a local caller is. */
export class Authenticator {
  readonly devices: DeviceBook | undefined;
  readonly now: () => number;
  readonly #settings: () => AuthSettings;
  readonly #lockout: Lockout;

  /**
   * @param settings - Or a function that is asked each time, since they may change.
   * @param devices - Left out: devices have no tokens here.
   */
  constructor(
    settings: AuthSettings | (() => AuthSettings),
    lockout: Lockout,
    now: () => number,
    devices?: DeviceBook,
  ) {
    this.#settings = typeof settings === "function" ? settings : () => settings;
    this.#lockout = lockout;
    this.now = now;
    this.devices = devices;
  }

  /** What a shared secret is called here. */
  get secretKind(): "token" | "password" {
    return this.#settings().mode === "password" ? "password" : "token";
  }

  /** As they are now. */
  get pairingRules(): PairingRules {
    return this.#settings().pairing ?? DEFAULT_PAIRING;
  }

  /** Checks what a local caller shows. Locked-out addresses are turned away with the right one as well. */
  access(shown: Shown, origin: LocalOrigin): Result<Access, AuthFailure> {
    const { token, password, deviceToken, setupToken } = shown;
    const free = this.#withoutSecret(origin);
    if (free !== undefined) return ok(free);
    const given = [token ?? origin.urlToken?.reveal(), password].filter(isShown);
    // Asking without a credential is how clients find out that they need one: no attempt.
    const isBare = given.length === 0 && !isShown(deviceToken);
    if (isBare && !isShown(setupToken)) return err({ reason: "missing" });
    return this.#counted(origin, () =>
      isBare
        ? this.#bySetupCode(setupToken, origin)
        : (this.#bySecret(given, origin) ?? this.#byDevice([deviceToken, ...given])),
    );
  }

  /** One attempt of somebody who may have had too many. */
  #counted(origin: LocalOrigin, look: () => Access | undefined): Result<Access, AuthFailure> {
    const retryAfterMs = this.#lockout.lockedForMs(origin.ip, this.now());
    // Where nobody has failed it makes no difference, and to find out takes its time.
    if (retryAfterMs > 0 && this.#counts(origin)) {
      return err({ reason: "locked_out", retryAfterMs });
    }
    const found = look();
    if (found === undefined) {
      if (this.#counts(origin)) this.#lockout.fail(origin.ip, this.now());
      return err({ reason: "mismatch" });
    }
    if (this.#lockout.knows(origin.ip) && this.#counts(origin)) this.#lockout.succeed(origin.ip);
    return ok(found);
  }

  /**
   * The caller of an HTTP request.
   *
   * @throws GatewayError unauthenticated, the same for a missing, malformed and wrong token;
   *   rate_limited after too many wrong ones.
   */
  callerOf(origin: Origin, authorization: string | null): Caller {
    if (origin.via === "edge") return narrowed(origin.caller);
    const token = BEARER.exec(authorization ?? "")?.groups?.["token"];
    const verified = this.access({ token }, origin);
    if (verified.ok) {
      const { ip, requestId, via } = origin;
      const access = verified.value;
      const caller = { principal: access.principal, requestId, ip, via };
      if (access.method !== "device-token") return caller;
      const operatorScopes = access.token.scopes.filter(isOperatorScope);
      return { ...caller, operatorScopes, deviceId: access.device.deviceId };
    }
    if (verified.error.reason === "locked_out") {
      const { retryAfterMs } = verified.error;
      throw new GatewayError("rate_limited", "Too many wrong tokens from here", { retryAfterMs });
    }
    const wanted = this.#settings().mode === "password" ? " (the gateway's password)" : "";
    throw new GatewayError("unauthenticated", `A valid bearer token${wanted} is required`);
  }

  #withoutSecret(origin: LocalOrigin): Access | undefined {
    const { mode, allowUsers = [] } = this.#settings();
    if (mode === "none" && isDirect(origin)) return { method: "none", principal: OPERATOR };
    const { user } = origin;
    if (mode !== "trusted-proxy" || user === undefined) return undefined;
    if (allowUsers.length > 0 && !allowUsers.includes(user)) return undefined;
    const principal: Principal = { subject: `user:${user}`.slice(0, 128), scopes: ["operator"] };
    return { method: "trusted-proxy", principal };
  }

  #bySecret(given: readonly string[], origin: LocalOrigin): Access | undefined {
    const { mode, credentials } = this.#settings();
    // Whoever the proxy has not vouched for has no business here, but for us ourselves.
    if (mode === "trusted-proxy" && !isDirect(origin)) return undefined;
    const isKnown = given.filter((one) => isOneOf(one, credentials)).length > 0;
    return isKnown ? { method: this.secretKind, principal: OPERATOR } : undefined;
  }

  /** It opens nothing but the way to be paired. */
  #bySetupCode(token: string | undefined, origin: LocalOrigin): Access | undefined {
    if (this.#settings().mode === "trusted-proxy" && !isDirect(origin)) return undefined;
    const code = this.setupCode(token);
    const principal: Principal = { subject: SETUP_SUBJECT, scopes: [] };
    return code && { method: "bootstrap-token", principal, code };
  }

  /** Whose device token is among what is shown. */
  ownerOf({
    token,
    password,
    deviceToken,
  }: Omit<Shown, "setupToken">):
    | { readonly device: Device; readonly token: DeviceToken }
    | undefined {
    const found = this.#byDevice([deviceToken, token, password]);
    return found && { device: found.device, token: found.token };
  }

  /** The good setup code with this token. */
  setupCode(token: string | undefined): SetupCode | undefined {
    if (!isShown(token) || token.length > MAX_CREDENTIAL_LENGTH) return undefined;
    return this.devices?.codes.find(token);
  }

  #byDevice(
    given: readonly (string | undefined)[],
  ): Extract<Access, { method: "device-token" }> | undefined {
    for (const one of given) {
      if (!isShown(one) || one.length > MAX_CREDENTIAL_LENGTH) continue;
      // Looked up by its digest: what the time tells of it is of no use to anybody.
      const owner = this.devices?.ownerOf(hash("sha256", one, "base64url"));
      if (owner === undefined) continue;
      const { device, token } = owner;
      const subject = deviceSubject(device.deviceId);
      const principal: Principal = { subject, scopes: mayAct(token.scopes) ? ["operator"] : [] };
      return { method: "device-token", principal, device, token };
    }
    return undefined;
  }

  /** Pages in a browser of this machine may be anybody's, so their failures count. */
  #counts(origin: LocalOrigin): boolean {
    const isExempt = this.#settings().exemptLoopback && isDirect(origin);
    return !isExempt || origin.browserOrigin !== undefined;
  }
}

/** A device as the subject of a principal. */
export function deviceSubject(deviceId: string): string {
  return `device:${deviceId}`;
}

/** The edge knows no caller who may only look: here such a one may nothing that is not looked up. */
function narrowed(caller: Caller): Caller {
  const { principal, operatorScopes } = caller;
  if (operatorScopes === undefined || mayAct(operatorScopes)) return caller;
  return { ...caller, principal: { ...principal, scopes: [] } };
}

function mayAct(scopes: readonly string[]): boolean {
  return allows(scopes, ["operator.write"]);
}

function isOperatorScope(name: string): name is OperatorScope {
  return OPERATOR_SCOPES.some((scope) => scope === name);
}

function isShown(credential: string | undefined): credential is string {
  return credential !== undefined && credential !== "";
}

/** All are compared, so the time does not tell which one came close. */
function isOneOf(given: string, credentials: readonly Secret[]): boolean {
  if (given.length > MAX_CREDENTIAL_LENGTH) return false;
  const digest = digestOf(given);
  return credentials.filter((one) => bytesMatch(digest, digestOf(one.reveal()))).length > 0;
}

/** Synchronous, unlike Web Crypto's: a trip to the thread pool would cost more than the hash. */
function digestOf(credential: string): Uint8Array {
  return hash("sha256", credential, "buffer");
}
