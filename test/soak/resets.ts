import { startWorld } from "../e2e/failures/world.ts";
import { resetOnce } from "../e2e/failures/reset-once.ts";
import { type Budget, type Outcome, violation } from "./scenario.ts";

/** A reset of the tunnel at one byte after another: none of its bytes may come up again. */
export async function resetPaths({ seconds, seed }: Budget): Promise<Outcome> {
  await using world = await startWorld();
  const until = performance.now() + seconds * 1000;
  const strays: string[] = [];
  let seeds = 0;
  while (performance.now() < until) {
    strays.push(...(await resetOnce(world, seed + seeds)));
    seeds += 1;
  }
  return {
    counts: { seeds, connections: world.proxy.accepted },
    violations: violation("bytes of another", strays),
  };
}
