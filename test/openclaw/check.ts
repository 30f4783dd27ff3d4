/** One promise, shown with the real thing. */
export interface Check<World> {
  readonly name: string;
  /** @returns What was seen, for people. @throws Error when it is not as promised. */
  run(world: World): Promise<string>;
}

/** @throws Error with what was seen instead. */
export function expect(holds: boolean, seen: string): asserts holds {
  if (!holds) throw new Error(`seen instead: ${seen.slice(0, 600)}`);
}

/**
 * Runs the checks one after another and says how each went.
 *
 * @param only - Part of the names of those that are wanted.
 * @returns How many failed.
 */
export async function runChecks<World>(
  world: World,
  checks: readonly Check<World>[],
  only: string,
): Promise<number> {
  let failed = 0;
  for (const check of checks) {
    if (!check.name.includes(only)) continue;
    const begunAt = performance.now();
    try {
      const seen = await check.run(world);
      say(`ok    ${check.name} (${seconds(performance.now() - begunAt)}): ${seen}`);
    } catch (error) {
      failed += 1;
      say(`FAIL  ${check.name}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  return failed;
}

export function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

export function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(1)} s`;
}
