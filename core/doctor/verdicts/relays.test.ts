import { expect, test } from "vitest";
import {
  judgeConnected,
  judgeDistance,
  judgeLeader,
  judgePlaces,
  judgeSpool,
  type Relay,
} from "./relays.ts";

type Report = NonNullable<Relay["report"]>;

function report(more: Partial<Report> = {}): Report {
  const core = {
    instance: "other-core",
    mode: "leader",
    leads: true,
    since: 0,
    requests: 0,
    sockets: 0,
  };
  return {
    relay: "weur:1",
    cores: [core],
    sockets: 0,
    spooled: 0,
    awakeMs: 0,
    wakes: {},
    bufferedBytes: 0,
    ...more,
  };
}

function relay(more: Partial<Relay> = {}): Relay {
  return {
    name: "weur:1",
    url: "edge.example",
    connected: true,
    lastError: null,
    colo: "AMS",
    rttMs: 3,
    leads: true,
    draining: false,
    report: report(),
    ...more,
  };
}

const away = relay({
  name: "enam:1",
  connected: false,
  lastError: "refused",
  leads: false,
  report: null,
});

test.each([
  ["all are connected", [relay()], "ok", "weur:1 (AMS)"],
  ["one is away", [relay(), away], "warning", "not to enam:1 (refused)"],
  ["all are away", [away], "failed", "not to enam:1 (refused)"],
  ["there are none", [], "failed", "not to any"],
  ["the one that is away is given up", [relay(), { ...away, draining: true }], "ok", "weur:1"],
])("relays of which %s", (_name, relays, status, words) => {
  const verdict = judgeConnected(relays, true);
  expect(verdict.status).toBe(status);
  expect(verdict.detail).toContain(words);
});

test.each([
  ["this core leads", [relay()], "leader", "ok", "this core"],
  [
    "another leads, and this one stands by",
    [relay({ leads: false })],
    "standby",
    "ok",
    "other-co (leader)",
  ],
  [
    "another leads, and this one should",
    [relay({ leads: false })],
    "leader",
    "warning",
    "other-co",
  ],
  [
    "nobody leads",
    [relay({ leads: false, report: report({ cores: [] }) })],
    undefined,
    "failed",
    "none",
  ],
] as const)("work when %s", (_name, relays, mode, status, words) => {
  const verdict = judgeLeader(relays, mode);
  expect(verdict.status).toBe(status);
  expect(verdict.detail).toContain(words);
});

test("two relays in one place are one relay too few", () => {
  const verdict = judgePlaces([relay(), relay({ name: "enam:1" })]);
  expect(verdict).toMatchObject({
    status: "warning",
    detail: "weur:1 and enam:1 are in one place (AMS)",
  });
  expect(judgePlaces([relay(), relay({ name: "enam:1", colo: "IAD" })]).status).toBe("ok");
  expect(judgePlaces([relay(), relay({ name: "weur:0", draining: true })]).status).toBe("ok");
});

test("a relay far away is misplaced, and its next generation is named", () => {
  expect(judgeDistance([relay({ rttMs: 39 })]).status).toBe("ok");
  const verdict = judgeDistance([relay({ rttMs: 180.44 })]);
  expect(verdict.detail).toBe("misplaced relay: weur:1 180.4 ms");
  expect(verdict).toMatchObject({ status: "warning" });
  expect("fix" in verdict ? verdict.fix : "").toContain("weur:1 to weur:2");
});

test.each([
  ["nothing", report(), "ok", "no webhook waits"],
  [
    "what just came",
    report({ spooled: 2, oldestSpooledAt: 99_000 }),
    "ok",
    "2 in weur:1, the oldest for 1 s",
  ],
  [
    "what waits for long",
    report({ spooled: 17, oldestSpooledAt: 0 }),
    "warning",
    "17 in weur:1, the oldest for 100 s",
  ],
  ["what it does not tell", null, "warning", "no relay says"],
])("a spool with %s", (_name, given, status, words) => {
  const verdict = judgeSpool([relay({ report: given })], 100_000);
  expect(verdict.status).toBe(status);
  expect(verdict.detail).toContain(words);
});
