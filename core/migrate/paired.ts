/** Devices that OpenClaw has let in: their public keys and what they may do, never their tokens. */
import type { DatabaseSync } from "node:sqlite";
import * as z from "zod";
import { GatewayError } from "../../shared/errors.ts";
import { jsonOrUndefined } from "../../shared/json.ts";
import { Device, type DeviceStore } from "../store/device.ts";
import type { Step } from "./step.ts";

/** As many as a gateway remembers. */
const MAX_DEVICES = 900;

const Names = z.array(z.string()).catch([]);
const Listed = z
  .string()
  .nullish()
  .transform((text) => Names.parse(jsonOrUndefined(text ?? "[]")));
const Maybe = z
  .string()
  .nullish()
  .transform((text) => text ?? undefined);
const Via = z.enum(["silent", "owner", "cidr"]).catch("owner");

const Row = z
  .object({
    device_id: z.string().min(1),
    public_key: z.string().min(1),
    display_name: Maybe,
    operator_label: Maybe,
    platform: Maybe,
    device_family: Maybe,
    client_id: Maybe,
    client_mode: Maybe,
    browser_origin: Maybe,
    role: Maybe,
    roles_json: Listed,
    scopes_json: Listed,
    approved_via: Via,
    created_at_ms: z.number(),
    approved_at_ms: z.number(),
    last_seen_at_ms: z.number().nullish(),
  })
  .transform((row) => ({
    deviceId: row.device_id,
    publicKey: row.public_key,
    displayName: row.display_name,
    operatorLabel: row.operator_label,
    platform: row.platform,
    deviceFamily: row.device_family,
    clientId: row.client_id,
    clientMode: row.client_mode,
    browserOrigin: row.browser_origin,
    role: row.role ?? row.roles_json[0] ?? "operator",
    roles: row.roles_json,
    scopes: row.scopes_json,
    approvedVia: row.approved_via,
    createdAtMs: row.created_at_ms,
    approvedAtMs: row.approved_at_ms,
    lastSeenAtMs: row.last_seen_at_ms ?? undefined,
  }));

/** Of `devices/paired.json`: by device id. */
const Filed = z
  .object({
    deviceId: z.string().min(1),
    publicKey: z.string().min(1),
    displayName: z.string().optional(),
    platform: z.string().optional(),
    deviceFamily: z.string().optional(),
    clientId: z.string().optional(),
    clientMode: z.string().optional(),
    role: z.string().optional(),
    roles: Names,
    scopes: Names,
    createdAtMs: z.number(),
    approvedAtMs: z.number(),
  })
  .transform(({ role, roles, ...others }) => ({
    ...others,
    role: role ?? roles[0] ?? "operator",
    roles: roles.length === 0 ? [role ?? "operator"] : roles,
    approvedVia: "owner" as const,
  }));

/** Of its database. @throws GatewayError version_unsupported */
export function databaseDevices(db: DatabaseSync): unknown[] {
  try {
    const rows = db.prepare("select * from device_pairing_paired order by created_at_ms limit ?");
    return rows.all(MAX_DEVICES).map((row): unknown => Row.safeParse(row).data);
  } catch (cause) {
    const message = "its devices are laid out as this version does not know it";
    throw new GatewayError("version_unsupported", message, { cause });
  }
}

export function fileDevices(document: unknown): unknown[] {
  const parsed = z.record(z.string(), z.unknown()).safeParse(document).data ?? {};
  return Object.values(parsed)
    .slice(0, MAX_DEVICES)
    .map((one): unknown => Filed.safeParse(one).data);
}

/** @param there - Ids of the devices we have. */
export function deviceStep(
  found: unknown,
  there: ReadonlySet<string>,
  devices: Pick<DeviceStore, "putDevice">,
): Step {
  const parsed = Device.omit({ tokens: true }).safeParse(found);
  if (!parsed.success) {
    return { part: "devices", name: "a device", verdict: "left", note: "it cannot be understood" };
  }
  const { deviceId, displayName, clientId } = parsed.data;
  const label = displayName ?? clientId;
  const short = deviceId.slice(0, 12);
  const named = {
    part: "devices",
    name: label === undefined ? short : `${label} (${short})`,
  } as const;
  if (there.has(deviceId)) return { ...named, verdict: "same" };
  return {
    ...named,
    verdict: "add",
    note: "it gets a new token when it comes with the gateway's",
    apply: () => devices.putDevice({ ...parsed.data, tokens: [] }),
  };
}
