/** A gateway that takes no new work, so that its machine can be put to sleep, moved or updated. */
import { randomUUID } from "node:crypto";
import * as z from "zod";
import { GatewayError } from "../../../shared/errors.ts";
import type { Store } from "../../store/store.ts";
import { MethodError } from "../method.ts";

/** A suspension nobody comes back to ends by itself. */
const LASTS_MS = 10 * 60_000;
/** Work under way is looked at again this much later. */
const RETRY_MS = 1_000;
/** Where it is kept: whoever leads next goes on with it. */
const KEPT_UNDER = "suspension";

export type SuspensionPhase = "accepting" | "draining" | "prepared";

export interface Blocker {
  readonly kind: "chat-run" | "cron-run" | "root-request";
  readonly count: number;
  readonly message: string;
}

/** What we wrote earlier, perhaps in an earlier version. */
const Held = z.object({ id: z.string(), requestId: z.string(), endsAt: z.number() });
type Held = z.output<typeof Held>;

type Shelf = Pick<Store, "get" | "set">;

/** One for the whole process, and kept for the one after it until it is over. */
export class Suspension {
  readonly #now: () => number;
  readonly #tell: (phase: SuspensionPhase) => void;
  #blockers: () => readonly Blocker[] = () => [];
  #shelf: Shelf | undefined;
  #current: Held | undefined;
  #told: SuspensionPhase = "accepting";
  #expiry: NodeJS.Timeout | undefined;

  /**
   * @param now - Unix ms.
   * @param tell - Hears of every change of the phase.
   */
  constructor(now: () => number, tell: (phase: SuspensionPhase) => void = () => undefined) {
    this.#now = now;
    this.#tell = tell;
  }

  /** Goes on with what an earlier process was told, and keeps what is told from now on. */
  async recall(shelf: Shelf): Promise<void> {
    this.#shelf = shelf;
    const text = (await shelf.get(KEPT_UNDER)) ?? "";
    if (text === "") return;
    const held = Held.safeParse(JSON.parse(text));
    if (!held.success || held.data.endsAt <= this.#now()) return;
    // By a clock that was ahead and has been set right it would last until then.
    const endsAt = Math.min(held.data.endsAt, this.#now() + LASTS_MS);
    this.#hold({ ...held.data, endsAt });
  }

  /** @param blockers - What is under way from now on, and would be lost or late. */
  lookAt(blockers: () => readonly Blocker[]): void {
    this.#blockers = blockers;
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
    return this.#blockers();
  }

  /**
   * Takes no new work from now on, if there is none or `drain` says not to mind.
   *
   * @param requestId - The same one again asks how it goes, and has it last as long anew.
   * @throws GatewayError when it cannot be kept.
   */
  async prepare(requestId: string, drain: boolean): Promise<object> {
    const blockers = this.blockers();
    const held = this.#held();
    const busy = { retryAfterMs: RETRY_MS, activeCount: countOf(blockers), blockers };
    if (held !== undefined && held.requestId !== requestId) {
      return { status: "busy", reason: "gateway-draining", ...busy };
    }
    if (held === undefined && blockers.length > 0 && !drain) {
      return { status: "busy", reason: "active-work", ...busy };
    }
    const { id: suspensionId, endsAt: expiresAtMs } = await this.#renew(
      held ?? { id: randomUUID(), requestId, endsAt: 0 },
    );
    if (blockers.length > 0) return { status: "draining", suspensionId, expiresAtMs, ...busy };
    return { status: "ready", suspensionId, expiresAtMs, activeCount: 0, blockers };
  }

  /** @throws MethodError UNAVAILABLE when another one is held. */
  status(id: string): object {
    const held = this.#held();
    if (held === undefined) return { status: "running" };
    if (held.id !== id) throw conflict(held);
    this.#changed();
    const { endsAt: expiresAtMs } = held;
    const blockers = this.blockers();
    if (blockers.length === 0) return { status: "ready", expiresAtMs };
    const activeCount = countOf(blockers);
    return { status: "draining", expiresAtMs, retryAfterMs: RETRY_MS, activeCount, blockers };
  }

  /** @throws MethodError INVALID_REQUEST when another one is held. */
  async resume(id: string): Promise<object> {
    const held = this.#held();
    if (held === undefined) return { ok: true, status: "running", resumed: false };
    if (held.id !== id) throw mismatch();
    await this.#shelf?.set(KEPT_UNDER, "");
    this.#release();
    return { ok: true, status: "running", resumed: true };
  }

  /**
   * For the process after this one: it goes on suspended, for the whole time anew, until it is told
   * to take work.
   *
   * @throws MethodError UNAVAILABLE while work is under way, which would be cut off.
   */
  async handOff(id: string): Promise<object> {
    const held = this.#held();
    if (held?.id !== id) throw mismatch();
    const blockers = this.blockers();
    if (blockers.length > 0) {
      const message = "gateway suspension is still draining";
      throw new MethodError("UNAVAILABLE", message, { blockers, retryAfterMs: RETRY_MS });
    }
    const { endsAt: expiresAtMs } = await this.#renew(held);
    return { status: "armed", suspensionId: id, expiresAtMs };
  }

  /** Kept before anybody hears of it: it holds also when the process ends right after. */
  async #renew(held: Held): Promise<Held> {
    const renewed = { ...held, endsAt: this.#now() + LASTS_MS };
    // At once, or work that comes meanwhile is begun.
    const before = this.#current;
    this.#hold(renewed);
    try {
      await this.#shelf?.set(KEPT_UNDER, JSON.stringify(renewed));
    } catch (error) {
      if (before === undefined) this.#release();
      throw error;
    }
    return renewed;
  }

  #hold(held: Held): void {
    this.#current = held;
    clearTimeout(this.#expiry);
    this.#expiry = setTimeout(() => this.#held(), held.endsAt - this.#now()).unref();
    this.#changed();
  }

  #release(): void {
    this.#current = undefined;
    clearTimeout(this.#expiry);
    this.#changed();
  }

  #held(): Held | undefined {
    if (this.#current !== undefined && this.#current.endsAt <= this.#now()) this.#release();
    return this.#current;
  }

  #changed(): void {
    const isHeld = this.#current !== undefined;
    const blocked = isHeld && this.blockers().length > 0;
    const phase = !isHeld ? "accepting" : blocked ? "draining" : "prepared";
    if (phase === this.#told) return;
    this.#told = phase;
    this.#tell(phase);
  }
}

function conflict({ endsAt: expiresAtMs }: Held): MethodError {
  return new MethodError("UNAVAILABLE", "a different gateway suspension is prepared", {
    reason: "gateway-suspension-conflict",
    expiresAtMs,
  });
}

function mismatch(): MethodError {
  return new MethodError("INVALID_REQUEST", "gateway suspension id does not match");
}

function countOf(blockers: readonly Blocker[]): number {
  return blockers.reduce((sum, { count }) => sum + count, 0);
}
