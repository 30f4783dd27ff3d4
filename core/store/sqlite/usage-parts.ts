/** Parts of a report, each of so few calls that nobody waits for it, and the whole. */
import type { UsageReport, UsageSum } from "../usage.ts";
import { MAX_TOOLS_TOLD } from "../usage.ts";

export interface UsagePart {
  readonly sums: readonly UsageSum[];
  /** How often each tool was asked for. */
  readonly tools: ReadonlyMap<string, number>;
  /** How many answers took so many milliseconds, of which three digits are told. */
  readonly durations: ReadonlyMap<number, number>;
}

/** What 95 of 100 took at most. */
const USUAL = 0.95;

/** Adds up the parts of a report. */
export class UsageParts {
  readonly #sums = new Map<string, UsageSum>();
  readonly #tools = new Map<string, number>();
  readonly #durations = new Map<number, number>();

  add({ sums, tools, durations }: UsagePart): void {
    for (const sum of sums) {
      const kind = JSON.stringify(placeOf(sum));
      const before = this.#sums.get(kind);
      this.#sums.set(kind, before === undefined ? sum : together(before, sum));
    }
    for (const [name, count] of tools) increase(this.#tools, name, count);
    for (const [ms, count] of durations) increase(this.#durations, ms, count);
  }

  report(): UsageReport {
    return {
      sums: [...this.#sums.values()].toSorted(byPlace),
      tools: [...this.#tools]
        .map(([name, count]) => ({ name, count }))
        .toSorted((a, b) => b.count - a.count || a.name.localeCompare(b.name))
        .slice(0, MAX_TOOLS_TOLD),
      p95Ms: usualMs(this.#durations),
    };
  }
}

/** What makes two sums of one kind; in this order they are told. */
function placeOf({ slotAt, agentId, channel, provider, model, cost }: UsageSum) {
  return [slotAt, agentId, channel, provider, model, cost === undefined ? 1 : 0] as const;
}

function byPlace(one: UsageSum, other: UsageSum): number {
  const theirs = placeOf(other);
  for (const [index, mine] of placeOf(one).entries()) {
    const its = theirs[index] ?? mine;
    if (mine !== its) return mine < its ? -1 : 1;
  }
  return 0;
}

function together(a: UsageSum, b: UsageSum): UsageSum {
  return {
    ...a,
    firstAt: Math.min(a.firstAt, b.firstAt),
    lastAt: Math.max(a.lastAt, b.lastAt),
    calls: a.calls + b.calls,
    answered: a.answered + b.answered,
    counted: a.counted + b.counted,
    questions: a.questions + b.questions,
    toolCalls: a.toolCalls + b.toolCalls,
    input: a.input + b.input,
    output: a.output + b.output,
    cacheRead: a.cacheRead + b.cacheRead,
    cacheWrite: a.cacheWrite + b.cacheWrite,
    cost: a.cost && b.cost && costTogether(a.cost, b.cost),
    timed: a.timed + b.timed,
    durationMs: a.durationMs + b.durationMs,
    // 0 where none was timed.
    minMs: a.timed === 0 || b.timed === 0 ? a.minMs + b.minMs : Math.min(a.minMs, b.minMs),
    maxMs: Math.max(a.maxMs, b.maxMs),
  };
}

type Cost = NonNullable<UsageSum["cost"]>;

function costTogether(a: Cost, b: Cost): Cost {
  return {
    input: a.input + b.input,
    output: a.output + b.output,
    cacheRead: a.cacheRead + b.cacheRead,
    cacheWrite: a.cacheWrite + b.cacheWrite,
  };
}

function increase<K>(counts: Map<K, number>, key: K, by: number): void {
  counts.set(key, (counts.get(key) ?? 0) + by);
}

function usualMs(durations: ReadonlyMap<number, number>): number | undefined {
  const total = durations.values().reduce((sum, count) => sum + count, 0);
  let left = Math.ceil(total * USUAL);
  for (const [ms, count] of [...durations].toSorted(([a], [b]) => a - b)) {
    left -= count;
    if (left <= 0) return ms;
  }
  return undefined;
}
