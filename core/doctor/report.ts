import { CHECKS, type CheckId, type Finding, oneLine, type Verdict } from "./verdicts/finding.ts";

/** The findings of one examination, told one by one as they come. */
export class Report {
  readonly #findings: Finding[] = [];
  readonly #tell: (finding: Finding) => void;

  constructor(tell: (finding: Finding) => void) {
    this.#tell = tell;
  }

  get findings(): readonly Finding[] {
    return this.#findings;
  }

  /** True unless something failed: warnings stop nobody. */
  get isWell(): boolean {
    return !this.#findings.some(({ status }) => status === "failed");
  }

  /** @param ms - How long the check took; left out for one that asks nobody. */
  add(id: CheckId, verdict: Verdict, ms?: number): Verdict {
    const fix = verdict.status === "ok" ? null : oneLine(verdict.fix);
    this.#keep({
      id,
      layer: CHECKS[id],
      status: verdict.status,
      // Peers and files have a say in it.
      detail: oneLine(verdict.detail),
      fix,
      ms: ms === undefined ? null : Math.round(ms),
    });
    return verdict;
  }

  /** What makes no sense, and why: a clause that follows "because". */
  skip(ids: readonly CheckId[], because: string): void {
    for (const id of ids) {
      const detail = oneLine(because);
      this.#keep({ id, layer: CHECKS[id], status: "skipped", detail, fix: null, ms: null });
    }
  }

  hasFailed(id: CheckId): boolean {
    return this.#findings.some((finding) => finding.id === id && finding.status === "failed");
  }

  #keep(finding: Finding): void {
    this.#findings.push(finding);
    this.#tell(finding);
  }
}

/** Runs a probe and takes its time. */
export async function timed<T>(
  probe: () => Promise<T>,
): Promise<{ readonly value: T; readonly ms: number }> {
  const startedAt = performance.now();
  const value = await probe();
  return { value, ms: performance.now() - startedAt };
}
