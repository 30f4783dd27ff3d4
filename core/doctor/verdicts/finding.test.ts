import { expect, test } from "vitest";
import {
  CHECKS,
  describe as line,
  failed,
  type Finding,
  ok,
  oneLine,
  summarize,
} from "./finding.ts";
import { Report } from "../report.ts";

test("a finding is one line: status, check, what was measured, how long, what to do", () => {
  const lines: string[] = [];
  const report = new Report((finding) => lines.push(line(finding)));
  report.add("edge.url", ok("https://edge.example"));
  report.add("dns.lookup", failed("edge.example is not found", "check the name"), 12.6);
  report.skip(["tcp.connect"], "dns.lookup failed");
  expect(lines).toEqual([
    "ok       edge.url           https://edge.example",
    "failed   dns.lookup         edge.example is not found (13 ms) → check the name",
    "skipped  tcp.connect        because dns.lookup failed",
  ]);
  expect(summarize(report.findings)).toBe("1 ok, 0 warnings, 1 failed, 1 skipped");
  expect(report.isWell).toBe(false);
});

test("warnings leave a report well", () => {
  const report = new Report(() => undefined);
  report.add("state.space", { status: "warning", detail: "little", fix: "make room" });
  expect(report.isWell).toBe(true);
});

test("a peer's words stay one bounded line", () => {
  const found: Finding[] = [];
  const report = new Report((finding) => found.push(finding));
  report.add("http.edge", failed(`a\r\n\u001b[31mok${"x".repeat(5_000)}`, "b\nc"));
  expect(found[0]?.detail).toMatch(/^a \[31mokx+$/);
  expect(found[0]?.detail.length).toBeLessThanOrEqual(1_000);
  expect(found[0]?.fix).toBe("b c");
  expect(oneLine("plain")).toBe("plain");
});

test("every check is named by its layer or stands for it", () => {
  for (const [id, layer] of Object.entries(CHECKS)) expect(id.startsWith(`${layer}.`)).toBe(true);
});
