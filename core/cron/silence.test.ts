import { expect, test } from "vitest";
import { saidOf } from "./silence.ts";

test.each([
  ["HEARTBEAT_OK", undefined],
  ["  **HEARTBEAT_OK**.  ", undefined],
  ["HEARTBEAT_OK\nNothing to report.", undefined],
  ["All is well. HEARTBEAT_OK", undefined],
  ["NO_REPLY", undefined],
  ["`NO_REPLY`.", undefined],
  ["", undefined],
  ["   \n", undefined],
  ["The word HEARTBEAT_OK stands in the middle", "The word HEARTBEAT_OK stands in the middle"],
  ["NO_REPLY needed, but the disk is full", "NO_REPLY needed, but the disk is full"],
  ["The disk is full", "The disk is full"],
  [`HEARTBEAT_OK ${"x".repeat(301)}`, "x".repeat(301)],
] as const)("what is left of %j for people", (answer, text) => {
  expect(saidOf(answer).text).toBe(text);
});
