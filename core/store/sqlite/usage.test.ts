import { DatabaseSync } from "node:sqlite";
import { expect, test } from "vitest";
import { watchedDb } from "../../../test/support/watched-db.ts";
import { USAGE_LIMITS } from "../limits.ts";
import type { ModelCall, UsageReport, UsageSpan } from "../usage.ts";
import type { Db } from "./db.ts";
import { USAGE as LAYOUT } from "./layout/usage.ts";
import { MIGRATIONS, migrate } from "./migrations.ts";
import { append, spend } from "./sessions.ts";
import { UsageParts } from "./usage-parts.ts";
import { addCalls, callsOf, oldestAt, pruneUsage, usagePart } from "./usage.ts";

const NOW = 1_790_000_000_000;
const USAGE = { inputTokens: 1, outputTokens: 1 };
const OF = {
  sessionId: "s",
  sessionKey: "agent:main:main",
  agent: "main",
  channel: "",
  run: "",
  kind: "chat",
  questions: 0,
};

function call(at = NOW, over: Partial<ModelCall> = {}): ModelCall {
  return {
    at,
    durationMs: 1,
    model: "a/b",
    ok: true,
    usage: USAGE,
    cost: undefined,
    tools: [],
    ...over,
  };
}

/** As the store makes it, of parts with so many calls. */
function wholeReport(db: Db, span: UsageSpan, session?: string, rows?: number): UsageReport {
  const parts = new UsageParts();
  let rest: number | undefined = span.from;
  while (rest !== undefined) {
    const { part, next } = usagePart(db, { ...span, from: rest }, session, rows);
    parts.add(part);
    rest = next;
  }
  return parts.report();
}

test("what is too old goes, and what is too much, the oldest first", () => {
  const { db } = watchedDb();
  const ats = [NOW - USAGE_LIMITS.maxAgeMs - 1, ...Array.from({ length: 9 }, (_, n) => NOW + n)];
  addCalls(
    db,
    ats.map((at) => call(at)),
    OF,
  );
  pruneUsage(db, NOW, 100);
  expect(oldestAt(db)).toBe(NOW);
  pruneUsage(db, NOW, 100, { ...USAGE_LIMITS, maxRows: 4 });
  expect(callsOf(db, "s", 99).map(({ at }) => at - NOW)).toEqual([5, 6, 7, 8]);
  // A part at a time.
  pruneUsage(db, NOW, 1, { ...USAGE_LIMITS, maxRows: 1 });
  expect(callsOf(db, "s", 99)).toHaveLength(3);
});

test("tools of a call are kept up to a number, and all are counted", () => {
  const { db } = watchedDb();
  const tools = Array.from({ length: 99 }, (_, n) => `tool-${n}-${"x".repeat(99)}`);
  addCalls(db, [call(NOW, { tools })], OF);
  const { sums, tools: told } = wholeReport(db, { from: 0, until: NOW + 1 });
  expect(sums[0]?.toolCalls).toBe(99);
  expect(told).toHaveLength(32);
  expect(told.every(({ name }) => name.length <= 64)).toBe(true);
});

test("95 of 100 answers took at most what is said, of those whose time is known", () => {
  const { db } = watchedDb();
  const known = Array.from({ length: 100 }, (_, n) => call(NOW, { durationMs: n + 1 }));
  const others = [call(NOW, { durationMs: 0 }), call(NOW, { durationMs: 9_999, ok: false })];
  addCalls(db, [...known, ...others], OF);
  const { p95Ms, sums } = wholeReport(db, { from: 0, until: NOW + 1 });
  expect(p95Ms).toBe(95);
  expect(sums).toMatchObject([{ timed: 100, minMs: 1, maxMs: 100, calls: 102, answered: 101 }]);
});

test("parts of any size add up to the same report", () => {
  const { db } = watchedDb();
  const price = { input: 1, output: 2, cacheRead: 0, cacheWrite: 0 };
  for (let n = 0; n < 60; n += 1) {
    // Some at the same moment, in several slots.
    const at = NOW + Math.floor(n / 7) * 400_000;
    const cost = n % 4 === 0 ? price : undefined;
    const over = { durationMs: (n * 37) % 50, model: `p/m${n % 3}`, ok: n % 5 > 0, cost };
    const tools = n % 6 === 0 ? ["read", `t${n % 4}`] : [];
    addCalls(db, [call(at, { ...over, tools })], { ...OF, agent: `a${n % 2}`, channel: "c" });
  }
  const span = { from: 0, until: NOW + 1e9 };
  for (const session of [undefined, "s"]) {
    const whole = wholeReport(db, span, session);
    expect(whole.sums.reduce((sum, { calls }) => sum + calls, 0)).toBe(60);
    for (const rows of [1, 7, 8, 59, 60]) {
      expect(wholeReport(db, span, session, rows)).toEqual(whole);
    }
  }
});

test("no statement on calls looks through the table", () => {
  const { db, database, statements } = watchedDb();
  append(db, { sessionKey: "s", messages: [], usage: USAGE, calls: [call()], at: NOW });
  spend(db, { calls: [call()], sessionKey: "s", agentId: "main", kind: "chat" });
  const tools = ["t"];
  spend(db, { calls: [call(NOW, { tools })], sessionKey: "new", agentId: "main", kind: "chat" });
  const span = { from: 0, until: NOW + 1 };
  wholeReport(db, span);
  wholeReport(db, span, "s");
  callsOf(db, "s", 9);
  oldestAt(db);
  pruneUsage(db, NOW, 9);
  const walks = [...new Set(statements)].flatMap((statement) =>
    database
      .prepare(`explain query plan ${statement}`)
      .all()
      .map(({ detail }) => String(detail))
      .filter((step) => /^SCAN (?:usage|session)\b/.test(step))
      // The first by age: it is left after one row.
      .filter((step) => step !== "SCAN usage USING COVERING INDEX usage_at")
      .map((step) => `${step} in ${statement}`),
  );
  expect(walks).toEqual([]);
});

/** A file as the version before left it, with one message for each row. */
function before(
  rows: readonly { readonly key: string; readonly at: number; readonly made: object }[],
) {
  const database = new DatabaseSync(":memory:");
  migrate(database, "state", MIGRATIONS.slice(0, MIGRATIONS.indexOf(LAYOUT)));
  const addSession = database.prepare(
    `insert into session (key, session_id, created_at, updated_at, message_count, input_tokens,
       output_tokens, context_tokens) values (?, ?, 1, 1, 1, 7, 3, 7)`,
  );
  const addMessage = database.prepare(
    "insert into message (session_id, seq, at, message, made) values (?, 1, ?, '{}', ?)",
  );
  for (const [index, { key, at, made }] of rows.entries()) {
    addSession.run(key, `id-${index}`);
    addMessage.run(index + 1, at, JSON.stringify(made));
  }
  return database;
}

test("what an older file knows of its turns is there by the day they were on", () => {
  const made = { run: "r", model: "acme/x/y", usage: { inputTokens: 7, outputTokens: 3 } };
  const database = before([
    { key: "agent:work:main", at: 2_000, made },
    { key: "8a7c", at: 1_000, made: { ...made, model: "plain" } },
    { key: "agent:work:none", at: 3_000, made: { run: "r" } },
    {
      key: "agent:work:zero",
      at: 3_000,
      made: { ...made, usage: { inputTokens: 0, outputTokens: 0 } },
    },
  ]);
  migrate(database, "state");
  const columns = "at, session_id, agent, run, provider, model, ok, input, output, input_cost";
  expect(database.prepare(`select ${columns} from usage order by seq`).all()).toEqual([
    {
      at: 1_000,
      session_id: "id-1",
      agent: "main",
      run: "r",
      provider: "",
      model: "plain",
      ok: 1,
      input: 7,
      output: 3,
      input_cost: null,
    },
    {
      at: 2_000,
      session_id: "id-0",
      agent: "work",
      run: "r",
      provider: "acme",
      model: "x/y",
      ok: 1,
      input: 7,
      output: 3,
      input_cost: null,
    },
  ]);
  // All rounds of a turn together were no measure of its context.
  const session = "select context_seq, cost_usd from session where id = 1";
  expect(database.prepare(session).get()).toEqual({ context_seq: 0, cost_usd: null });
});
