/** Who is let in with what, and who has to wait for somebody's word. Pure. */
import type { Device, DeviceToken, PairingRequest, SetupCode } from "../store/device.ts";

/** What a device asks for in `connect`. */
export interface Ask {
  readonly deviceId: string;
  readonly publicKey: string;
  readonly role: string;
  readonly scopes: readonly string[];
  readonly clientId?: string | undefined;
  readonly clientMode?: string | undefined;
  readonly displayName?: string | undefined;
  readonly platform?: string | undefined;
  readonly deviceFamily?: string | undefined;
  readonly browserOrigin?: string | undefined;
  readonly remoteIp?: string | undefined;
}

/** Where a device stands that asks. */
export interface Standing {
  /** On this machine, and nothing that we can see stands between. */
  readonly isDirect: boolean;
  /** It has shown the shared secret, or something as good. */
  readonly knowsSecret: boolean;
  /** Our own user interface, which always comes with the origin of its page. */
  readonly isInterface: boolean;
  readonly autoApproveLocal: boolean;
  /** Its address is in a network whose nodes are let in. */
  readonly isInNodeNetwork: boolean;
  /** The owner's code that it has shown. */
  readonly invitation?: SetupCode | undefined;
  /** It has shown nothing else, so that it is let in with what the code says or not at all. */
  readonly hasOnlyCode?: boolean | undefined;
  /** A proxy has vouched for its user, and what it asks for is what such users may have. */
  readonly isVouched?: boolean | undefined;
}

export type PairingReason = PairingRequest["reason"];

/** Rights that another one brings with it; `operator.admin` brings all of an operator. */
const IMPLIED: Readonly<Record<string, readonly string[]>> = {
  "operator.write": ["operator.read"],
};

/** Whether somebody with `granted` may have all of `asked`. */
export function allows(granted: readonly string[], asked: readonly string[]): boolean {
  const held = new Set(granted.flatMap((scope) => [scope, ...(IMPLIED[scope] ?? [])]));
  const isAdmin = held.has("operator.admin");
  return asked.every((scope) => held.has(scope) || (isAdmin && scope.startsWith("operator.")));
}

/** Why a device has to be paired anew; undefined: it is, for all that it asks. */
export function pairingNeed(device: Device | undefined, ask: Ask): PairingReason | undefined {
  if (device === undefined || device.publicKey !== ask.publicKey) return "not-paired";
  if (!device.roles.includes(ask.role)) return "role-upgrade";
  if (!allows(device.scopes, ask.scopes)) return "scope-upgrade";
  return isMoved(device, ask) ? "metadata-upgrade" : undefined;
}

/** Whether it says that it is of another kind than before. */
function isMoved(device: Device, { platform, deviceFamily }: Ask): boolean {
  return isOther(device.platform, platform) || isOther(device.deviceFamily, deviceFamily);
}

/** How a device is let in without anybody's word; undefined: somebody has to say yes. */
export function silentWay(
  reason: PairingReason,
  ask: Ask,
  standing: Standing,
): Device["approvedVia"] | undefined {
  if (standing.isVouched === true && mayBeVouched(reason)) return "owner";
  // A page that a browser of this machine shows is not a program of this machine.
  if (ask.browserOrigin !== undefined && !standing.isInterface) return undefined;
  if (standing.isDirect && standing.autoApproveLocal) {
    return isFreeHere(reason, ask, standing) ? "silent" : undefined;
  }
  const isPlainNode = ask.role === "node" && ask.scopes.length === 0;
  const isFree = reason === "not-paired" && isPlainNode && standing.isInNodeNetwork;
  return isFree ? "cidr" : undefined;
}

/**
 * What a device asks for, narrowed to what the users of a proxy may have; undefined where their word
 * does not count: for what is paired already, nodes, and devices that say they are another kind now.
 */
export function vouchedAsk(
  device: Device | undefined,
  ask: Ask,
  scopes: readonly string[],
): Ask | undefined {
  if (ask.role !== "operator" || !mayBeVouched(pairingNeed(device, ask))) return undefined;
  if (device !== undefined && isMoved(device, ask)) return undefined;
  const granted = ask.scopes.filter((scope) => allows(scopes, [scope]));
  return { ...ask, scopes: ask.scopes.length === 0 ? scopes : granted };
}

function mayBeVouched(reason: PairingReason | undefined): boolean {
  return reason === "not-paired" || reason === "scope-upgrade";
}

/** Whether a device may have what it asks for by this code. */
export function isInvited({ roles, scopes }: SetupCode, { role, scopes: asked }: Ask): boolean {
  if (!roles.includes(role)) return false;
  return role === "operator" ? allows(scopes, asked) : asked.length === 0;
}

/**
 * The device with all that a code hands over beside what was asked for: who comes as a node will be
 * an operator as well.
 *
 * @param now - Unix ms.
 */
export function handedOver(
  device: Device | undefined,
  ask: Ask,
  { roles, scopes }: SetupCode,
  now: number,
): Device {
  const isBoth = ask.role !== "operator" && roles.includes("operator");
  const operator = { ...ask, role: "operator", scopes };
  // What was asked for comes last: that is what it is now.
  return approved(isBoth ? approved(device, operator, "owner", now) : device, ask, "owner", now);
}

function isFreeHere(reason: PairingReason, { role }: Ask, { knowsSecret }: Standing): boolean {
  const becomesNode = reason === "role-upgrade" && role === "node";
  return reason === "not-paired" || (knowsSecret && !becomesNode);
}

/**
 * The device as it is once what it asked for is granted.
 *
 * @param now - Unix ms.
 */
export function approved(
  device: Device | undefined,
  ask: Ask,
  via: Device["approvedVia"],
  now: number,
): Device {
  // Whoever comes with another key is somebody else.
  const known = device?.publicKey === ask.publicKey ? device : undefined;
  const { roles = [], scopes: granted = [], createdAtMs = now, tokens = [] } = known ?? {};
  const scopes = [...new Set([...granted, ...ask.scopes])];
  const { role, displayName, platform, deviceFamily, clientId, clientMode } = ask;
  const named = { displayName, platform, deviceFamily, clientId, clientMode };
  return {
    deviceId: ask.deviceId,
    publicKey: ask.publicKey,
    ...named,
    browserOrigin: ask.browserOrigin,
    remoteIp: ask.remoteIp,
    operatorLabel: known?.operatorLabel,
    role,
    roles: [...new Set([...roles, role])],
    scopes,
    approvedVia: via,
    createdAtMs,
    approvedAtMs: now,
    lastSeenAtMs: known?.lastSeenAtMs,
    tokens: tokens.map((token) => grown(token, role, scopes)),
  };
}

/** A token is worth what its device may have: it grows with it. */
function grown(token: DeviceToken, role: string, scopes: readonly string[]): DeviceToken {
  if (token.role !== role || token.revokedAtMs !== undefined) return token;
  return { ...token, scopes: role === "operator" ? [...scopes] : [] };
}

/** Devices of one kind that were let in without a word are kept, at most. */
const MAX_SILENT_ALIKE = 8;

/**
 * Which devices nobody will miss now that `newest` is here: of its kind, let in without anybody's
 * word, not connected, and not among the last ones seen. A client that loses its key each time
 * would fill the list.
 */
export function superseded(
  devices: readonly Device[],
  newest: Device,
  isConnected: (deviceId: string) => boolean,
): string[] {
  if (newest.approvedVia !== "silent") return [];
  return devices
    .filter((one) => one.approvedVia === "silent" && kindOf(one) === kindOf(newest))
    .filter(({ deviceId }) => deviceId !== newest.deviceId && !isConnected(deviceId))
    .toSorted((a, b) => seenAt(b) - seenAt(a))
    .slice(MAX_SILENT_ALIKE - 1)
    .map(({ deviceId }) => deviceId);
}

function kindOf({ clientId, clientMode, platform, role }: Device): string {
  return JSON.stringify([clientId, clientMode, normal(platform), role]);
}

/** When it was here last, as far as is known; Unix ms. */
export function seenAt({ lastSeenAtMs, approvedAtMs }: Device): number {
  return lastSeenAtMs ?? approvedAtMs;
}

/** What was never said can be said now; what was said may not change by itself. */
function isOther(known: string | undefined, said: string | undefined): boolean {
  return known !== undefined && known !== "" && normal(known) !== normal(said);
}

function normal(text: string | undefined): string {
  return (text ?? "").trim().toLowerCase();
}
