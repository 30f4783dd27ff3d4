/** A gateway that takes no new work, so that its machine can be put to sleep or moved. */
import { randomUUID } from "node:crypto";
import { GatewayError } from "../../../shared/errors.ts";

/** A suspension nobody comes back to ends by itself. */
const LASTS_MS = 10 * 60_000;
/** Work under way is looked at again this much later. */
const RETRY_MS = 1_000;

export type SuspensionPhase = "accepting" | "draining" | "prepared";

export interface Blocker {
  readonly kind: "chat-run" | "cron-run" | "root-request";
  readonly count: number;
  readonly message: string;
}

/** What is under way, and would be lost or late; what only waits is on disk, and waits. */
export interface ActiveWork {
  readonly runs: number;
}

export class Suspension {
  readonly #active: () => ActiveWork;
  readonly #now: () => number;
  #current:
    | { readonly id: string; readonly requestId: string; readonly endsAt: number }
    | undefined;

  constructor(active: () => ActiveWork, now: () => number) {
    this.#active = active;
    this.#now = now;
  }

  get phase(): SuspensionPhase {
    if (this.#held() === undefined) return "accepting";
    return this.blockers().length === 0 ? "prepared" : "draining";
  }

  /** False while no work is taken, and none that waits is begun. */
  get isOpen(): boolean {
    return this.#held() === undefined;
  }

  /** @throws GatewayError core_draining while no work is taken. */
  admit(): void {
    if (this.#held() === undefined) return;
    throw new GatewayError("core_draining", "The gateway is suspended and takes no new work", {
      retryAfterMs: RETRY_MS,
    });
  }

  blockers(): readonly Blocker[] {
    const { runs } = this.#active();
    if (runs === 0) return [];
    return [{ kind: "chat-run", count: runs, message: `${runs} run(s) under way` }];
  }

  /**
   * Takes no new work from now on, if there is none or `drain` says not to mind.
   *
   * @param requestId - The same one again asks how it goes.
   */
  prepare(requestId: string, drain: boolean): object {
    const blockers = this.blockers();
    const held = this.#held();
    const busy = { retryAfterMs: RETRY_MS, activeCount: countOf(blockers), blockers };
    if (held !== undefined && held.requestId !== requestId) {
      return { status: "busy", reason: "gateway-draining", ...busy };
    }
    if (held === undefined && blockers.length > 0 && !drain) {
      return { status: "busy", reason: "active-work", ...busy };
    }
    this.#current ??= { id: randomUUID(), requestId, endsAt: this.#now() + LASTS_MS };
    const { id: suspensionId, endsAt: expiresAtMs } = this.#current;
    if (blockers.length > 0) return { status: "draining", suspensionId, expiresAtMs, ...busy };
    return { status: "ready", suspensionId, expiresAtMs, activeCount: 0, blockers };
  }

  status(id: string): object {
    const held = this.#held();
    if (held?.id !== id) return { status: "running" };
    const { endsAt: expiresAtMs } = held;
    const blockers = this.blockers();
    if (blockers.length === 0) return { status: "ready", expiresAtMs };
    const activeCount = countOf(blockers);
    return { status: "draining", expiresAtMs, retryAfterMs: RETRY_MS, activeCount, blockers };
  }

  resume(id: string): object {
    const resumed = this.#held()?.id === id;
    if (resumed) this.#current = undefined;
    return { ok: true, status: "running", resumed };
  }

  #held():
    | { readonly id: string; readonly requestId: string; readonly endsAt: number }
    | undefined {
    if (this.#current !== undefined && this.#current.endsAt <= this.#now()) {
      this.#current = undefined;
    }
    return this.#current;
  }
}

function countOf(blockers: readonly Blocker[]): number {
  return blockers.reduce((sum, { count }) => sum + count, 0);
}
