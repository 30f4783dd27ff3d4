/** Codes by which the owner lets in one device each, without being asked when it comes. */
import { LIMITS } from "../../shared/limits.ts";
import type { DeviceStore, SetupCode } from "../store/device.ts";
import type { Ask } from "./rules.ts";
import { tokenDigest } from "./tokens.ts";

/** Long enough to fetch a phone, too short to be found in a drawer. */
export const SETUP_CODE_LIFE_MS = 600_000;
/** Codes that were used and are remembered, so that whoever made one can ask what became of it. */
const MAX_OUTCOMES = 64;

/** What a code gives, at most. */
export type SetupAccess = SetupCode["access"];

/** A device that came by a code. */
export interface SetupOutcome {
  readonly setupId: string;
  readonly deviceId: string;
  readonly deviceName?: string;
  readonly access: SetupAccess;
  /** Unix ms. */
  readonly ts: number;
}

/** What each kind of access is; a node may do nothing as an operator. */
const PROFILES: Readonly<Record<SetupAccess, Pick<SetupCode, "roles" | "scopes">>> = {
  full: {
    roles: ["node", "operator"],
    scopes: ["operator.admin", "operator.approvals", "operator.read", "operator.write"],
  },
  limited: {
    roles: ["node", "operator"],
    scopes: ["operator.approvals", "operator.read", "operator.write"],
  },
  node: { roles: ["node"], scopes: [] },
};

export interface SetupCodesParts {
  readonly store: Pick<DeviceStore, "setupCodes" | "setSetupCodes">;
  readonly now: () => number;
  readonly newId: () => string;
  /** 256 bits as URL-safe base64. */
  readonly newToken: () => string;
  /** There is one more, or one less. */
  readonly changed: () => void;
}

/**
 * The codes of this gateway. What is in memory counts: a code is taken out of there at once, so that
 * of two who show it at the same time one is too late, and used only when it is off the disk.
 */
export class SetupCodes {
  readonly #parts: SetupCodesParts;
  /** Oldest first. */
  #codes: readonly SetupCode[] = [];
  readonly #outcomes = new Map<string, SetupOutcome>();

  constructor(parts: SetupCodesParts) {
    this.#parts = parts;
  }

  /** Those that are good now. */
  get live(): readonly SetupCode[] {
    const now = this.#parts.now();
    return this.#codes.filter(({ expiresAtMs }) => now < expiresAtMs);
  }

  async load(): Promise<void> {
    this.#codes = await this.#parts.store.setupCodes();
  }

  /** The good one with this token. */
  find(token: string): SetupCode | undefined {
    const digest = tokenDigest(token);
    // By its digest: what the time tells of it is of no use to anybody.
    return this.live.find((one) => one.digest === digest);
  }

  /** Makes one; of too many the oldest goes. The token is nowhere but in what is returned. */
  async issue(access: SetupAccess): Promise<{ readonly token: string; readonly code: SetupCode }> {
    const { now, newId, newToken } = this.#parts;
    const token = newToken();
    const createdAtMs = now();
    const { roles, scopes } = PROFILES[access];
    const code: SetupCode = {
      id: newId(),
      digest: tokenDigest(token),
      access,
      roles: [...roles],
      scopes: [...scopes],
      createdAtMs,
      expiresAtMs: createdAtMs + SETUP_CODE_LIFE_MS,
    };
    await this.#keep([...this.live, code].slice(-LIMITS.maxSetupCodes));
    return { token, code };
  }

  /** False: it was used in between, or taken back. */
  async use(code: SetupCode, { deviceId, displayName }: Ask): Promise<boolean> {
    const { now } = this.#parts;
    if (!this.live.some(({ id }) => id === code.id)) return false;
    await this.#keep(this.live.filter(({ id }) => id !== code.id));
    const deviceName =
      displayName === undefined || displayName === "" ? {} : { deviceName: displayName };
    const outcome = { setupId: code.id, deviceId, ...deviceName, access: code.access, ts: now() };
    this.#outcomes.set(code.id, outcome);
    const [oldest] = this.#outcomes.keys();
    if (this.#outcomes.size > MAX_OUTCOMES && oldest !== undefined) this.#outcomes.delete(oldest);
    return true;
  }

  /** What became of a code; undefined while nobody has come by it, and some time after. */
  outcome(setupId: string): SetupOutcome | undefined {
    return this.#outcomes.get(setupId);
  }

  /** Takes one back, or all. @returns How many that were good. */
  async revoke(setupId?: string): Promise<number> {
    const { live } = this;
    const kept = live.filter(({ id }) => setupId !== undefined && id !== setupId);
    if (kept.length < live.length) await this.#keep(kept);
    return live.length - kept.length;
  }

  async #keep(codes: readonly SetupCode[]): Promise<void> {
    this.#codes = codes;
    // Told even if the disk fails: what is in memory counts.
    try {
      await this.#parts.store.setSetupCodes(codes);
    } finally {
      this.#parts.changed();
    }
  }
}
