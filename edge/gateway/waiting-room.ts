/** Sockets of strangers at once: each holds a first frame of 64 KiB at most. */
const MAX_WAITING = 256;
/** The same of one address: an office whose clients all come back after a restart. */
const MAX_OF_ADDRESS = 32;

/** Counts the WebSockets of this isolate that have not shown who they are. */
export class WaitingRoom {
  readonly #counts = new Map<string, number>();
  #total = 0;

  /** @returns What to call once when it leaves; undefined when there is no room for it. */
  enter(address: string): (() => void) | undefined {
    const count = this.#counts.get(address) ?? 0;
    if (this.#total >= MAX_WAITING || count >= MAX_OF_ADDRESS) return undefined;
    this.#total += 1;
    this.#counts.set(address, count + 1);
    return () => this.#leave(address);
  }

  #leave(address: string): void {
    this.#total -= 1;
    const count = (this.#counts.get(address) ?? 1) - 1;
    if (count === 0) this.#counts.delete(address);
    else this.#counts.set(address, count);
  }
}
