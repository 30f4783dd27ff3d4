import { expect, test } from "vitest";
import type { Routes } from "../../webhooks/methods/answers.ts";
import { describe } from "./routes.ts";

const ROUTE: Routes["routes"][number] = {
  name: "github",
  url: "https://edge.example/hooks/github",
  scheme: "github",
  verifiedAt: "edge",
  mode: "express",
  target: "an agent turn",
  lastAt: Date.UTC(2026, 0, 31, 12),
  accepted: 3,
  duplicates: 0,
  refused: 7,
  reasons: { stale: 2, mismatch: 5 },
};

test("each route has a row, what it sets off, and why it turned some away", () => {
  const quiet = {
    ...ROUTE,
    name: "s",
    verifiedAt: "core" as const,
    refused: 0,
    reasons: {},
    lastAt: null,
  };
  expect(describe({ routes: [ROUTE, quiet] }, { colours: false })).toEqual([
    "ROUTE   VERIFIED BY           MODE     TAKEN  REFUSED  LAST                  URL",
    "github  github                express  3      7        2026-01-31T12:00:00Z  https://edge.example/hooks/github",
    "  sets off an agent turn",
    "  refused: 5 mismatch, 2 stale",
    "s       github (by the core)  express  3      0        never                 https://edge.example/hooks/github",
    "  sets off an agent turn",
    "what the edge turns away is counted here within a minute",
  ]);
});

test("conditions as long as they may be end where the line does; the address is whole", () => {
  const url = `https://edge.example/hooks/${"x".repeat(64)}`;
  const reasons = Object.fromEntries(Array.from({ length: 40 }, (_, at) => [`reason-${at}`, 1]));
  const target = "an agent turn when ".repeat(20);
  const [, row = "", ...below] = describe(
    { routes: [{ ...ROUTE, url, target, reasons }] },
    { colours: false },
  );
  expect(row).toContain(url);
  expect(below).toHaveLength(3);
  for (const line of below) expect(line.length).toBeLessThanOrEqual(100);
});

test("what a relay calls a reason cannot move the cursor", () => {
  const reasons = { "a\u001b[2Jb": 1 };
  const text = describe({ routes: [{ ...ROUTE, reasons }] }, { colours: false }).join();
  expect(text).toContain("1 a\uFFFD[2Jb");
});
