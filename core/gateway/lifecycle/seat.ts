import type { EdgeBundle } from "../../../shared/edge-bundle.ts";
import type { TunnelHandlers } from "../../tunnel/handlers.ts";
import type { Leader } from "./leader.ts";
import type { LocalHandlers } from "../port/serve.ts";

/**
 * The place of whoever leads, for those who bring it work. While nobody sits there what comes waits:
 * a restart within the process is over in milliseconds.
 */
export class Seat {
  #leader: Pick<Leader, "local" | "remote"> | undefined;
  /** Who sat here before: what the edge knows is right until the next one says otherwise. */
  #last: Pick<Leader, "local" | "remote"> | undefined;
  #next = Promise.withResolvers<Pick<Leader, "local" | "remote">>();

  /** @param bundle - What the edge must know before anybody leads. */
  constructor(bundle: () => EdgeBundle) {
    const remote = async (): Promise<TunnelHandlers> => (await this.#sitting()).remote;
    this.remote = {
      fetch: async (request, caller) => (await remote()).fetch(request, caller),
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
      this.#leader === undefined
        ? this.#next.promise.then(({ local }) => local.fetch(request, peer))
        : this.#leader.local.fetch(request, peer),
    upgrade: (request, peer) =>
      this.#leader === undefined
        ? this.#next.promise.then(({ local }) => local.upgrade(request, peer))
        : this.#leader.local.upgrade(request, peer),
  };

  take(leader: Pick<Leader, "local" | "remote">): void {
    this.#leader = leader;
    this.#next.resolve(leader);
  }

  /** From now on what comes waits for the next `take`. */
  vacate(): void {
    if (this.#leader === undefined) return;
    this.#last = this.#leader;
    this.#leader = undefined;
    this.#next = Promise.withResolvers();
  }

  #sitting(): Pick<Leader, "local" | "remote"> | Promise<Pick<Leader, "local" | "remote">> {
    return this.#leader ?? this.#next.promise;
  }
}
