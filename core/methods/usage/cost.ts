/** What sessions have cost, by the prices of the config. Pure. */
import type { ProviderModel } from "../../config/sections/models.ts";

/** What a session has used in all its time. */
export interface SessionUsage {
  readonly inputTokens: number;
  readonly outputTokens: number;
  /** Of its newest turn, Unix ms. */
  readonly updatedAt: number;
  /** Of its newest turn: all of a session counts as its. */
  readonly model: string | undefined;
}

export interface CostTotals {
  readonly input: number;
  readonly output: number;
  readonly cacheRead: number;
  readonly cacheWrite: number;
  readonly totalTokens: number;
  /** US dollars. */
  readonly totalCost: number;
  readonly inputCost: number;
  readonly outputCost: number;
  readonly cacheReadCost: number;
  readonly cacheWriteCost: number;
  /** Sessions whose model has no price. */
  readonly missingCostEntries: number;
}

const NOTHING: CostTotals = {
  input: 0,
  output: 0,
  cacheRead: 0,
  cacheWrite: 0,
  totalTokens: 0,
  totalCost: 0,
  inputCost: 0,
  outputCost: 0,
  cacheReadCost: 0,
  cacheWriteCost: 0,
  missingCostEntries: 0,
};

type Prices = ProviderModel["cost"];
const TOKENS_PER_PRICE = 1_000_000;

/** In all, and by the day (UTC) of the newest turn of each session. */
export function costOf(
  sessions: readonly SessionUsage[],
  pricesOf: (model: string) => Prices,
): { totals: CostTotals; daily: readonly (CostTotals & { readonly date: string })[] } {
  const days = new Map<string, CostTotals>();
  let totals = NOTHING;
  for (const session of sessions) {
    const one = costOfOne(session, pricesOf);
    const date = new Date(session.updatedAt).toISOString().slice(0, 10);
    days.set(date, sum(days.get(date) ?? NOTHING, one));
    totals = sum(totals, one);
  }
  const daily = [...days].toSorted(([a], [b]) => a.localeCompare(b));
  return { totals, daily: daily.map(([date, day]) => ({ date, ...day })) };
}

function costOfOne(session: SessionUsage, pricesOf: (model: string) => Prices): CostTotals {
  const { inputTokens: input, outputTokens: output, model } = session;
  const prices = model === undefined ? undefined : pricesOf(model);
  const inputCost = (input * (prices?.input ?? 0)) / TOKENS_PER_PRICE;
  const outputCost = (output * (prices?.output ?? 0)) / TOKENS_PER_PRICE;
  const isUnpriced = prices?.input === undefined || prices.output === undefined;
  return {
    ...NOTHING,
    input,
    output,
    totalTokens: input + output,
    inputCost,
    outputCost,
    totalCost: inputCost + outputCost,
    missingCostEntries: isUnpriced && input + output > 0 ? 1 : 0,
  };
}

function sum(a: CostTotals, b: CostTotals): CostTotals {
  return {
    input: a.input + b.input,
    output: a.output + b.output,
    cacheRead: a.cacheRead + b.cacheRead,
    cacheWrite: a.cacheWrite + b.cacheWrite,
    totalTokens: a.totalTokens + b.totalTokens,
    totalCost: a.totalCost + b.totalCost,
    inputCost: a.inputCost + b.inputCost,
    outputCost: a.outputCost + b.outputCost,
    cacheReadCost: a.cacheReadCost + b.cacheReadCost,
    cacheWriteCost: a.cacheWriteCost + b.cacheWriteCost,
    missingCostEntries: a.missingCostEntries + b.missingCostEntries,
  };
}
