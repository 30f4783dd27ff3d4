import { expect, test } from "vitest";
import type { AlertRule } from "../../config/ingress/ingress.ts";
import { AlertState, decide, type Observed } from "./decide.ts";

const TO = { channel: "telegram", to: "42" };
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const START = Date.UTC(2026, 0, 31, 12);

const SILENT: AlertRule = { when: "source_silent", route: "github", afterMs: HOUR, to: TO };
const FAILING: AlertRule = {
  when: "signature_failures",
  route: undefined,
  count: 10,
  withinMs: 10 * MINUTE,
  to: TO,
};
const GONE: AlertRule = { when: "core_unreachable", afterMs: 5 * MINUTE, to: TO };
const DEAD: AlertRule = { when: "dead_letters", to: TO };

const QUIET: Observed = {
  lastAt: new Map(),
  edge: { connected: true, since: START - HOUR },
  relays: [],
  refusedHere: {},
  dead: 0,
  recovery: undefined,
};

function relay(change: { refused?: Record<string, number>; dead?: number } = {}) {
  return { name: "weur:1", dead: 0, refused: {}, ...change };
}

/** Looks one after another, with what is kept in between going through JSON, as over a restart. */
function watch(...rules: AlertRule[]) {
  let state = AlertState.parse({});
  /** @returns What was told. */
  const look = (now: number, observed: Partial<Observed> = {}): string[] => {
    const decision = decide(rules, state, { ...QUIET, ...observed }, now);
    state = AlertState.parse(JSON.parse(JSON.stringify(decision.state)));
    expect(decision.messages.every(({ to }) => to === TO)).toBe(true);
    return decision.messages.map(({ text }) => text);
  };
  const restart = (): void => {
    state = { ...state, isUp: false };
  };
  return { look, restart };
}

function mismatches(count: number): Partial<Observed> {
  return { relays: [relay({ refused: { "github mismatch": count } })] };
}

function deadAtEdge(dead: number): Observed["relays"] {
  return [relay({ dead })];
}

test("a source that has sent before and stops is told of once, and once when it sends again", () => {
  const { look } = watch(SILENT);
  const lastAt = new Map([["github", START]]);
  expect(look(START + HOUR - 1, { lastAt })).toEqual([]);
  expect(look(START + HOUR, { lastAt })).toEqual([
    "Webhooks: github is silent: nothing since 2026-01-31 12:00 UTC (60 minutes).",
  ]);
  expect(look(START + 2 * HOUR, { lastAt })).toEqual([]);
  const again = new Map([["github", START + 3 * HOUR]]);
  expect(look(START + 3 * HOUR, { lastAt: again })).toEqual([
    "Webhooks: github sends again, after 3 hours without anything.",
  ]);
  expect(look(START + 3 * HOUR + MINUTE, { lastAt: again })).toEqual([]);
  expect(look(START + 4 * HOUR, { lastAt: again })).toHaveLength(1);
});

test("a source that never sent anything is told of when the rule is old enough", () => {
  const { look } = watch(SILENT);
  expect(look(START)).toEqual([]);
  expect(look(START + HOUR - 1)).toEqual([]);
  expect(look(START + HOUR)).toEqual(["Webhooks: github has sent nothing yet, for 60 minutes."]);
});

test("nobody is called silent while the edge is away, or just back", () => {
  const { look } = watch(SILENT);
  const lastAt = new Map([["github", START]]);
  const now = START + 2 * HOUR;
  expect(look(now, { lastAt, edge: { connected: false, since: START } })).toEqual([]);
  expect(look(now, { lastAt, edge: { connected: true, since: now - 59_999 } })).toEqual([]);
  expect(look(now, { lastAt, edge: { connected: true, since: now - MINUTE } })).toHaveLength(1);
});

test("without an edge a source can be silent, too", () => {
  const { look } = watch(SILENT);
  const lastAt = new Map([["github", START]]);
  expect(look(START + HOUR, { lastAt, edge: undefined })).toHaveLength(1);
});

test("wrong signatures are told of when there are many within the window", () => {
  const { look } = watch(FAILING);
  expect(look(START, mismatches(100))).toEqual([]); // from before we looked: since when nobody knows
  expect(look(START + MINUTE, mismatches(109))).toEqual([]);
  expect(look(START + 2 * MINUTE, mismatches(110))).toEqual([
    "Webhooks: 10 with a wrong signature (github) within 10 minutes. " +
      "Either a secret is out of date, or somebody is trying.",
  ]);
  expect(look(START + 3 * MINUTE, mismatches(500))).toEqual([]);
  expect(look(START + 12 * MINUTE, mismatches(500))).toEqual([]);
  expect(look(START + 13 * MINUTE, mismatches(500))).toEqual([
    "Webhooks: no wrong signatures any more, for 10 minutes.",
  ]);
});

test("wrong signatures spread over hours are nobody's business", () => {
  const { look } = watch(FAILING);
  for (let step = 0; step < 40; step += 1) {
    const relays = [relay({ refused: { "github stale": step * 4 } })];
    expect(look(START + step * 5 * MINUTE, { relays })).toEqual([]);
  }
});

test("a relay that slept counts from nothing, and is still counted", () => {
  const { look } = watch(FAILING);
  look(START, { relays: [relay({ refused: { "github mismatch": 50 } })] });
  const relays = [relay({ refused: { "github mismatch": 12 } })];
  expect(look(START + MINUTE, { relays })).toHaveLength(1);
});

test.each([
  ["a route's own limit", "github rate", 0],
  ["a blocked country", "github country", 0],
  ["a stale signature", "github stale", 1],
  ["a missing header", "github missing_header", 1],
])("%s counts as a wrong signature or not", (_name, key, told) => {
  const { look } = watch(FAILING);
  look(START, { relays: [relay()] });
  expect(look(START + MINUTE, { relays: [relay({ refused: { [key]: 1_000 } })] })).toHaveLength(
    told,
  );
});

test("a rule on one route hears of no other", () => {
  const { look } = watch({ ...FAILING, route: "stripe" });
  look(START, { relays: [relay()] });
  const refused = { "github mismatch": 1_000, "stripe mismatch": 9 };
  expect(look(START + MINUTE, { relays: [relay({ refused })] })).toEqual([]);
  const more = { "github mismatch": 1_000, "stripe mismatch": 10 };
  expect(look(START + 2 * MINUTE, { relays: [relay({ refused: more })] })).toEqual([
    expect.stringContaining("for stripe"),
  ]);
});

test("what is remembered of refusals stays small", () => {
  const rule: AlertRule = { ...FAILING, count: 1_000_000 };
  let state = AlertState.parse({});
  for (let step = 0; step < 5_000; step += 1) {
    const relays = [relay({ refused: { "github mismatch": step } })];
    ({ state } = decide([rule], state, { ...QUIET, relays }, START + step * 1_000));
  }
  expect(state.refusals.length).toBeLessThanOrEqual(12);
});

test("an outage is told of afterwards, once all that waited is delivered", () => {
  const { look } = watch(GONE);
  look(START);
  const lost = START + 10_000;
  expect(look(lost, { edge: { connected: false, since: lost } })).toEqual([]);
  const back = { connected: true, since: lost + HOUR };
  expect(look(back.since, { edge: back })).toEqual([]);
  const some = { edge: back, recovery: { isComplete: false, count: 40 } };
  expect(look(back.since + 30_000, some)).toEqual([]);
  const all = { edge: back, recovery: { isComplete: true, count: 90 } };
  expect(look(back.since + MINUTE, all)).toEqual([
    "Webhooks: the core was unreachable from 2026-01-31 12:00 UTC to 2026-01-31 13:00 UTC " +
      "(60 minutes). 90 webhooks waited, all delivered.",
  ]);
  expect(look(back.since + 2 * MINUTE, all)).toEqual([]);
});

test("an outage in which this process was dead is told of as well", () => {
  const { look, restart } = watch(GONE);
  look(START);
  restart();
  const edge = { connected: true, since: START + HOUR };
  // Before it was connected, the new process was not for a while: that is no news.
  expect(
    look(edge.since - 5_000, { edge: { connected: false, since: edge.since - 6_000 } }),
  ).toEqual([]);
  expect(look(edge.since, { edge })).toEqual([]);
  const recovery = { isComplete: true, count: 1 };
  expect(look(edge.since + MINUTE, { edge, recovery })).toEqual([
    expect.stringMatching(/from 2026-01-31 12:00 UTC to 2026-01-31 13:00 UTC.* 1 webhook waited/),
  ]);
});

test("a short interruption is no outage", () => {
  const { look } = watch(GONE);
  look(START);
  look(START + 1_000, { edge: { connected: false, since: START + 1_000 } });
  const edge = { connected: true, since: START + 2 * MINUTE };
  look(edge.since, { edge });
  const recovery = { isComplete: true, count: 3 };
  expect(look(edge.since + MINUTE, { edge, recovery })).toEqual([]);
});

test("dead letters are told of when they appear, an hour later at the earliest again, and when gone", () => {
  const { look } = watch(DEAD);
  expect(look(START, { relays: deadAtEdge(0) })).toEqual([]);
  expect(look(START + MINUTE, { relays: deadAtEdge(2), dead: 1 })).toEqual([
    "Webhooks: 3 dead letters (2 at the edge, 1 here). sallyport webhooks dead-letters shows and replays them.",
  ]);
  expect(look(START + 2 * MINUTE, { relays: deadAtEdge(9), dead: 1 })).toEqual([]);
  expect(look(START + 2 * HOUR, { relays: deadAtEdge(9), dead: 1 })).toHaveLength(1);
  expect(look(START + 4 * HOUR, { relays: deadAtEdge(9), dead: 1 })).toEqual([]);
  expect(look(START + 5 * HOUR, { relays: deadAtEdge(0) })).toEqual([
    "Webhooks: there are no dead letters any more.",
  ]);
});

test("as long as no relay has said how many dead letters it has, none are called gone", () => {
  const { look } = watch(DEAD);
  look(START, { relays: [relay({ dead: 2 })] });
  expect(look(START + MINUTE, { relays: [] })).toEqual([]);
  expect(look(START + MINUTE, { relays: [], edge: undefined })).toHaveLength(1);
});

test("the same news has the same id, whoever tells it", () => {
  const lastAt = new Map([["github", START]]);
  const look = () =>
    decide([SILENT], AlertState.parse({}), { ...QUIET, lastAt }, START + HOUR).messages[0]?.id;
  expect(look()).toBe(look());
  expect(look()).toContain("github");
});
