/** Devices that may come in, and those that ask to: what is kept of them. Never a token. */
import * as z from "zod";

const Text = z.string().max(1024);

/** What a device said of itself when it was last let in or asked to be. */
const Said = {
  displayName: Text.optional(),
  platform: Text.optional(),
  deviceFamily: Text.optional(),
  clientId: Text.optional(),
  clientMode: Text.optional(),
  /** Of the page it runs in. */
  browserOrigin: Text.optional(),
  remoteIp: Text.optional(),
} as const;

/** A token that was made out to a device, in one role of it. Times are Unix ms. */
const DeviceToken = z.object({
  role: Text,
  scopes: z.array(Text),
  /** As `digestOf` makes it. */
  digest: Text,
  /** Each new token of the role has the next. */
  generation: z.int().min(1),
  createdAtMs: z.number(),
  rotatedAtMs: z.number().optional(),
  revokedAtMs: z.number().optional(),
  lastUsedAtMs: z.number().optional(),
});
export type DeviceToken = z.output<typeof DeviceToken>;

/** Open objects: a core of another version may have written them. */
export const Device = z.object({
  deviceId: Text,
  publicKey: Text,
  ...Said,
  /** What people call it. */
  operatorLabel: Text.optional(),
  /** That of the last time. */
  role: Text,
  roles: z.array(Text),
  /** What it may ask for as an operator. */
  scopes: z.array(Text),
  /** `silent`: without anybody's word; `owner`: somebody said yes; `cidr`: by its network. */
  approvedVia: z.enum(["silent", "owner", "cidr"]),
  createdAtMs: z.number(),
  approvedAtMs: z.number(),
  lastSeenAtMs: z.number().optional(),
  tokens: z.array(DeviceToken),
});
export type Device = z.output<typeof Device>;

/** A device that waits for somebody's word. */
export const PairingRequest = z.object({
  requestId: Text,
  deviceId: Text,
  publicKey: Text,
  ...Said,
  role: Text,
  scopes: z.array(Text),
  reason: z.enum(["not-paired", "role-upgrade", "scope-upgrade", "metadata-upgrade"]),
  /** True: it was let in before. */
  isRepair: z.boolean(),
  /** When it asked last, Unix ms. */
  ts: z.number(),
});
export type PairingRequest = z.output<typeof PairingRequest>;

/** What one device may be paired with, once and without anybody's word: its token is known to nobody here. */
export const SetupCode = z.object({
  id: Text,
  /** As `digestOf` makes it. */
  digest: Text,
  /** What people call what it gives. */
  access: z.enum(["full", "limited", "node"]),
  roles: z.array(Text),
  /** The most it may ask for as an operator. */
  scopes: z.array(Text),
  createdAtMs: z.number(),
  expiresAtMs: z.number(),
});
export type SetupCode = z.output<typeof SetupCode>;

/** Where devices are kept. There are few: whoever opens it reads them all, and keeps what it changes. */
export interface DeviceStore {
  devices(): Promise<Device[]>;
  requests(): Promise<PairingRequest[]>;
  putDevice(device: Device): Promise<void>;
  removeDevices(ids: readonly string[]): Promise<void>;
  /** All there are from now on. */
  setRequests(requests: readonly PairingRequest[]): Promise<void>;
  setupCodes(): Promise<SetupCode[]>;
  /** All there are from now on. */
  setSetupCodes(codes: readonly SetupCode[]): Promise<void>;
}
