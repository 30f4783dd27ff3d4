import type { World } from "./world.ts";

/** One promise of upstream mode, shown with the real thing. */
export interface Check {
  readonly name: string;
  /** @returns What was seen, for people. @throws Error when it is not as promised. */
  run(world: World): Promise<string>;
}

/** @throws Error with what was seen instead. */
export function expect(holds: boolean, seen: string): asserts holds {
  if (!holds) throw new Error(`seen instead: ${seen.slice(0, 600)}`);
}
