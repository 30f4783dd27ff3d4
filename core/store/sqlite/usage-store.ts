import type {
  ModelCall,
  ModelCount,
  SpentCalls,
  StoredCall,
  UsageReport,
  UsageSpan,
  UsageStore,
} from "../usage.ts";
import { MAX_COUNTED_MODELS } from "../usage.ts";
import type { Run, Write } from "./session-store.ts";
import { spend } from "./sessions.ts";
import { callsOf, oldestAt, usagePart } from "./usage.ts";
import { UsageParts } from "./usage-parts.ts";

type Counting = { -readonly [Name in keyof ModelCount]: ModelCount[Name] };

/** The port, in SQL: see `usage.ts`. */
export class SqliteUsage implements UsageStore {
  readonly #run: Run;
  readonly #write: Write;
  readonly #counts = new Map<string, Counting>();

  constructor(run: Run, write: Write) {
    this.#run = run;
    this.#write = write;
  }

  async add(spent: SpentCalls): Promise<void> {
    if (spent.calls.length === 0) return;
    await this.#write(spent.calls.length, (db) => spend(db, spent));
    this.count(spent.calls);
  }

  report(span: UsageSpan): Promise<UsageReport> {
    return this.#report(span);
  }

  sessionReport(sessionId: string, span: UsageSpan): Promise<UsageReport> {
    return this.#report(span, sessionId);
  }

  calls(sessionId: string, limit: number): Promise<StoredCall[]> {
    return this.#run((db) => callsOf(db, sessionId, limit));
  }

  oldestAt(): Promise<number | undefined> {
    return this.#run(oldestAt);
  }

  counts(): readonly ModelCount[] {
    return [...this.#counts.values()];
  }

  /** In parts: turns have theirs of the store in between. */
  async #report(span: UsageSpan, sessionId?: string): Promise<UsageReport> {
    const parts = new UsageParts();
    let rest: number | undefined = span.from;
    while (rest !== undefined) {
      const from: number = rest;
      const { part, next } = await this.#run((db) => usagePart(db, { ...span, from }, sessionId));
      parts.add(part);
      rest = next;
    }
    return parts.report();
  }

  /** For those that were kept with a turn, once that is committed. */
  count(calls: readonly ModelCall[] = []): void {
    for (const { model, ok, usage, cost } of calls) {
      const one = this.#countOf(model);
      const { cacheReadTokens = 0, cacheWriteTokens = 0, reasoningTokens = 0 } = usage;
      if (ok) one.answered += 1;
      else one.failed += 1;
      one.input += Math.max(0, usage.inputTokens - cacheReadTokens - cacheWriteTokens);
      one.output += usage.outputTokens;
      one.cacheRead += cacheReadTokens;
      one.cacheWrite += cacheWriteTokens;
      one.reasoning += reasoningTokens;
      if (cost !== undefined) {
        one.costUsd += cost.input + cost.output + cost.cacheRead + cost.cacheWrite;
      }
    }
  }

  #countOf(ref: string): Counting {
    const isRoom = this.#counts.size < MAX_COUNTED_MODELS;
    const name = this.#counts.has(ref) || isRoom ? ref : "other/other";
    const known = this.#counts.get(name);
    if (known !== undefined) return known;
    const slash = name.indexOf("/");
    const made: Counting = {
      ...NOTHING,
      provider: name.slice(0, slash),
      model: name.slice(slash + 1),
    };
    this.#counts.set(name, made);
    return made;
  }
}

const NOTHING = {
  input: 0,
  output: 0,
  cacheRead: 0,
  cacheWrite: 0,
  reasoning: 0,
  answered: 0,
  failed: 0,
  costUsd: 0,
} as const;
