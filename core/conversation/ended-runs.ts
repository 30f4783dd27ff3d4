import type { RunState } from "./run.ts";

/** Whoever waits for a run asks for it within this time; as many as that are few and small. */
const KEPT_MS = 10 * 60_000;
const MAX_KEPT = 1_000;

/**
 * How runs ended that no table of runs knows: turns over HTTP, of channels and of webhooks. Their
 * words are in their sessions, and not here.
 */
export class EndedRuns {
  readonly #now: () => number;
  /** Oldest first. */
  readonly #runs = new Map<string, RunState>();

  /** @param now - Unix ms. */
  constructor(now: () => number) {
    this.#now = now;
  }

  add(run: RunState): void {
    this.#runs.delete(run.id);
    this.#runs.set(run.id, { ...run, question: "", text: "", thinking: undefined });
    for (const [id, { endedAt = 0 }] of this.#runs) {
      if (this.#runs.size <= MAX_KEPT && this.#now() - endedAt < KEPT_MS) break;
      this.#runs.delete(id);
    }
  }

  find(id: string): RunState | undefined {
    const run = this.#runs.get(id);
    return run !== undefined && this.#now() - (run.endedAt ?? 0) < KEPT_MS ? run : undefined;
  }
}
