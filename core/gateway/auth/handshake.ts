/** What the first message of a WebSocket leads to. */
import { setTimeout as delay } from "node:timers/promises";
import { SETUP_SUBJECT } from "../../../shared/edge-bundle.ts";
import { type ConnectParams, REFUSAL_DELAY_MS } from "../../../shared/gateway/connect-params.ts";
import {
  badProof,
  badSetupCode,
  type ConnectRefusal,
  identityRequired,
  refuse,
} from "../../../shared/gateway/connect-refusal.ts";
import { type Challenge, checkDeviceProof } from "../../../shared/gateway/device-proof.ts";
import { readConnect } from "../../../shared/gateway/read-connect.ts";
import type { Principal } from "../../../shared/principal.ts";
import { err, ok, type Result } from "../../../shared/result.ts";
import type { DeviceBook } from "../../devices/book.ts";
import type { HandedToken } from "../../devices/entry.ts";
import { allows, type Ask, type Standing, vouchedAsk } from "../../devices/rules.ts";
import { OPERATOR_SCOPES } from "../../methods/method.ts";
import type { SetupCode } from "../../store/device.ts";
import type { Access, Authenticator, AuthFailure, Origin } from "./auth.ts";
import type { KeptClient } from "../rpc/kept.ts";
import { isDirect } from "../port/peer.ts";
import { authRefusal, pairingRefusal, scopeRefusal, wrongDeviceToken } from "./refusals.ts";

/** How a connection is ended before it began: an answer where there is one to give, then a close. */
export type HandshakeRefusal = ConnectRefusal;

/** A client that is in. */
export interface Session {
  /** Id of the `connect` request: the greeting answers it. */
  readonly requestId: string;
  readonly role: string;
  readonly scopes: readonly string[];
  /** What it says of itself, and the device it has proven to be. */
  readonly client: KeptClient;
  /** For its greeting; absent for a client that an earlier core has greeted. */
  readonly auth?: GreetingAuth;
}

/** How a client was let in, as its greeting tells it. */
export interface GreetingAuth {
  readonly method: Access["method"];
  /** Made or renewed for the device it has proven to be. */
  readonly deviceToken?: string | undefined;
  /** Unix ms. */
  readonly issuedAtMs?: number | undefined;
  /** By a setup code: tokens of its other roles. */
  readonly deviceTokens?: readonly HandedToken[] | undefined;
}

/** Client and mode pairs that keep the scopes they ask for without a device identity. */
const TRUSTED_PAIRS: ReadonlySet<string> = new Set(["cli/cli", "gateway-client/backend"]);
/** Clients that are pages: they always come with an origin and a device of their own. */
const INTERFACES: ReadonlySet<string> = new Set(["openclaw-control-ui", "webchat-ui", "webchat"]);
/** Ways in that prove as much as the shared secret. */
const KNOWS_SECRET: ReadonlySet<string> = new Set(["token", "password", "none"]);
const ROLES: ReadonlySet<string> = new Set(["operator", "node"]);

/** The first message of a client, and all that is known of who sends it. */
interface Knock {
  readonly id: string;
  readonly params: ConnectParams;
  readonly origin: Origin;
  readonly authenticator: Authenticator;
}

/**
 * Reads the first message of a client. A refusal of credentials takes its time, so that guessing
 * costs some.
 *
 * @param challenge - What the client was asked.
 */
export async function readHandshake(
  text: string,
  origin: Origin,
  authenticator: Authenticator,
  challenge: Challenge,
): Promise<Result<Session, HandshakeRefusal>> {
  const read = readConnect(text, Buffer.byteLength(text));
  if (!read.ok) return read;
  const { id, params } = read.value;
  const knock: Knock = { id, params, origin, authenticator };
  const unfit = unfitClient(knock);
  if (unfit !== undefined) return err(unfit);
  const { device } = params;
  if (device !== undefined) {
    const fault = await checkDeviceProof(device, params, challenge.nonce, authenticator.now());
    if (fault !== undefined) return err(badProof(id, fault));
  } else if (isInterface(params)) {
    return err(deviceRequired(id));
  }
  // What was kept of devices is read by then.
  await authenticator.devices?.ready;
  const access = accessOf(knock);
  if (!access.ok) {
    if (isGuess(access.error)) await delay(REFUSAL_DELAY_MS);
    return access;
  }
  return enter(knock, access.value);
}

/** Whether somebody whom an earlier core let in may go on: their device may be gone since. */
export async function isWelcomeStill(
  { client, role, scopes }: Session,
  { devices }: Authenticator,
): Promise<boolean> {
  const { deviceId } = client;
  if (deviceId === undefined || devices === undefined) return true;
  await devices.ready;
  const device = devices.device(deviceId);
  const token = device?.tokens.find((one) => one.role === role && one.revokedAtMs === undefined);
  return device !== undefined && token !== undefined && allows(device.scopes, scopes);
}

function unfitClient({ id, params, origin }: Knock): HandshakeRefusal | undefined {
  if (!ROLES.has(params.role)) return refuse(id, "invalid role");
  // A foreign origin does not get as far as here: what is left is none at all.
  const hasOrigin = origin.via === "edge" || origin.browserOrigin !== undefined;
  if (!isInterface(params) || hasOrigin) return undefined;
  return refuse(
    id,
    "origin not allowed (open the Control UI from the gateway host or allow it in gateway.controlUi.allowedOrigins)",
    { code: "CONTROL_UI_ORIGIN_NOT_ALLOWED", reason: "origin missing or invalid" },
  );
}

function deviceRequired(id: string): HandshakeRefusal {
  return refuse(id, "control ui requires device identity (use HTTPS or localhost secure context)", {
    code: "CONTROL_UI_DEVICE_IDENTITY_REQUIRED",
  });
}

function isGuess({ error }: HandshakeRefusal): boolean {
  const code = error?.details?.["code"];
  return typeof code === "string" && code.endsWith("_MISMATCH") && code.startsWith("AUTH_");
}

/** How the client may be here at all; its device comes later. */
function accessOf(knock: Knock): Result<Access, HandshakeRefusal> {
  const { id, params, origin, authenticator } = knock;
  if (origin.via === "edge") return edgeAccess(knock, origin.caller);
  const { token, password, deviceToken, bootstrapToken: setupToken } = params.auth;
  // Who shows one is to be a device, and proves which.
  if (setupToken && params.device === undefined && !token && !password && !deviceToken) {
    return err(identityRequired(id));
  }
  const found = authenticator.access({ token, password, deviceToken, setupToken }, origin);
  if (!found.ok) return err(localRefusal(knock, found.error));
  const access = found.value;
  if (access.method !== "device-token") return found;
  const isOwn = access.device.deviceId === params.device?.id && access.token.role === params.role;
  return isOwn ? found : err(wrongDeviceToken(id));
}

function localRefusal(knock: Knock, failure: AuthFailure): HandshakeRefusal {
  const { id, params, authenticator } = knock;
  if (failure.reason === "missing" && params.device === undefined) return identityRequired(id);
  const { auth, device } = params;
  const kind = authenticator.secretKind;
  return authRefusal(id, failure, { kind, auth, hasDevice: device !== undefined });
}

/** The edge has looked at the credentials; whose device token it was is looked up once more here. */
function edgeAccess(
  knock: Knock,
  { principal, operatorScopes, deviceId }: Extract<Origin, { via: "edge" }>["caller"],
): Result<Access, HandshakeRefusal> {
  const { id, params, authenticator } = knock;
  if (principal.subject === SETUP_SUBJECT) return setupAccess(knock, principal);
  if (operatorScopes === undefined && deviceId === undefined) {
    return ok({ method: "token", principal });
  }
  if (params.device === undefined) return err(identityRequired(id));
  // A token is good for its role alone, and the edge does not know which that is.
  const owner = authenticator.ownerOf(params.auth);
  const isOwn = deviceId === params.device.id && owner?.device.deviceId === deviceId;
  if (owner === undefined || !isOwn || owner.token.role !== params.role) {
    return err(wrongDeviceToken(id));
  }
  return ok({ method: "device-token", principal, ...owner });
}

/** The edge knew the code a moment ago; whether it is still good is known here alone. */
function setupAccess(
  { id, params, authenticator }: Knock,
  principal: Principal,
): Result<Access, HandshakeRefusal> {
  if (params.device === undefined) return err(identityRequired(id));
  const code = authenticator.setupCode(params.auth.bootstrapToken);
  return code === undefined
    ? err(badSetupCode(id))
    : ok({ method: "bootstrap-token", principal, code });
}

async function enter(knock: Knock, access: Access): Promise<Result<Session, HandshakeRefusal>> {
  const { id, params, authenticator } = knock;
  const { device } = params;
  const { devices } = authenticator;
  const isOperator = access.principal.scopes.includes("operator");
  const isGuest = knock.origin.via === "edge" && access.method === "token" && !isOperator;
  // Somebody who may only chat is nobody's device.
  if (device === undefined || devices === undefined || isGuest) {
    if (params.role !== "operator") return err(identityRequired(id));
    return ok(sessionOf(knock, access, { scopes: grantedScopes(knock, access) }));
  }
  if (params.role === "operator" && !params.scopes.every(isScope)) {
    return err(refuse(id, "requested scopes contain an unknown operator scope"));
  }
  if (access.method === "device-token" && !allows(scopesOf(access), params.scopes)) {
    return err(scopeRefusal(id));
  }
  return pair(knock, access, devices);
}

/** What becomes of a device that may be here. */
async function pair(
  knock: Knock,
  access: Access,
  devices: DeviceBook,
): Promise<Result<Session, HandshakeRefusal>> {
  const { id } = knock;
  const vouched = vouchedFor(knock, access, devices);
  const ask = vouched ?? askOf(knock);
  const { deviceId, scopes } = ask;
  const standing = { ...standingOf(knock, access), isVouched: vouched !== undefined };
  const entry = await devices.enter(ask, standing);
  if (entry.state === "late") return err(badSetupCode(id));
  if (entry.state === "waits") return err(pairingRefusal(id, ask, entry));
  const { token: deviceToken, issuedAtMs, others: deviceTokens } = entry;
  const auth = { method: access.method, deviceToken, issuedAtMs, deviceTokens };
  return ok(sessionOf(knock, access, { scopes, deviceId, auth }));
}

function scopesOf({ token }: Extract<Access, { method: "device-token" }>): readonly string[] {
  return token.scopes;
}

function isScope(name: string): boolean {
  return OPERATOR_SCOPES.some((scope) => scope === name);
}

interface Granted {
  readonly scopes: readonly string[];
  readonly deviceId?: string;
  readonly auth?: GreetingAuth;
}

function sessionOf(
  { id, params }: Knock,
  { method }: Access,
  { scopes, deviceId, auth = { method } }: Granted,
): Session {
  const {
    id: clientId,
    mode,
    version,
    platform,
    displayName,
    instanceId,
    deviceFamily,
  } = params.client;
  const named = { clientId, mode, version, platform, displayName, instanceId, deviceFamily };
  return { requestId: id, role: params.role, scopes, client: { ...named, deviceId }, auth };
}

/**
 * A shared secret without a device keeps its scopes only for the local command line and back end,
 * and for an operator whom the edge has let in; everybody else may connect and do nothing.
 */
function grantedScopes({ params, origin }: Knock, access: Access): readonly string[] {
  const { client, scopes } = params;
  if (!TRUSTED_PAIRS.has(`${client.id}/${client.mode}`)) return [];
  const isTrusted =
    origin.via === "edge" ? access.principal.scopes.includes("operator") : isDirect(origin);
  return isTrusted ? scopes : [];
}

function askOf({ params, origin }: Knock): Ask {
  const { client, role, scopes, device } = params;
  const { displayName, platform, deviceFamily, id: clientId, mode: clientMode } = client;
  const browserOrigin = origin.via === "local" ? origin.browserOrigin : undefined;
  const remoteIp = origin.via === "local" ? origin.ip : origin.caller.ip;
  const named = { displayName, platform, deviceFamily, clientId, clientMode };
  const { id: deviceId = "", publicKey = "" } = device ?? {};
  return { deviceId, publicKey, role, scopes, ...named, browserOrigin, remoteIp };
}

function standingOf({ params, origin, authenticator }: Knock, access: Access): Standing {
  const { autoApproveLocal, autoApproves } = authenticator.pairingRules;
  const ip = origin.via === "local" ? origin.ip : origin.caller.ip;
  return {
    // A code is worth what its owner has said, on this machine as well.
    isDirect: access.method !== "bootstrap-token" && origin.via === "local" && isDirect(origin),
    knowsSecret: KNOWS_SECRET.has(access.method),
    isInterface: isInterface(params),
    autoApproveLocal,
    isInNodeNetwork: access.method !== "bootstrap-token" && autoApproves(ip),
    invitation: invitationOf(params, access, authenticator),
    hasOnlyCode: access.method === "bootstrap-token",
  };
}

/** Behind a proxy that has vouched for its user, and where no secret is asked for, a code counts as well. */
function invitationOf(
  { auth }: ConnectParams,
  access: Access,
  authenticator: Authenticator,
): SetupCode | undefined {
  if (access.method === "bootstrap-token") return access.code;
  if (access.method !== "trusted-proxy" && access.method !== "none") return undefined;
  const { token, password, deviceToken, bootstrapToken } = auth;
  return token || password || deviceToken ? undefined : authenticator.setupCode(bootstrapToken);
}

/** What an interface asks for whose user a proxy has vouched for, as far as such users may have it. */
function vouchedFor(knock: Knock, access: Access, devices: DeviceBook): Ask | undefined {
  const { params, authenticator } = knock;
  const { vouchedScopes } = authenticator.pairingRules;
  const isMeant = isInterface(params) || params.client.mode === "ui";
  if (access.method !== "trusted-proxy" || vouchedScopes === undefined || !isMeant)
    return undefined;
  const ask = askOf(knock);
  return vouchedAsk(devices.device(ask.deviceId), ask, vouchedScopes);
}

function isInterface({ client }: ConnectParams): boolean {
  return INTERFACES.has(client.id) || client.mode === "webchat";
}
