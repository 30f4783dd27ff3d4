import { expect, test } from "vitest";
import { addReplayed, NOTHING, replayedText } from "./replayed.ts";

const ONE = { id: "github:1", route: "github", as: "github:1#1", runs: "hook", count: 1 };

test("each webhook is a line, and all are counted", () => {
  const atEdge = { id: "edge/weur:1", route: "", as: null, runs: "3 at the edge", count: 3 };
  const skipped = [{ id: "github:2", why: "it is running" }];
  const answer = { ...NOTHING, replayed: [atEdge, ONE], skipped };
  expect(replayedText(answer)).toEqual([
    "edge/weur:1: runs: 3 at the edge",
    "github:1: runs as github:1#1: hook",
    "github:2: left out: it is running",
    "4 run again",
  ]);
});

test("a dry run says so, over all its pages", () => {
  const page = { dryRun: true, replayed: [{ ...ONE, as: null }], skipped: [], next: "7" };
  const both = addReplayed(addReplayed(NOTHING, page), { ...page, next: null });
  expect(both.next).toBeNull();
  expect(replayedText(both).at(-1)).toBe("2 would run");
});
