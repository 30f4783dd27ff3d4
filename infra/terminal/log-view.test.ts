import { expect, test } from "vitest";
import { formatLogLine, parseLogLine } from "./log-view.ts";

function view(line: object): string {
  const parsed = parseLogLine(JSON.stringify(line));
  if (parsed === undefined) throw new Error("not a log line");
  return formatLogLine(parsed, 0).replace(/^\d\d:\d\d:\d\d /, "");
}

test("a line of the core becomes level, message and its few facts", () => {
  const line = {
    level: 30,
    time: 1_700_000_000_000,
    pid: 1,
    hostname: "h",
    part: "tunnel",
    msg: "connected",
    durationMs: 12,
  };
  expect(view(line)).toBe("info  connected  part=tunnel  durationMs=12");
});

test("a line of the edge, which names its level and event, looks the same", () => {
  expect(view({ level: "warn", event: "webhook_refused", route: "agent" })).toBe(
    "warn  webhook_refused  route=agent",
  );
});

test.each([
  [20, "debug"],
  [30, "info"],
  [40, "warn"],
  [50, "error"],
  [60, "error"],
  ["fatal", "error"],
  ["trace", "debug"],
])("the level %s is %s", (level, expected) => {
  expect(parseLogLine(JSON.stringify({ level, msg: "x" }))?.level).toBe(expected);
});

test("of an error only its message is shown, not its stack", () => {
  const err = { type: "Error", message: "no route", stack: "Error: no route\n    at x" };
  expect(view({ level: 50, msg: "failed", err })).toBe("error failed  error=no route");
});

test("control characters from outside cannot reach the terminal, nor can a text without end", () => {
  const shown = view({ level: 30, msg: "peer", said: `\u001b[2J\r\n${"x".repeat(500)}` });
  expect(Array.from(shown).filter((char) => char < " ")).toEqual([]);
  expect(shown.length).toBeLessThan(160);
});

test.each(["", "not json", "null", "[]", '{"msg":"no level"}', '{"level":{}}'])(
  "%j is not a log line",
  (text) => {
    expect(parseLogLine(text)).toBeUndefined();
  },
);

test("a reason is shown to its end, where it says what to do", () => {
  const reason = `${"x".repeat(300)}; did you mean "github"?`;
  expect(view({ level: "warn", msg: "config is invalid", reason })).toContain("did you mean");
});
