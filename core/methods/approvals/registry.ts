import { GatewayError } from "../../../shared/errors.ts";

/** Commands that wait for somebody's word at once. */
const MAX_PENDING = 256;
/** How long a decision is remembered for whoever asks late. */
const REMEMBER_MS = 60_000;

export const DECISIONS = ["allow-once", "allow-always", "deny"] as const;
export type ApprovalDecision = (typeof DECISIONS)[number];

/** What is to be run, as its reviewers see it. */
export interface ApprovalSubject {
  readonly command: string;
  readonly [fact: string]: unknown;
}

export interface Approval {
  readonly id: string;
  readonly request: ApprovalSubject;
  readonly allowedDecisions: readonly ApprovalDecision[];
  readonly createdAtMs: number;
  readonly expiresAtMs: number;
}

/** What came of it; null: nobody said anything in time. */
export interface Verdict {
  readonly approval: Approval;
  readonly decision: ApprovalDecision | null;
  readonly resolvedBy: string | undefined;
}

interface Pending {
  readonly approval: Approval;
  readonly timer: NodeJS.Timeout;
  readonly verdict: PromiseWithResolvers<Verdict>;
}

export interface RegistryParts {
  readonly now: () => number;
  readonly onRequested: (approval: Approval) => void;
  readonly onResolved: (verdict: Verdict, at: number) => void;
}

/** Commands that wait until somebody allows or denies them. They end with the process that asks. */
export class ApprovalRegistry {
  readonly #parts: RegistryParts;
  readonly #pending = new Map<string, Pending>();
  readonly #verdicts = new Map<string, Verdict>();

  constructor(parts: RegistryParts) {
    this.#parts = parts;
  }

  /** Oldest first. */
  get pending(): readonly Approval[] {
    return [...this.#pending.values()].map(({ approval }) => approval);
  }

  /**
   * Asks for somebody's word. The same question asked again is the same question.
   *
   * @throws GatewayError conflict for another one of that id, overloaded when too many wait.
   */
  request(approval: Approval): Approval {
    const known = this.#pending.get(approval.id)?.approval;
    if (known !== undefined) {
      if (known.request.command === approval.request.command) return known;
      throw new GatewayError("conflict", "approval id is in use");
    }
    if (this.#pending.size >= MAX_PENDING) {
      throw new GatewayError("overloaded", "Too many commands wait for approval");
    }
    const { id, expiresAtMs } = approval;
    const end = (): void => this.#end(id, null, undefined);
    const timer = setTimeout(end, Math.max(0, expiresAtMs - this.#parts.now())).unref();
    const verdict = Promise.withResolvers<Verdict>();
    this.#pending.set(id, { approval, timer, verdict });
    this.#parts.onRequested(approval);
    return approval;
  }

  find(id: string): Approval | undefined {
    return this.#pending.get(id)?.approval;
  }

  /** Undefined: nobody asked that, or too long ago. */
  verdictOf(id: string): Promise<Verdict> | Verdict | undefined {
    return this.#pending.get(id)?.verdict.promise ?? this.#verdicts.get(id);
  }

  /** False: it does not wait any more. */
  resolve(id: string, decision: ApprovalDecision, resolvedBy: string): boolean {
    if (!this.#pending.has(id)) return false;
    this.#end(id, decision, resolvedBy);
    return true;
  }

  #end(id: string, decision: ApprovalDecision | null, resolvedBy: string | undefined): void {
    const entry = this.#pending.get(id);
    if (entry === undefined) return;
    clearTimeout(entry.timer);
    this.#pending.delete(id);
    const verdict = { approval: entry.approval, decision, resolvedBy };
    this.#verdicts.set(id, verdict);
    setTimeout(() => this.#verdicts.delete(id), REMEMBER_MS).unref();
    const [oldest] = this.#verdicts.keys();
    if (this.#verdicts.size > MAX_PENDING && oldest !== undefined) this.#verdicts.delete(oldest);
    entry.verdict.resolve(verdict);
    this.#parts.onResolved(verdict, this.#parts.now());
  }
}
