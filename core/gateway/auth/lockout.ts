/** How often an address may fail before it is turned away. The defaults of the gateway contract. */
export interface LockoutPolicy {
  readonly maxAttempts: number;
  /** Failures older than this are forgotten. */
  readonly windowMs: number;
  readonly lockoutMs: number;
}

export const DEFAULT_LOCKOUT: LockoutPolicy = {
  maxAttempts: 10,
  windowMs: 60_000,
  lockoutMs: 300_000,
};

/** Addresses remembered at once: 10,000 take about 2 MB. The oldest go first. */
const MAX_ADDRESSES = 10_000;

interface Failures {
  count: number;
  /** When the window began, or when the lock-out ends. */
  firstAt: number;
  lockedUntil: number;
}

/**
 * Counts failed logins per address. Knows no clock: `now` is Unix time in milliseconds.
 *
 * An IPv6 customer owns at least a /64, so that is what counts as one address there.
 */
export class Lockout {
  readonly #policy: () => LockoutPolicy;
  readonly #failures = new Map<string, Failures>();

  /** @param policy - Or a function that is asked each time, since it may change. */
  constructor(policy: LockoutPolicy | (() => LockoutPolicy) = DEFAULT_LOCKOUT) {
    this.#policy = typeof policy === "function" ? policy : () => policy;
  }

  /** How long the address stays locked out, milliseconds; 0 when it is not. */
  lockedForMs(address: string, now: number): number {
    const entry = this.#failures.get(network(address));
    return entry === undefined ? 0 : Math.max(0, entry.lockedUntil - now);
  }

  /** Whether it has failed lately. */
  knows(address: string): boolean {
    return this.#failures.size > 0 && this.#failures.has(network(address));
  }

  /** Notes a failed attempt. */
  fail(address: string, now: number): void {
    const { windowMs, maxAttempts, lockoutMs } = this.#policy();
    const key = network(address);
    const entry = this.#failures.get(key);
    const fresh = entry === undefined || now - entry.firstAt > windowMs;
    const count = fresh ? 1 : entry.count + 1;
    const lockedUntil = count >= maxAttempts ? now + lockoutMs : 0;
    // Set anew, so that the map stays in the order of the last failure.
    this.#failures.delete(key);
    this.#failures.set(key, { count, firstAt: fresh ? now : entry.firstAt, lockedUntil });
    if (this.#failures.size > MAX_ADDRESSES) this.#forgetOldest();
  }

  /** A correct login: what went before were slips. */
  succeed(address: string): void {
    if (this.#failures.size > 0) this.#failures.delete(network(address));
  }

  #forgetOldest(): void {
    const [oldest] = this.#failures.keys();
    if (oldest !== undefined) this.#failures.delete(oldest);
  }
}

/** The /64 of an IPv6 address, an IPv4 address as it is. */
function network(address: string): string {
  if (!address.includes(":")) return address;
  const [left = "", right] = address.toLowerCase().split("::");
  const head = left === "" ? [] : left.split(":");
  const tail = right === undefined || right === "" ? [] : right.split(":");
  const zeros = right === undefined ? 0 : Math.max(0, 8 - head.length - tail.length);
  return [...head, ...Array.from({ length: zeros }, () => "0"), ...tail].slice(0, 4).join(":");
}
