/** An address that has shown nothing unknown for so long has shown nothing. */
const MEMORY_MS = 60_000;
/** Addresses remembered at once, the oldest go first: two megabytes with all they have shown. */
const MAX_ADDRESSES = 1_000;
/** Of one address: whoever shows more than these guesses. */
const MAX_EACH = 16;
/** What a core has made reaches the edge within this, where the core can reach it. */
const ARRIVING_MS = 5_000;

interface Unknown {
  readonly digest: string;
  readonly firstAt: number;
  isRefuted: boolean;
}

interface Shown {
  readonly lastAt: number;
  readonly all: readonly Unknown[];
}

/**
 * Credentials nobody knows, which may be news that has not come here yet: a device shows the one it
 * has again and again until it has, and somebody who guesses always another. Pure.
 */
export class Unknowns {
  /** In the order of `lastAt`. */
  readonly #shown = new Map<string, Shown>();

  /**
   * Remembers what an address has shown.
   *
   * @param now - Unix ms.
   * @returns Whether that is another guess: it has not shown this one lately.
   */
  note(who: string, digest: string, now: number): boolean {
    const { all } = this.#of(who, now);
    const isAnother = !all.some((one) => one.digest === digest);
    const unknown = { digest, firstAt: now, isRefuted: false };
    // Set anew, so that the map stays in its order.
    this.#shown.delete(who);
    this.#shown.set(who, {
      lastAt: now,
      all: isAnother ? [unknown, ...all].slice(0, MAX_EACH) : all,
    });
    const [oldest] = this.#shown.keys();
    if (this.#shown.size > MAX_ADDRESSES && oldest !== undefined) this.#shown.delete(oldest);
    return isAnother;
  }

  /** Whether an address has shown anything of the kind lately. */
  has(who: string, now: number): boolean {
    return this.#of(who, now).all.length > 0;
  }

  /** Whether an address has shown nothing else lately, and this not for long. */
  isFirst(who: string, digest: string, now: number): boolean {
    return this.#of(who, now).all.every((one) => {
      return one.digest === digest && now - one.firstAt < ARRIVING_MS;
    });
  }

  /** Remembers of what was noted that it was asked for in vain. */
  refute(who: string, digest: string): void {
    const unknown = this.#find(who, digest);
    if (unknown !== undefined) unknown.isRefuted = true;
  }

  /** Whether what was noted is known to be wrong. */
  isRefuted(who: string, digest: string): boolean {
    return this.#find(who, digest)?.isRefuted === true;
  }

  #find(who: string, digest: string): Unknown | undefined {
    return this.#shown.get(who)?.all.find((one) => one.digest === digest);
  }

  #of(who: string, now: number): Shown {
    const shown = this.#shown.get(who);
    return shown !== undefined && now - shown.lastAt < MEMORY_MS ? shown : NOTHING;
  }
}

const NOTHING: Shown = { lastAt: 0, all: [] };
