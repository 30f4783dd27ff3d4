/** What models were asked, each time one was: when, by whom, how much it took and what it cost. */
import type { Usage } from "./message.ts";

/** US dollars, by what they are for. */
export interface Cost {
  readonly input: number;
  readonly output: number;
  readonly cacheRead: number;
  readonly cacheWrite: number;
}

/** One request to a model, answered or not. */
export interface ModelCall {
  /** When it ended, Unix ms. */
  readonly at: number;
  readonly durationMs: number;
  /** `provider/model`. */
  readonly model: string;
  readonly ok: boolean;
  readonly usage: Usage;
  /** By the prices of that moment; undefined: the model has none. */
  readonly cost: Cost | undefined;
  /** Names of the tools that the model asked for. */
  readonly tools: readonly string[];
}

/** Calls that leave nothing in a session: embeddings, summaries, turns that failed. */
export interface SpentCalls {
  readonly calls: readonly ModelCall[];
  /** Undefined: they belong to none. */
  readonly sessionKey?: string | undefined;
  readonly agentId: string;
  /** What for: the kind of a run, or `embedding` and the like. */
  readonly kind: string;
  readonly run?: string | undefined;
  /** Through which channel it was asked for. */
  readonly channel?: string | undefined;
}

/** Which calls: those that ended from `from` on and before `until`, Unix ms. */
export interface UsageSpan {
  readonly from: number;
  readonly until: number;
  readonly agentId?: string | undefined;
  /** Only those of sessions. Default: all. */
  readonly inSessions?: boolean | undefined;
}

/** Tokens apart: `input` is what was neither found in a cache nor put there. */
export interface TokenSums {
  readonly input: number;
  readonly output: number;
  readonly cacheRead: number;
  readonly cacheWrite: number;
}

/** All calls that have these things in common. */
export interface UsageSum extends TokenSums {
  readonly agentId: string;
  /** Empty: none. */
  readonly channel: string;
  readonly provider: string;
  /** The provider's own name for it. */
  readonly model: string;
  /** Unix ms at which the quarter of an hour begins that they ended in; 0: they are not told apart. */
  readonly slotAt: number;
  /** When the first and the last of them ended, Unix ms. */
  readonly firstAt: number;
  readonly lastAt: number;
  readonly calls: number;
  /** Calls that were answered. */
  readonly answered: number;
  /** Calls that took any tokens. */
  readonly counted: number;
  /** Things that people said, to which they belong. */
  readonly questions: number;
  readonly toolCalls: number;
  /** Undefined: the models had no price. */
  readonly cost: Cost | undefined;
  /** Answered ones of which is known how long they took; together, and the extremes. */
  readonly timed: number;
  readonly durationMs: number;
  readonly minMs: number;
  readonly maxMs: number;
}

export interface UsageReport {
  readonly sums: readonly UsageSum[];
  /** How often each tool was asked for, the most frequent first; at most `MAX_TOOLS_TOLD`. */
  readonly tools: readonly { readonly name: string; readonly count: number }[];
  /** What 95 of 100 answers took at most, to three digits; undefined: there was none. */
  readonly p95Ms: number | undefined;
}

export const MAX_TOOLS_TOLD = 100;

/** One call as it is kept. */
export interface StoredCall extends TokenSums {
  readonly at: number;
  readonly run: string;
  readonly provider: string;
  readonly model: string;
  readonly ok: boolean;
  readonly reasoning: number;
  readonly cost: Cost | undefined;
  readonly durationMs: number;
}

/** What a model was asked for since the store was opened. */
export interface ModelCount extends TokenSums {
  readonly provider: string;
  readonly model: string;
  readonly answered: number;
  readonly failed: number;
  readonly reasoning: number;
  /** US dollars, as far as it has a price. */
  readonly costUsd: number;
}

/** Each method is one transaction, as in `Store`. What a turn used is kept with its session's entry. */
export interface UsageStore {
  add(spent: SpentCalls): Promise<void>;
  /** Sums by agent, channel and model. */
  report(span: UsageSpan): Promise<UsageReport>;
  /** The same for one session, by the quarter of an hour as well, oldest first. */
  sessionReport(sessionId: string, span: UsageSpan): Promise<UsageReport>;
  /** The newest calls of a session, oldest first. */
  calls(sessionId: string, limit: number): Promise<StoredCall[]>;
  /** When the oldest call that is kept ended; undefined: there is none. */
  oldestAt(): Promise<number | undefined>;
  /** Models of any number: those above `MAX_COUNTED_MODELS` are counted as one, called `other`. */
  counts(): readonly ModelCount[];
}

export const MAX_COUNTED_MODELS = 200;
