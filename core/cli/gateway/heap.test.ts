import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { expect, test } from "vitest";

const run = promisify(execFile);

const MIB = 1024 * 1024;

/** Makes garbage, some of which lives a while, and tells how large the young generation became. */
const LOAD = `
  import { setImmediate as turn } from "node:timers/promises";
  import { getHeapSpaceStatistics } from "node:v8";
  const young = [];
  let largest = 0;
  for (let round = 0; round < 1_500; round += 1) {
    for (let kept = 0; kept < 1_000; kept += 1) young.push({ round, kept, text: [round, kept] });
    if (young.length > 50_000) young.splice(0, 25_000);
    await turn();
    const space = getHeapSpaceStatistics().find((one) => one.space_name === "new_space");
    largest = Math.max(largest, space.space_size);
  }
  console.log(largest);
`;

test("the young generation of a held heap does not grow past its limit under load", async () => {
  const module = JSON.stringify(new URL("heap.ts", import.meta.url).href);
  const held = await youngGeneration(`import { holdHeap } from ${module}; holdHeap();`);
  const free = await youngGeneration("");
  // Both halves; one collection may come before the observer of the one before it is heard.
  expect(held).toBeLessThanOrEqual(2 * 16 * MIB);
  expect(free).toBeGreaterThan(2 * 16 * MIB);
}, 30_000);

async function youngGeneration(before: string): Promise<number> {
  const args = ["--max-semi-space-size=64", "--input-type=module", "--eval", before + LOAD];
  const { stdout } = await run(process.execPath, args);
  return Number(stdout);
}
