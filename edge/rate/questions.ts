import { type Bucket, takeToken } from "./token-bucket.ts";

/**
 * Who looked for something that is not there: each has a budget of its own. A newcomer has a setup
 * code, which was made a moment before it is shown.
 */
export type Seeker = "client" | "core" | "webhook" | "newcomer";

/**
 * Questions in vain that may be asked at once, each of which comes back in the time between two:
 * somebody who has a code does not wait because of a few who make some up.
 */
const BURST: Readonly<Record<Seeker, number>> = { client: 1, core: 1, webhook: 1, newcomer: 4 };

/** How often an isolate asks its relay for what it does not know. Pure. */
export class Questions {
  #left: Partial<Record<Seeker, Bucket>> = {};

  /**
   * Takes one if there is one.
   *
   * @param pauseMs - Between two.
   * @returns Gives it back, for a question that was not asked in vain; undefined: it is too early.
   */
  take(seeker: Seeker, pauseMs: number, now: number): (() => void) | undefined {
    const before = this.#left[seeker];
    const policy = { capacity: BURST[seeker], perSecond: 1_000 / pauseMs };
    const { allowed, bucket } = takeToken(before, policy, now);
    if (!allowed) return undefined;
    this.#left[seeker] = bucket;
    return () => {
      this.#left[seeker] = before;
    };
  }

  /** All of all. */
  refill(): void {
    this.#left = {};
  }
}
