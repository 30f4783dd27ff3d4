import { expect, test } from "vitest";
import { parseOutcome, publicUrl } from "./outcome.ts";

test("the version and addresses of a deploy are read from among the other lines", () => {
  const lines = [
    { type: "wrangler-session", version: 1 },
    { type: "deploy", version: 1, version_id: "v-1", targets: ["https://a.b.workers.dev"] },
  ];
  const text = `${lines.map((line) => JSON.stringify(line)).join("\n")}\n{"cut sh`;
  expect(parseOutcome(text)).toEqual({
    versionId: "v-1",
    targets: ["https://a.b.workers.dev"],
    failure: undefined,
  });
});

test("a failure is read with its code", () => {
  const line = JSON.stringify({ type: "command-failed", message: "No.", code: 10_000 });
  expect(parseOutcome(line).failure).toBe("No. [code: 10000]");
  expect(parseOutcome("").failure).toBeUndefined();
});

test.each([
  [
    "the domain, when there is one",
    ["x.workers.dev"],
    "edge.example.com",
    "https://edge.example.com",
  ],
  ["the first address", ["https://a.b.workers.dev", "other"], undefined, "https://a.b.workers.dev"],
  [
    "without what is said of it",
    ["edge.example.com (custom domain)"],
    undefined,
    "https://edge.example.com",
  ],
  ["none", [], undefined, undefined],
])("people reach it at %s", (_name, targets, domain, expected) => {
  expect(publicUrl({ targets }, domain)).toBe(expected);
});
