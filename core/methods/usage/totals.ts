/** Sums of the store, in the words of the protocol. Pure. */
import { costOfTokens, type Prices } from "../../models/prices.ts";
import type { UsageSum } from "../../store/usage.ts";

/** Of `provider/model`; undefined: not known. */
export type PricesOf = (ref: string) => Prices | undefined;

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
  /** Calls whose model has no price. */
  readonly missingCostEntries: number;
  /** The same by `provider/model`; absent: there are none. */
  readonly missingCostByModel?: Readonly<Record<string, number>>;
}

export const NOTHING: CostTotals = {
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

export function refOf({ provider, model }: Pick<UsageSum, "provider" | "model">): string {
  return provider === "" ? model : `${provider}/${model}`;
}

/** What had no price when it was used costs what it would cost now. */
export function totalsOf(sum: UsageSum, pricesOf: PricesOf): CostTotals {
  const { input, output, cacheRead, cacheWrite, counted } = sum;
  const ref = refOf(sum);
  const cost = sum.cost ?? costOfTokens(sum, pricesOf(ref));
  const isMissing = cost === undefined && counted > 0;
  const parts = cost ?? { input: 0, output: 0, cacheRead: 0, cacheWrite: 0 };
  return {
    input,
    output,
    cacheRead,
    cacheWrite,
    totalTokens: input + output + cacheRead + cacheWrite,
    totalCost: parts.input + parts.output + parts.cacheRead + parts.cacheWrite,
    inputCost: parts.input,
    outputCost: parts.output,
    cacheReadCost: parts.cacheRead,
    cacheWriteCost: parts.cacheWrite,
    missingCostEntries: isMissing ? counted : 0,
    ...(isMissing ? { missingCostByModel: { [ref]: counted } } : {}),
  };
}

export function plus(a: CostTotals, b: CostTotals): CostTotals {
  const missing = missingOf(a, b);
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
    ...(missing === undefined ? {} : { missingCostByModel: missing }),
  };
}

function missingOf(a: CostTotals, b: CostTotals): Record<string, number> | undefined {
  if (b.missingCostByModel === undefined) return a.missingCostByModel;
  const missing = new Map(Object.entries(a.missingCostByModel ?? {}));
  for (const [ref, count] of Object.entries(b.missingCostByModel)) {
    missing.set(ref, (missing.get(ref) ?? 0) + count);
  }
  return Object.fromEntries(missing);
}
