import { randomToken } from "../../shared/bytes.ts";
import type { Secret } from "../../shared/secret.ts";
import type {
  Device,
  DeviceStore,
  DeviceToken,
  PairingRequest,
  SetupCode,
} from "../store/device.ts";
import type { Entry, HandedToken } from "./entry.ts";
import type { DeviceNews } from "./news.ts";
import { RequestBook } from "./request-book.ts";
import {
  allows,
  approved,
  type Ask,
  handedOver,
  isInvited,
  type PairingReason,
  pairingNeed,
  seenAt,
  silentWay,
  type Standing,
  superseded,
} from "./rules.ts";
import { SetupCodes } from "./setup-codes.ts";
import { issue, sameAgain, withToken } from "./tokens.ts";

/** Devices remembered at once: what an edge takes of verifiers, less some for others. */
export const MAX_DEVICES = 900;
/** How exactly is known when a device was here last: each time would be a write for each connection. */
const SEEN_EVERY_MS = 60_000;

export interface DeviceBookParts {
  readonly store: DeviceStore;
  /** What tokens are made of; asked for once. */
  readonly key: () => Promise<Secret>;
  readonly now: () => number;
  /** Ids of requests: unguessable. */
  readonly newId: () => string;
  readonly isConnected: (deviceId: string) => boolean;
  readonly tell: (news: DeviceNews) => void;
}

export interface Rotation {
  readonly token: string;
  readonly entry: DeviceToken;
}

/**
 * The devices of this gateway. There are few, so all are in memory; a change counts once it is on
 * the disk. One object per store: it makes changes one by one.
 */
export class DeviceBook {
  readonly #parts: DeviceBookParts;
  #devices: ReadonlyMap<string, Device> = new Map();
  /** Token digests that are good, and whose they are. */
  #owners: ReadonlyMap<string, { readonly deviceId: string; readonly role: string }> = new Map();
  #key: Promise<Secret> | undefined;
  readonly #requests: RequestBook;
  #last: Promise<unknown>;
  readonly codes: SetupCodes;
  /** Resolves when what was kept is read; rejects when it cannot be. */
  readonly ready: Promise<void>;

  constructor(parts: DeviceBookParts) {
    this.#parts = parts;
    const { store, now, newId, tell } = parts;
    this.#requests = new RequestBook({ store, now, newId, tell });
    const changed = (): void => tell({ kind: "codes" });
    this.codes = new SetupCodes({ store, now, newId, newToken: randomToken, changed });
    this.ready = this.#load();
    this.#last = this.ready;
    // Whoever needs it awaits it again.
    this.ready.catch(() => undefined);
  }

  get devices(): readonly Device[] {
    return [...this.#devices.values()];
  }

  /** Those that still may be approved, oldest first. */
  get requests(): readonly PairingRequest[] {
    return this.#requests.open;
  }

  device(deviceId: string): Device | undefined {
    return this.#devices.get(deviceId);
  }

  /** Whose token this is; undefined: nobody's, or it was revoked. */
  ownerOf(digest: string): { readonly device: Device; readonly token: DeviceToken } | undefined {
    const owner = this.#owners.get(digest);
    const device = owner && this.#devices.get(owner.deviceId);
    const token = device?.tokens.find((one) => one.digest === digest);
    return device === undefined || token === undefined ? undefined : { device, token };
  }

  /** A device has proven itself, and by itself or by a secret that it may be here. */
  enter(ask: Ask, standing: Standing): Promise<Entry> {
    return this.#change(async () => {
      const device = this.#devices.get(ask.deviceId);
      const { invitation } = standing;
      if (invitation !== undefined && isInvited(invitation, ask)) {
        return this.#invite(device, ask, invitation);
      }
      const reason = pairingNeed(device, ask);
      if (reason === undefined && device !== undefined) {
        if (standing.hasOnlyCode === true) return { state: "late" };
        return this.#welcome(device, ask.role);
      }
      const need = reason ?? "not-paired";
      const via = silentWay(need, ask, standing);
      if (via === undefined) return this.#wait(ask, need, device);
      const admitted = approved(device, ask, via, this.#parts.now());
      const entry = await this.#welcome(admitted, ask.role);
      await this.#forget(superseded(this.devices, admitted, this.#parts.isConnected));
      return entry;
    });
  }

  /** The code is gone before anything of it is given away: a crash in between costs a new code. */
  async #invite(device: Device | undefined, ask: Ask, code: SetupCode): Promise<Entry> {
    const { now, tell } = this.#parts;
    if (!(await this.codes.use(code, ask))) return { state: "late" };
    let admitted = handedOver(device, ask, code, now());
    const others: HandedToken[] = [];
    for (const role of code.roles.filter((one) => one !== ask.role)) {
      if (!admitted.roles.includes(role)) continue;
      const { token, entry } = await this.#tokenFor(admitted, role, now());
      const { scopes, createdAtMs, rotatedAtMs: issuedAtMs = createdAtMs } = entry;
      others.push({ deviceToken: token, role, scopes, issuedAtMs });
      admitted = withToken(admitted, entry);
    }
    const entry = await this.#welcome(admitted, ask.role);
    const outcome = this.codes.outcome(code.id);
    if (outcome !== undefined) tell({ kind: "completed", outcome });
    return { ...entry, others };
  }

  /** A paired device asks for more while it is here. */
  ask(ask: Ask): Promise<PairingRequest> {
    return this.#change(async () => {
      const waiting = await this.#wait(ask, "scope-upgrade", this.#devices.get(ask.deviceId));
      return waiting.request;
    });
  }

  /** Undefined: there is no such request, or no more. */
  approve(requestId: string): Promise<Device | undefined> {
    return this.#change(async () => {
      const request = this.#requests.find(requestId);
      if (request === undefined) return undefined;
      const now = this.#parts.now();
      const asked = approved(this.#devices.get(request.deviceId), request, "owner", now);
      // Made at once, so that the list shows what it will get.
      const has = asked.tokens.some(
        ({ role, revokedAtMs }) => role === request.role && !revokedAtMs,
      );
      const device = has ? asked : withToken(asked, await this.#issued(asked, request.role));
      await this.#save(device);
      await this.#requests.close(request, "approved");
      return device;
    });
  }

  reject(requestId: string): Promise<PairingRequest | undefined> {
    return this.#change(async () => {
      const request = this.#requests.find(requestId);
      if (request !== undefined) await this.#requests.close(request, "rejected");
      return request;
    });
  }

  /** False: there was none. */
  remove(deviceId: string): Promise<boolean> {
    return this.#change(async () => {
      const known = this.#devices.has(deviceId);
      if (known) await this.#forget([deviceId]);
      return known;
    });
  }

  rename(deviceId: string, operatorLabel: string): Promise<boolean> {
    return this.#change(async () => {
      const device = this.#devices.get(deviceId);
      if (device !== undefined) await this.#save({ ...device, operatorLabel });
      return device !== undefined;
    });
  }

  /**
   * Makes the token of a role anew: the one before opens nothing from then on.
   *
   * @param scopes - Default: as before. Undefined comes back when they are more than it may have,
   *   or the device has no such role.
   */
  rotate(
    deviceId: string,
    role: string,
    scopes?: readonly string[],
  ): Promise<Rotation | undefined> {
    return this.#change(async () => {
      const device = this.#devices.get(deviceId);
      if (device === undefined || !device.roles.includes(role)) return undefined;
      const before = device.tokens.find((one) => one.role === role);
      const wanted = scopes ?? before?.scopes ?? scopesOf(device, role);
      if (!allows(scopesOf(device, role), wanted)) return undefined;
      const key = await this.#tokenKey();
      const made = issue(key, device, { role, scopes: wanted }, this.#parts.now());
      await this.#save(withToken(device, made.entry));
      return made;
    });
  }

  /** Undefined: it has no such token. */
  revoke(deviceId: string, role: string): Promise<DeviceToken | undefined> {
    return this.#change(async () => {
      const device = this.#devices.get(deviceId);
      const token = device?.tokens.find((one) => one.role === role);
      if (device === undefined || token === undefined) return undefined;
      const revoked = { ...token, revokedAtMs: token.revokedAtMs ?? this.#parts.now() };
      await this.#save(withToken(device, revoked));
      return revoked;
    });
  }

  /**
   * Waits for somebody's word on a request of this device. One that was decided within the last
   * hour is answered at once.
   *
   * @returns Undefined: there is no such request, or `signal` aborted.
   */
  decided(
    requestId: string,
    deviceId: string,
    signal: AbortSignal,
  ): Promise<"approved" | "rejected" | "expired" | undefined> {
    return this.#requests.decided(requestId, deviceId, signal);
  }

  /** The token it would be greeted with; undefined: it has none that is good. */
  async currentToken(deviceId: string, role: string): Promise<string | undefined> {
    const device = this.#devices.get(deviceId);
    return device && sameAgain(await this.#tokenKey(), device, role);
  }

  async #load(): Promise<void> {
    const { store } = this.#parts;
    const [devices] = await Promise.all([
      store.devices(),
      this.#requests.load(),
      this.codes.load(),
    ]);
    this.#devices = new Map(devices.map((one) => [one.deviceId, one]));
    this.#index();
  }

  /** Gives a device that may come in its token, and notes that it was here. */
  async #welcome(device: Device, role: string): Promise<Extract<Entry, { readonly state: "in" }>> {
    const now = this.#parts.now();
    const { token, entry, isNew } = await this.#tokenFor(device, role, now);
    const isKnown = this.#devices.get(device.deviceId) === device && !isNew;
    const isFresh = now - (device.lastSeenAtMs ?? 0) < SEEN_EVERY_MS;
    if (!isKnown || !isFresh) {
      const used = withToken(device, { ...entry, lastUsedAtMs: now });
      await this.#save({ ...used, role, lastSeenAtMs: now });
    }
    return { state: "in", token, issuedAtMs: entry.rotatedAtMs ?? entry.createdAtMs };
  }

  /** The one it has, or where that is no longer good, a new one. */
  async #tokenFor(
    device: Device,
    role: string,
    now: number,
  ): Promise<Rotation & { readonly isNew: boolean }> {
    const key = await this.#tokenKey();
    const again = sameAgain(key, device, role);
    const entry = device.tokens.find((one) => one.role === role);
    if (again !== undefined && entry !== undefined) return { token: again, entry, isNew: false };
    const made = issue(key, device, { role, scopes: scopesOf(device, role) }, now);
    return { ...made, isNew: true };
  }

  async #wait(
    ask: Ask,
    reason: PairingReason,
    device: Device | undefined,
  ): Promise<Extract<Entry, { readonly state: "waits" }>> {
    const request = this.#requests.note(ask, { reason, isRepair: device !== undefined });
    return { state: "waits", reason, request, device };
  }

  async #issued(device: Device, role: string): Promise<DeviceToken> {
    const wanted = { role, scopes: scopesOf(device, role) };
    return issue(await this.#tokenKey(), device, wanted, this.#parts.now()).entry;
  }

  async #save(device: Device): Promise<void> {
    await this.#parts.store.putDevice(device);
    const before = this.#devices.get(device.deviceId);
    const others = [...this.#devices].filter(([id]) => id !== device.deviceId);
    this.#devices = new Map([...others, [device.deviceId, device]]);
    this.#index();
    if (this.#devices.size > MAX_DEVICES) await this.#forget(this.#leastSeen());
    else if (factsOf(before) !== factsOf(device)) this.#parts.tell({ kind: "changed" });
  }

  async #forget(ids: readonly string[]): Promise<void> {
    if (ids.length === 0) return;
    await this.#parts.store.removeDevices(ids);
    this.#devices = new Map([...this.#devices].filter(([id]) => !ids.includes(id)));
    this.#index();
    this.#parts.tell({ kind: "changed" });
  }

  /** The device that was away for longest. */
  #leastSeen(): string[] {
    const [oldest] = this.devices.toSorted((a, b) => seenAt(a) - seenAt(b));
    return oldest === undefined ? [] : [oldest.deviceId];
  }

  #index(): void {
    const good = this.devices.flatMap(({ deviceId, tokens }) =>
      tokens
        .filter(({ revokedAtMs }) => revokedAtMs === undefined)
        .map(({ digest, role }) => [digest, { deviceId, role }] as const),
    );
    this.#owners = new Map(good);
  }

  #tokenKey(): Promise<Secret> {
    this.#key ??= this.#parts.key();
    return this.#key;
  }

  /** Reading, deciding and writing back are several steps: changes must not run side by side. */
  #change<T>(decide: () => Promise<T>): Promise<T> {
    const changed = this.#last.then(decide);
    this.#last = changed.catch(() => undefined); // its caller hears of it; the next one goes on
    return changed;
  }
}

/** What others look at: not when it was here. */
function factsOf(device: Device | undefined): string {
  const { roles, scopes, operatorLabel, tokens } = device ?? {};
  const worth = tokens?.map((one) => [one.digest, one.scopes, one.revokedAtMs]);
  return JSON.stringify([roles, scopes, operatorLabel, worth]);
}

/** What a token of this role is worth. */
function scopesOf({ scopes }: Device, role: string): readonly string[] {
  return role === "operator" ? scopes : [];
}
