/** What was used and what it has cost, for people. Pure. */
import * as z from "zod";
import { printable } from "./printable.ts";

const Totals = z.object({
  totalTokens: z.number(),
  totalCost: z.number(),
  missingCostEntries: z.number().default(0),
  missingCostByModel: z.record(z.string(), z.number()).optional(),
});

/** What `usage.cost` answers. */
export const UsageCost = z.looseObject({
  days: z.number(),
  totals: Totals,
  daily: z.array(Totals.extend({ date: z.string() })),
});

export function usageLines({ days, totals, daily }: z.output<typeof UsageCost>): string[] {
  const latest = daily.at(-1);
  return [
    `Usage cost (${days} ${days === 1 ? "day" : "days"})`,
    `Total: ${sumOf(totals)}`,
    ...(totals.missingCostEntries > 0 ? [`Missing cost: ${missingOf(totals)}`] : []),
    ...(latest === undefined ? [] : [`Latest day: ${latest.date} · ${sumOf(latest)}`]),
  ];
}

function sumOf({ totalCost, totalTokens }: z.output<typeof Totals>): string {
  return `${dollars(totalCost)} · ${tokens(totalTokens)} tokens`;
}

/** Models of which nobody has said what they cost. */
function missingOf({ missingCostEntries, missingCostByModel }: z.output<typeof Totals>): string {
  const byModel = Object.entries(missingCostByModel ?? {})
    .toSorted(([, a], [, b]) => b - a)
    .map(([ref, count]) => `${printable(ref, 128)} ${count}`);
  return byModel.length === 0
    ? String(missingCostEntries)
    : `${missingCostEntries} (${byModel.join(", ")})`;
}

/** Cents are enough, but for sums that would be none. */
function dollars(usd: number): string {
  return usd > 0 && usd < 0.01 ? `$${usd.toFixed(4)}` : `$${usd.toFixed(2)}`;
}

function tokens(count: number): string {
  if (count >= 999_950) return `${(count / 1_000_000).toFixed(1)}m`;
  return count >= 1_000 ? `${(count / 1_000).toFixed(1)}k` : String(count);
}
