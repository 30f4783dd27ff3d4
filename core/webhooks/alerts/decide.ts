/** When somebody is told that webhooks are not as they should be. Pure. */
import * as z from "zod";
import type { AlertRule, Recipient } from "../../config/ingress/ingress.ts";
import { refusalOf } from "../methods/metrics-relay.ts";

/** Right after a start or an outage what waited at the edge is still on its way. */
const GRACE_MS = 60_000;
/** Dead letters grow one by one when they grow: people are told this often, not once for each. */
const DEAD_PAUSE_MS = 3_600_000;

/** Refusals that a wrong secret or a stranger causes; others are rules of ours. */
const SIGNATURE_REASONS: ReadonlySet<string> = new Set([
  "missing_header",
  "bad_format",
  "stale",
  "future",
  "mismatch",
  "unknown_key",
]);

/** What has been told, and what is needed to know when it is over. Kept over restarts. */
export const AlertState = z.object({
  /** When each rule on silence was first seen, by route, Unix ms. */
  watchedSince: z.record(z.string(), z.number()).default({}),
  /** Routes that were told to be silent, and since when they were. */
  silent: z.record(z.string(), z.number()).default({}),
  /** Rules on signatures that were told, by route (empty: all), and when. */
  failing: z.record(z.string(), z.number()).default({}),
  /** Refused signatures by route and minute, as far back as a rule looks. */
  refusals: z.array(z.tuple([z.string(), z.number(), z.number()])).default([]),
  /** What each relay had counted when it was last asked: `<relay> <route>`. */
  counted: z.record(z.string(), z.number()).default({}),
  /** When the edge was last known to be there. */
  aliveAt: z.number().optional(),
  /** This process has seen the edge: then an end of that is known to the second. */
  isUp: z.boolean().default(false),
  /** An outage that is over, and of which it is not clear yet whether all was delivered. */
  outage: z.object({ from: z.number(), to: z.number() }).optional(),
  /** How many dead letters were told of, and when. */
  dead: z.object({ count: z.number(), at: z.number() }).optional(),
});
export type AlertState = z.output<typeof AlertState>;

export interface RelayObserved {
  readonly name: string;
  readonly dead: number;
  /** By `<route> <reason>`, since the relay woke. */
  readonly refused: Readonly<Record<string, number>>;
}

/** How things are now. Times are Unix ms. */
export interface Observed {
  /** When each route last took something in. */
  readonly lastAt: ReadonlyMap<string, number>;
  /** Undefined: there is no edge. */
  readonly edge: { readonly connected: boolean; readonly since: number } | undefined;
  /** Relays that have said something. */
  readonly relays: readonly RelayObserved[];
  /** Turned away by the core itself, by `<route> <reason>`, since its process began. */
  readonly refusedHere: Readonly<Record<string, number>>;
  /** Webhooks here whose work was given up. */
  readonly dead: number;
  /** How it went with what came in during `state.outage`; undefined: nobody knows yet. */
  readonly recovery: Recovery | undefined;
}

export interface Recovery {
  /** Nothing waits at the edge any more. */
  readonly isComplete: boolean;
  /** Webhooks that waited there and are here now; counted up to `MAX_RECOVERED`. */
  readonly count: number;
}

/** What the core counts itself stands beside what relays count: none of them has such a name. */
const CORE = "(core)";

/** Without what an earlier process of the core has counted. */
export function withoutCore(counted: AlertState["counted"]): AlertState["counted"] {
  return Object.fromEntries(Object.entries(counted).filter(([key]) => !key.startsWith(CORE)));
}

/** While no rule looks: what the core has refused by now is no news to one that is added later. */
export function countedByCore(state: AlertState, refused: Observed["refusedHere"]): AlertState {
  const counted = { ...state.counted };
  for (const [route, total] of signaturesByRoute(refused)) counted[`${CORE} ${route}`] = total;
  return { ...state, counted };
}

/** More are told as "more than". */
export const MAX_RECOVERED = 1_000;

export interface AlertMessage {
  readonly to: Recipient;
  readonly text: string;
  /** The same for the same news: queued once. */
  readonly id: string;
}

export interface Decision {
  readonly state: AlertState;
  readonly messages: readonly AlertMessage[];
}

type Rule<When extends AlertRule["when"]> = Extract<AlertRule, { readonly when: When }>;

/** One look: what is to be told, and what is to be remembered of it. */
export function decide(
  rules: readonly AlertRule[],
  before: AlertState,
  observed: Observed,
  now: number,
): Decision {
  const messages: AlertMessage[] = [];
  let state = counting(before, rules, observed, now);
  for (const rule of rules) {
    const decision = decideOne(rule, state, observed, now);
    state = decision.state;
    messages.push(...decision.messages);
  }
  return { state: settled(state, observed, now), messages };
}

function decideOne(rule: AlertRule, state: AlertState, observed: Observed, now: number): Decision {
  switch (rule.when) {
    case "source_silent":
      return silence(rule, state, observed, now);
    case "signature_failures":
      return signatures(rule, state, now);
    case "core_unreachable":
      return afterOutage(rule, state, observed.recovery);
    case "dead_letters":
      return deadLetters(rule, state, observed, now);
  }
}

/** A source that has sent before, or never since the rule is there, and now sends nothing. */
function silence(
  { route, afterMs, to }: Rule<"source_silent">,
  state: AlertState,
  { lastAt, edge }: Observed,
  now: number,
): Decision {
  const watchedSince = { ...state.watchedSince, [route]: state.watchedSince[route] ?? now };
  const last = lastAt.get(route);
  const since = last ?? watchedSince[route] ?? now;
  const told = state.silent[route];
  const quiet = { ...state, watchedSince };
  if (told !== undefined && since > told) {
    const { [route]: _over, ...silent } = state.silent;
    const text = `Webhooks: ${route} sends again, after ${spanText(since - told)} without anything.`;
    const id = `alert:silent:${route}:${told}:over`;
    return { state: { ...quiet, silent }, messages: [{ to, text, id }] };
  }
  // While the edge is away, or just back, what the source has sent may wait there.
  const isClear = edge === undefined || (edge.connected && now - edge.since >= GRACE_MS);
  if (told !== undefined || !isClear || now - since < afterMs)
    return { state: quiet, messages: [] };
  const text =
    last === undefined
      ? `Webhooks: ${route} has sent nothing yet, for ${spanText(now - since)}.`
      : `Webhooks: ${route} is silent: nothing since ${timeText(since)} (${spanText(now - since)}).`;
  const silent = { ...state.silent, [route]: since };
  return {
    state: { ...quiet, silent },
    messages: [{ to, text, id: `alert:silent:${route}:${since}` }],
  };
}

function signatures(
  { route, count, withinMs, to }: Rule<"signature_failures">,
  state: AlertState,
  now: number,
): Decision {
  const key = route ?? "";
  const recent = state.refusals.filter(
    ([name, at]) => (route === undefined || name === route) && at > now - withinMs,
  );
  const sum = recent.reduce((total, [, , refused]) => total + refused, 0);
  const told = state.failing[key];
  const where = route === undefined ? "" : ` for ${route}`;
  if (told === undefined && sum >= count) {
    const names = [...new Set(recent.map(([name]) => name))].slice(0, 5).join(", ");
    const text =
      `Webhooks: ${sum} with a wrong signature${where || ` (${names})`} within ${spanText(withinMs)}. ` +
      "Either a secret is out of date, or somebody is trying.";
    const failing = { ...state.failing, [key]: now };
    return {
      state: { ...state, failing },
      messages: [{ to, text, id: `alert:signatures:${key}:${now}` }],
    };
  }
  // Over when it is quiet: a trickle around the limit is one episode, not a hundred.
  if (told === undefined || sum > 0) return { state, messages: [] };
  const { [key]: _over, ...failing } = state.failing;
  const text = `Webhooks: no wrong signatures any more${where}, for ${spanText(withinMs)}.`;
  return {
    state: { ...state, failing },
    messages: [{ to, text, id: `alert:signatures:${key}:${told}:over` }],
  };
}

/** Told afterwards: during it only the edge can. */
function afterOutage(
  { afterMs, to }: Rule<"core_unreachable">,
  state: AlertState,
  recovery: Recovery | undefined,
): Decision {
  const over = state.outage;
  const isLong = over !== undefined && over.to - over.from >= afterMs;
  if (!isLong || recovery?.isComplete !== true) return { state, messages: [] };
  const text =
    `Webhooks: the core was unreachable from ${timeText(over.from)} to ${timeText(over.to)} ` +
    `(${spanText(over.to - over.from)}). ${recoveredText(recovery.count)}`;
  return { state, messages: [{ to, text, id: `alert:outage:${over.from}` }] };
}

function recoveredText(count: number): string {
  if (count === 0) return "No webhooks came in that time.";
  const many = count >= MAX_RECOVERED ? `More than ${count - 1} webhooks` : `${count} webhooks`;
  return `${count === 1 ? "1 webhook" : many} waited, all delivered.`;
}

function deadLetters(
  { to }: Rule<"dead_letters">,
  state: AlertState,
  { relays, edge, dead: here }: Observed,
  now: number,
): Decision {
  const atEdge = relays.reduce((sum, { dead }) => sum + dead, 0);
  const count = atEdge + here;
  const { dead: told } = state;
  const quiet = { state, messages: [] };
  // Nobody has said yet how many there are at the edge.
  if (edge !== undefined && relays.length === 0) return quiet;
  if (told === undefined) return count === 0 ? quiet : toldOfDead(to, state, { atEdge, here }, now);
  if (count === 0) {
    const text = "Webhooks: there are no dead letters any more.";
    const id = `alert:dead:${told.at}:over`;
    return { state: { ...state, dead: undefined }, messages: [{ to, text, id }] };
  }
  if (count > told.count && now - told.at >= DEAD_PAUSE_MS) {
    return toldOfDead(to, state, { atEdge, here }, now);
  }
  // Fewer are known from now on: the next one more is news.
  const dead = { ...told, count: Math.min(told.count, count) };
  return { state: { ...state, dead }, messages: [] };
}

function toldOfDead(
  to: Recipient,
  state: AlertState,
  { atEdge, here }: { readonly atEdge: number; readonly here: number },
  now: number,
): Decision {
  const count = atEdge + here;
  const text =
    `Webhooks: ${count} dead ${count === 1 ? "letter" : "letters"} (${atEdge} at the edge, ${here} here). ` +
    "sallyport webhooks dead-letters shows and replays them.";
  return {
    state: { ...state, dead: { count, at: now } },
    messages: [{ to, text, id: `alert:dead:${now}` }],
  };
}

/** Adds what the relays have counted since the last look, and forgets what no rule looks at. */
function counting(
  state: AlertState,
  rules: readonly AlertRule[],
  { relays, refusedHere, edge }: Observed,
  now: number,
): AlertState {
  const windows = rules.flatMap((rule) =>
    rule.when === "signature_failures" ? [rule.withinMs] : [],
  );
  const longest = Math.max(0, ...windows);
  const counted: Record<string, number> = { ...state.counted };
  const fresh: [string, number, number][] = [];
  for (const { name, refused } of [...relays, { name: CORE, refused: refusedHere }]) {
    for (const [route, total] of signaturesByRoute(refused)) {
      const key = `${name} ${route}`;
      const known = counted[key];
      counted[key] = total;
      // A relay that slept counts from nothing; of one never asked before nobody knows since when.
      const isNews = name === CORE || known !== undefined || isKnown(state, name);
      const added = !isNews ? 0 : total - (known ?? 0);
      const count = added < 0 ? total : added;
      if (count > 0) fresh.push([route, now, count]);
    }
    counted[name] = 0;
  }
  const refusals = [...state.refusals.filter(([, at]) => at > now - longest), ...fresh];
  const isWatched = rules.some(({ when }) => when === "core_unreachable");
  return {
    ...state,
    counted,
    refusals: compact(refusals),
    ...(isWatched ? aliveness(state, edge) : { aliveAt: undefined, outage: undefined }),
  };
}

function isKnown({ counted }: AlertState, relay: string): boolean {
  return Object.hasOwn(counted, relay);
}

/** Bounded: no more than an entry for each minute and route. */
function compact(refusals: readonly [string, number, number][]): [string, number, number][] {
  const sums = new Map<string, [string, number, number]>();
  for (const [route, at, count] of refusals) {
    const key = `${route} ${Math.floor(at / 60_000)}`;
    const sum = sums.get(key);
    sums.set(key, [route, at, count + (sum?.[2] ?? 0)]);
  }
  return [...sums.values()];
}

function signaturesByRoute(refused: Readonly<Record<string, number>>): Map<string, number> {
  const sums = new Map<string, number>();
  for (const [key, count] of Object.entries(refused)) {
    const { route, reason } = refusalOf(key);
    if (SIGNATURE_REASONS.has(reason)) sums.set(route, (sums.get(route) ?? 0) + count);
  }
  return sums;
}

/** An outage begins when the edge was last there, whether this process lived through it or not. */
function aliveness(
  { aliveAt, isUp, outage: known }: AlertState,
  edge: Observed["edge"],
): Partial<AlertState> {
  if (edge === undefined) return {};
  // Since then it is gone, in sight of this process.
  if (!edge.connected) return isUp ? { aliveAt: edge.since, isUp: false } : {};
  if (aliveAt === undefined || edge.since <= aliveAt) return {};
  return { outage: { from: known?.from ?? aliveAt, to: edge.since } };
}

/** What stays for the next look: an outage is done with once all that waited was delivered. */
function settled(state: AlertState, { edge, recovery }: Observed, now: number): AlertState {
  if (edge?.connected !== true) return state;
  const outage = recovery?.isComplete === true ? undefined : state.outage;
  return { ...state, aliveAt: now, isUp: true, outage };
}

function timeText(at: number): string {
  return `${new Date(at).toISOString().slice(0, 16).replace("T", " ")} UTC`;
}

/** In its largest unit that makes sense to people. */
function spanText(ms: number): string {
  const seconds = Math.round(ms / 1000);
  if (seconds < 120) return `${seconds} s`;
  if (seconds < 7_200) return `${Math.round(seconds / 60)} minutes`;
  if (seconds < 172_800) return `${Math.round(seconds / 3_600)} hours`;
  return `${Math.round(seconds / 86_400)} days`;
}
