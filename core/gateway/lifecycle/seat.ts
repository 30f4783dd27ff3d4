import type { EdgeBundle } from "../../../shared/edge-bundle.ts";
import type { TunnelHandlers } from "../../tunnel/handlers.ts";
import type { Leader } from "./leader.ts";
import type { LocalHandlers } from "../port/serve.ts";

/** Whoever leads, as those see it who bring it work. */
export type Sitting = Pick<Leader, "local" | "remote" | "isWork">;

/**
 * The place of whoever leads, for those who bring it work. While nobody sits there what comes waits:
 * a restart within the process is over in milliseconds.
 */
export class Seat {
  #leader: Sitting | undefined;
  /** Who sat here before: what the edge knows is right until the next one says otherwise. */
  #last: Sitting | undefined;
  #next = Promise.withResolvers<Sitting>();
  /** While it is there, work waits and everything else does not. */
  #held: PromiseWithResolvers<void> | undefined;

  /** @param bundle - What the edge must know before anybody leads. */
  constructor(bundle: () => EdgeBundle) {
    const remote = async (): Promise<TunnelHandlers> => (await this.#sitting()).remote;
    this.remote = {
      fetch: async (request, caller) => (await this.#for(request)).remote.fetch(request, caller),
      upgrade: async (request, caller) => (await remote()).upgrade(request, caller),
      reattach: async (request, caller, kept) => (await remote()).reattach(request, caller, kept),
      deliver: async (delivery) => (await remote()).deliver(delivery),
      bundle: () => (this.#leader ?? this.#last)?.remote.bundle() ?? bundle(),
    };
  }

  /** For the edge. */
  readonly remote: TunnelHandlers;

  /** For our own port. */
  readonly local: LocalHandlers = {
    fetch: (request, peer) =>
      this.#leader === undefined || this.#waits(this.#leader, request)
        ? this.#for(request).then(({ local }) => local.fetch(request, peer))
        : this.#leader.local.fetch(request, peer),
    upgrade: (request, peer) =>
      this.#leader === undefined
        ? this.#next.promise.then(({ local }) => local.upgrade(request, peer))
        : this.#leader.local.upgrade(request, peer),
  };

  take(leader: Sitting): void {
    this.#leader = leader;
    this.#next.resolve(leader);
    this.release();
  }

  /** From now on work waits for `release`, or for the next `take`. */
  hold(): void {
    this.#held ??= Promise.withResolvers();
  }

  release(): void {
    this.#held?.resolve();
    this.#held = undefined;
  }

  /** From now on what comes waits for the next `take`. */
  vacate(): void {
    if (this.#leader === undefined) return;
    this.#last = this.#leader;
    this.#leader = undefined;
    this.#next = Promise.withResolvers();
  }

  #waits(leader: Sitting, request: Request): boolean {
    return this.#held !== undefined && leader.isWork(request);
  }

  /** Who answers this request, once somebody may. */
  async #for(request: Request): Promise<Sitting> {
    for (;;) {
      const leader = await this.#sitting();
      if (this.#held === undefined || !leader.isWork(request)) return leader;
      await this.#held.promise;
    }
  }

  #sitting(): Sitting | Promise<Sitting> {
    return this.#leader ?? this.#next.promise;
  }
}
