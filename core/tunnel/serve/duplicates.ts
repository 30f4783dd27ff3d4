/** A request that is sent a second time comes within this: edges give up on a relay far sooner. */
const MEMORY_MS = 60_000;
const MAX_REMEMBERED = 4_096;

/**
 * The requests begun of late. An edge that loses its relay in the middle of a request sends it
 * again through another one, and marks that; here it shows whether anything was begun.
 *
 * Two generations, each of half the memory: an id is forgotten after one to two halves.
 */
export class Duplicates {
  #young = new Set<string>();
  #old = new Set<string>();
  #turnAt = 0;

  /** @param now - Milliseconds of a steady clock. */
  begin(requestId: string, now: number): void {
    if (now >= this.#turnAt || this.#young.size >= MAX_REMEMBERED / 2) {
      // A pause longer than both halves: what is young is as old as the rest.
      this.#old = now >= this.#turnAt + MEMORY_MS ? new Set() : this.#young;
      this.#young = new Set();
      this.#turnAt = now + MEMORY_MS;
    }
    this.#young.add(requestId);
  }

  /** True when it was begun within the last minute, or two. */
  has(requestId: string): boolean {
    return this.#young.has(requestId) || this.#old.has(requestId);
  }
}
