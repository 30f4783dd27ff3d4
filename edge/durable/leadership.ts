/** Which of several cores works. Pure: claims in, a verdict out. Rules: protocol.md, section 5.1. */

export type Mode = "leader" | "standby" | "shared";

/** What a core says of itself in HELLO and `PUT /lead`. */
export interface Claim {
  readonly instance: string;
  readonly mode: Mode;
  /** The storage that `epoch` counts in; empty for none. */
  readonly store: string;
  /** 0: another process has the storage. Undefined: a core that knows nothing of epochs. */
  readonly epoch: number | undefined;
}

/** The last lead this relay has seen, for as long as it exists. */
export interface Fence {
  readonly store: string;
  readonly epoch: number;
}

export type Verdict =
  /** It may work; a leader before it has to go. */
  | { readonly verdict: "works"; readonly supersedes: boolean }
  /** It stays connected and is given nothing. */
  | { readonly verdict: "waits" }
  | { readonly verdict: "refused"; readonly reason: string };

const WAITS: Verdict = { verdict: "waits" };
const WORKS: Verdict = { verdict: "works", supersedes: false };
const SUPERSEDES: Verdict = { verdict: "works", supersedes: true };

/**
 * Judges a core that wants to work.
 *
 * @param leader - The one of mode `leader` that works now and has not said that it goes.
 */
export function judge(claim: Claim, leader: Claim | undefined, fence: Fence | undefined): Verdict {
  if (claim.mode === "shared") return WORKS;
  if (claim.epoch === 0) return WAITS;
  if (isStale(claim, fence)) {
    const reason = `stale epoch ${claim.epoch}: ${fence?.epoch ?? 0} has taken over`;
    return { verdict: "refused", reason };
  }
  if (isLater(claim, leader)) return SUPERSEDES;
  if (claim.mode === "standby" || leader === undefined) return WORKS;
  if (claim.epoch === undefined || leader.epoch === undefined) return SUPERSEDES;
  if (claim.store !== leader.store) {
    const reason = "another core leads, with a store of its own; make one of them a standby";
    return { verdict: "refused", reason };
  }
  return { verdict: "refused", reason: `another core leads in epoch ${leader.epoch}` };
}

/** It has taken the storage over from the other, who may only not know it yet. */
function isLater(claim: Claim, other: Claim | undefined): boolean {
  if (claim.epoch === undefined || other?.epoch === undefined) return false;
  return claim.store === other.store && claim.epoch > other.epoch;
}

function isStale({ store, epoch }: Claim, fence: Fence | undefined): boolean {
  return epoch !== undefined && fence?.store === store && epoch < fence.epoch;
}

/** A core that could be given a request. */
export interface Candidate extends Claim {
  /** Unix ms of its connection. */
  readonly acceptedAt: number;
}

/**
 * Those that share the work, or the one that has it alone.
 *
 * @param works - Whether a core has the work now: of equals with nothing in common it keeps it.
 */
export function chooseWorkers<C extends Candidate>(
  candidates: readonly C[],
  works: (candidate: C) => boolean,
): readonly C[] {
  const alone = candidates.filter((one) => one.mode !== "shared" && one.epoch !== 0);
  const [first, ...others] = alone;
  if (first === undefined) return candidates.filter((one) => one.mode === "shared");
  return [others.reduce((best, one) => (isBetter(one, best, works) ? one : best), first)];
}

function isBetter<C extends Candidate>(a: C, b: C, works: (candidate: C) => boolean): boolean {
  if (isLater(a, b) || isLater(b, a)) return isLater(a, b);
  if (a.mode !== b.mode) return a.mode === "leader";
  // Who knows of no epochs knows of no others either: it is the same core, come back.
  if (a.epoch === undefined || b.epoch === undefined) return a.acceptedAt > b.acceptedAt;
  if (works(a) !== works(b)) return works(a);
  return a.acceptedAt < b.acceptedAt;
}

/**
 * The same one for the same key as long as it is there, and few others move when one comes or goes.
 * That is rendezvous hashing (highest random weight).
 */
export function stickTo<C extends Candidate>(workers: readonly C[], key: string): C | undefined {
  let best: C | undefined;
  let highest = -1;
  for (const worker of workers) {
    const weight = spread(`${worker.instance}\n${key}`);
    if (weight > highest) [best, highest] = [worker, weight];
  }
  return best;
}

/**
 * FNV-1a and the finish of MurmurHash3, 32 bits: without that, what texts begin with decides alone
 * which of them has the higher value, and one core would get every key.
 */
function spread(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index += 1) {
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
