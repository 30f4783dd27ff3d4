import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect, test } from "vitest";
import { LaneIndex } from "../edge/durable/spool/lane-index.ts";
import { LIMITS } from "../shared/limits.ts";

/** Bytes that are held, when all that is not has been collected. */
function heldBytes(): number {
  setFlagsFromString("--expose-gc");
  // The first leaves array buffers to a thread of its own.
  runInNewContext("gc(); gc()");
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

function fill(index: LaneIndex): void {
  const start = Date.UTC(2026, 0) * 1_000;
  const settings = {
    route: "telegram",
    size: 900,
    events: 1,
    unverified: false,
    attempts: 0,
    nextAt: 0,
  };
  for (let number = 0; number < LIMITS.maxSpoolItems; number += 1) {
    const seq = start + number * 20_000;
    const place = { seq, hour: Math.floor(seq / 3.6e9), ordinal: number, since: seq / 1_000 };
    index.add({ ...settings, ...place, lanes: [`telegram:${number}`] });
  }
}

test("a full spool in lanes of its own takes less than half of the 128 MB a relay has for all", () => {
  const index = new LaneIndex();
  const before = heldBytes();
  fill(index);
  expect(index.size).toBe(LIMITS.maxSpoolItems);
  const full = heldBytes() - before;
  expect(full).toBeLessThan(60_000_000);
  for (let one = index.take(1, () => true); one !== undefined; one = index.take(1, () => true)) {
    index.remove(one.seq);
  }
  expect(index.size).toBe(0);
  expect(heldBytes() - before).toBeLessThan(full / 2);
});
