import * as z from "zod";
import { GatewayError } from "../../../shared/errors.ts";
import type { DeviceBook } from "../../devices/book.ts";
import { allows } from "../../devices/rules.ts";
import type { PairingRequest } from "../../store/device.ts";
import { type CallContext, type Method, MethodError, type NamedMethod } from "../method.ts";
import { nodeMethods } from "./nodes.ts";
import { scopeUpgradeMethods } from "./scope-upgrade.ts";
import { type SetupMethodParts, setupMethods } from "./setup.ts";
import { deviceView, requestView } from "./views.ts";

export interface DeviceMethodParts extends SetupMethodParts {
  readonly isConnected: (deviceId: string) => boolean;
  /** Sends its connections away, once the answer to the caller is out. */
  readonly disconnect: (deviceId: string, reason: string, role?: string) => void;
  readonly now: () => number;
}

const Id = z.string().min(1).max(1024);
const None = z.strictObject({});
const Request = z.strictObject({ requestId: Id });
const One = z.strictObject({ deviceId: Id });
const Rename = One.extend({ label: z.string().min(1).max(64) });
const Role = One.extend({ role: z.string().trim().min(1).max(64) });
const Rotate = Role.extend({ scopes: z.array(z.string().min(1).max(64)).max(16).optional() });

/** Methods by which people decide which devices may come in. */
export function deviceMethods(parts: DeviceMethodParts): readonly NamedMethod[] {
  return [
    pairing("device.pair.list", (params, { client }) => {
      None.parse(params);
      return list(parts, client);
    }),
    pairing("device.pair.approve", (params, { client }) =>
      approve(parts, Request.parse(params).requestId, client),
    ),
    pairing("device.pair.reject", (params, { client }) =>
      reject(parts, Request.parse(params).requestId, client),
    ),
    pairing("device.pair.remove", (params, { client }) =>
      remove(parts, One.parse(params).deviceId, client),
    ),
    pairing("device.pair.rename", (params, { client }) =>
      rename(parts, Rename.parse(params), client),
    ),
    pairing("device.token.rotate", (params, { client }) =>
      rotate(parts, Rotate.parse(params), client),
    ),
    pairing("device.token.revoke", (params, { client }) =>
      revoke(parts, Role.parse(params), client),
    ),
    ...scopeUpgradeMethods(parts.book),
    ...setupMethods(parts),
    ...nodeMethods(parts),
  ];
}

function pairing(name: string, call: Method["call"]): NamedMethod {
  return [name, { scope: "operator.pairing", call }];
}

type Client = CallContext["client"];

function list({ book, isConnected }: DeviceMethodParts, client: Client): object {
  const isSeen = ({ deviceId }: { readonly deviceId: string }): boolean =>
    mayManage(client, deviceId);
  return {
    pending: book.requests.filter(isSeen).map(requestView),
    paired: book.devices.filter(isSeen).map((one) => deviceView(one, isConnected(one.deviceId))),
  };
}

async function approve(
  { book }: DeviceMethodParts,
  requestId: string,
  client: Client,
): Promise<object> {
  const request = openRequest(book, requestId, client, "device pairing approval denied");
  if (!isAdmin(client) && request.role !== "operator") {
    throw new MethodError("INVALID_REQUEST", "device pairing approval denied");
  }
  const missing = request.scopes.find((scope) => !allows(client.scopes, [scope]));
  // Nobody gives away more than they have.
  if (missing !== undefined) throw new MethodError("INVALID_REQUEST", `missing scope: ${missing}`);
  const device = await book.approve(requestId);
  if (device === undefined) throw unknown("requestId");
  return { requestId, device: deviceView(device) };
}

async function reject(
  { book }: DeviceMethodParts,
  requestId: string,
  client: Client,
): Promise<object> {
  openRequest(book, requestId, client, "device pairing rejection denied");
  const request = await book.reject(requestId);
  if (request === undefined) throw unknown("requestId");
  return { requestId, deviceId: request.deviceId };
}

async function remove(
  { book, disconnect }: DeviceMethodParts,
  deviceId: string,
  client: Client,
): Promise<object> {
  if (!mayManage(client, deviceId)) throw denied("device pairing removal denied");
  if (!(await book.remove(deviceId))) throw unknown("deviceId");
  disconnect(deviceId, "device removed");
  return { deviceId };
}

async function rename(
  { book }: DeviceMethodParts,
  { deviceId, label }: z.output<typeof Rename>,
  client: Client,
): Promise<object> {
  const trimmed = label.trim();
  if (trimmed === "") throw new GatewayError("invalid_request", "label required");
  if (!mayManage(client, deviceId)) throw denied("device pairing rename denied");
  if (!(await book.rename(deviceId, trimmed))) throw unknown("deviceId");
  return { deviceId, label: trimmed };
}

async function rotate(
  { book, disconnect, now }: DeviceMethodParts,
  { deviceId, role, scopes }: z.output<typeof Rotate>,
  client: Client,
): Promise<object> {
  const refusal = denied("device token rotation denied");
  const wanted = scopes ?? tokenScopes(book, deviceId, role);
  const mayGive = role !== "operator" || allows(client.scopes, wanted);
  if (!mayManageRole(client, deviceId, role) || !mayGive) throw refusal;
  const rotated = await book.rotate(deviceId, role, scopes);
  if (rotated === undefined) throw refusal;
  disconnect(deviceId, "device token rotated", role);
  const { token, entry } = rotated;
  const rotatedAtMs = entry.rotatedAtMs ?? now();
  const told = { deviceId, role, scopes: entry.scopes, rotatedAtMs };
  // Only the device itself has any use for it.
  return client.deviceId === deviceId
    ? { ...told, token, tokenDelivery: "in-band" }
    : { ...told, tokenDelivery: "withheld-cross-device" };
}

async function revoke(
  { book, disconnect, now }: DeviceMethodParts,
  { deviceId, role }: z.output<typeof Role>,
  client: Client,
): Promise<object> {
  const refusal = denied("device token revocation denied");
  const mayTake = role !== "operator" || allows(client.scopes, tokenScopes(book, deviceId, role));
  if (!mayManageRole(client, deviceId, role) || !mayTake) throw refusal;
  const revoked = await book.revoke(deviceId, role);
  if (revoked === undefined) throw refusal;
  disconnect(deviceId, "device token revoked", role);
  return { deviceId, role, revokedAtMs: revoked.revokedAtMs ?? now() };
}

/** @throws GatewayError, MethodError */
function openRequest(
  book: DeviceBook,
  requestId: string,
  client: Client,
  refusal: string,
): PairingRequest {
  const request = book.requests.find((one) => one.requestId === requestId);
  if (request === undefined) throw unknown("requestId");
  if (!mayManage(client, request.deviceId)) throw denied(refusal);
  return request;
}

function tokenScopes(book: DeviceBook, deviceId: string, role: string): readonly string[] {
  const token = book.device(deviceId)?.tokens.find((one) => one.role === role);
  return token?.scopes ?? [];
}

/** A device that is no administrator looks after itself alone. */
function mayManage(client: Client, deviceId: string): boolean {
  return isAdmin(client) || client.deviceId === undefined || client.deviceId === deviceId;
}

function mayManageRole(client: Client, deviceId: string, role: string): boolean {
  return mayManage(client, deviceId) && (role === "operator" || isAdmin(client));
}

function isAdmin({ scopes }: Client): boolean {
  return scopes.includes("operator.admin");
}

function unknown(what: "requestId" | "deviceId"): GatewayError {
  return new GatewayError("invalid_request", `unknown ${what}`);
}

function denied(message: string): MethodError {
  return new MethodError("INVALID_REQUEST", message);
}
