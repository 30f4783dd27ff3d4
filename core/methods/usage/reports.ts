import type { UsageReport, UsageSpan, UsageStore } from "../../store/usage.ts";
import type { DaySpan } from "./days.ts";

/**
 * The reports of days, one day after the other: each is a transaction of its own, and turns get
 * their part of the store in between.
 */
export async function* dailyReports(
  store: Pick<UsageStore, "report">,
  days: readonly DaySpan[],
  filter: Omit<UsageSpan, "from" | "until">,
): AsyncGenerator<{ readonly date: string; readonly report: UsageReport }> {
  for (const { date, from, until } of days) {
    const report = await store.report({ ...filter, from, until });
    if (report.sums.length > 0) yield { date, report };
  }
}
