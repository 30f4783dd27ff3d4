/** What sums of the store come to, by the day, the model and whatever else people ask. Pure. */
import type { UsageReport, UsageSum } from "../../store/usage.ts";
import { type CostTotals, NOTHING, plus, type PricesOf, refOf, totalsOf } from "./totals.ts";

/** What was said, as far as models were asked for it. */
export interface MessageCounts {
  readonly total: number;
  readonly user: number;
  readonly assistant: number;
  readonly toolCalls: number;
  readonly toolResults: number;
  /** Requests to models that failed. */
  readonly errors: number;
}

const NO_MESSAGES: MessageCounts = {
  total: 0,
  user: 0,
  assistant: 0,
  toolCalls: 0,
  toolResults: 0,
  errors: 0,
};

interface Latency {
  readonly count: number;
  readonly sum: number;
  readonly minMs: number;
  readonly maxMs: number;
  readonly p95Ms: number;
}

const NO_LATENCY: Latency = { count: 0, sum: 0, minMs: 0, maxMs: 0, p95Ms: 0 };

interface Day {
  readonly totals: CostTotals;
  readonly messages: MessageCounts;
  readonly latency: Latency;
}

const NO_DAY: Day = { totals: NOTHING, messages: NO_MESSAGES, latency: NO_LATENCY };

interface OfModel {
  readonly provider: string;
  readonly model: string | undefined;
  readonly count: number;
  readonly totals: CostTotals;
}

/** Takes the reports of days one after the other. */
export class UsageAggregate {
  readonly #pricesOf: PricesOf;
  readonly #days = new Map<string, Day>();
  readonly #models = new Map<string, OfModel>();
  readonly #providers = new Map<string, OfModel>();
  readonly #modelDays = new Map<string, OfModel & { readonly date: string }>();
  readonly #agents = new Map<string, CostTotals>();
  readonly #channels = new Map<string, CostTotals>();
  readonly #tools = new Map<string, number>();

  constructor(pricesOf: PricesOf) {
    this.#pricesOf = pricesOf;
  }

  add(date: string, { sums, tools, p95Ms = 0 }: UsageReport): void {
    for (const sum of sums) this.#addSum(date, sum, p95Ms);
    for (const { name, count } of tools) {
      this.#tools.set(name, (this.#tools.get(name) ?? 0) + count);
    }
  }

  get totals(): CostTotals {
    return [...this.#days.values()].reduce((sum, { totals }) => plus(sum, totals), NOTHING);
  }

  /** Days on which something was used, oldest first. */
  get daily(): (CostTotals & { readonly date: string })[] {
    return this.#dated().map(([date, { totals }]) => ({ date, ...totals }));
  }

  get messages(): MessageCounts {
    return [...this.#days.values()].reduce((sum, { messages }) => said(sum, messages), NO_MESSAGES);
  }

  /** By the day: what was said, and how long answers took. */
  get dailyMessages(): (MessageCounts & { readonly date: string })[] {
    return this.#dated().map(([date, { messages }]) => ({ date, ...messages }));
  }

  get dailyLatency(): object[] {
    return this.#dated().flatMap(([date, { latency }]) =>
      latency.count === 0 ? [] : [{ date, ...shown(latency) }],
    );
  }

  /** Of all days together; the slowest day's 95 of 100 stand for all. Undefined: no answer at all. */
  get latency(): object | undefined {
    const all = [...this.#days.values()].reduce((sum, one) => slower(sum, one.latency), NO_LATENCY);
    return all.count === 0 ? undefined : shown(all);
  }

  get byModel(): OfModel[] {
    return [...this.#models.values()].toSorted(byCost);
  }

  get byProvider(): OfModel[] {
    return [...this.#providers.values()].toSorted(byCost);
  }

  get byAgent(): object[] {
    return grouped(this.#agents).map(([agentId, totals]) => ({ agentId, totals }));
  }

  get byChannel(): object[] {
    return grouped(this.#channels).map(([channel, totals]) => ({ channel, totals }));
  }

  get modelDaily(): object[] {
    return [...this.#modelDays.values()]
      .toSorted((a, b) => a.date.localeCompare(b.date) || byCost(a, b))
      .map(({ date, provider, model, count, totals }) => {
        return { date, provider, model, tokens: totals.totalTokens, cost: totals.totalCost, count };
      });
  }

  get tools(): object {
    const tools = [...this.#tools].map(([name, count]) => ({ name, count }));
    tools.sort((a, b) => b.count - a.count || a.name.localeCompare(b.name));
    return { totalCalls: this.messages.toolCalls, uniqueTools: tools.length, tools };
  }

  #addSum(date: string, sum: UsageSum, p95Ms: number): void {
    const totals = totalsOf(sum, this.#pricesOf);
    const day = this.#days.get(date) ?? NO_DAY;
    this.#days.set(date, {
      totals: plus(day.totals, totals),
      messages: said(day.messages, messagesOf(sum)),
      latency: slower(day.latency, latencyOf(sum, p95Ms)),
    });
    const { provider, model, agentId, channel, calls: count } = sum;
    const one = { provider, model, count, totals };
    put(this.#models, refOf(sum), one);
    put(this.#providers, provider, { ...one, model: undefined });
    put(this.#modelDays, `${date} ${refOf(sum)}`, { ...one, date });
    this.#agents.set(agentId, plus(this.#agents.get(agentId) ?? NOTHING, totals));
    if (channel === "") return;
    this.#channels.set(channel, plus(this.#channels.get(channel) ?? NOTHING, totals));
  }

  #dated(): [string, Day][] {
    return [...this.#days].toSorted(([a], [b]) => a.localeCompare(b));
  }
}

function put<T extends OfModel>(into: Map<string, T>, key: string, one: T): void {
  const { count = 0, totals = NOTHING } = into.get(key) ?? {};
  into.set(key, { ...one, count: count + one.count, totals: plus(totals, one.totals) });
}

function grouped(groups: ReadonlyMap<string, CostTotals>): [string, CostTotals][] {
  return [...groups].toSorted(([, a], [, b]) => b.totalCost - a.totalCost);
}

function byCost(a: OfModel, b: OfModel): number {
  return b.totals.totalCost - a.totals.totalCost || b.totals.totalTokens - a.totals.totalTokens;
}

function messagesOf({ questions: user, answered, calls, toolCalls }: UsageSum): MessageCounts {
  const errors = calls - answered;
  // Each call of a tool has one result: a model is not asked again before.
  return {
    total: user + answered,
    user,
    assistant: answered,
    toolCalls,
    toolResults: toolCalls,
    errors,
  };
}

function said(a: MessageCounts, b: MessageCounts): MessageCounts {
  return {
    total: a.total + b.total,
    user: a.user + b.user,
    assistant: a.assistant + b.assistant,
    toolCalls: a.toolCalls + b.toolCalls,
    toolResults: a.toolResults + b.toolResults,
    errors: a.errors + b.errors,
  };
}

function latencyOf({ timed: count, durationMs, minMs, maxMs }: UsageSum, p95Ms: number): Latency {
  return count === 0 ? NO_LATENCY : { count, sum: durationMs, minMs, maxMs, p95Ms };
}

function slower(a: Latency, b: Latency): Latency {
  if (a.count === 0) return b;
  if (b.count === 0) return a;
  return {
    count: a.count + b.count,
    sum: a.sum + b.sum,
    minMs: Math.min(a.minMs, b.minMs),
    maxMs: Math.max(a.maxMs, b.maxMs),
    p95Ms: Math.max(a.p95Ms, b.p95Ms),
  };
}

function shown({ count, sum, minMs, maxMs, p95Ms }: Latency): object {
  return { count, avgMs: sum / count, p95Ms, minMs, maxMs };
}
