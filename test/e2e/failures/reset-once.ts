import { Random } from "../../support/random.ts";
import type { World } from "./world.ts";

/**
 * A new connection that is reset at a byte of its own, with requests under way, and one after it.
 *
 * @returns What arrived that belongs to nobody: nothing, when all is well.
 */
export async function resetOnce(world: World, seed: number): Promise<string[]> {
  const random = new Random(seed);
  const direction = random.pick(["up", "down"] as const);
  const atByte = random.size(400_000);
  const first = world.proxy.accepted;
  world.proxy.plan = (index) =>
    index === first ? { [direction]: { cut: { atByte, how: "reset" } } } : {};
  await world.disconnect();
  await world.connect();
  const answers = await Promise.all(
    Array.from({ length: 4 }, (_v, index) =>
      world.echo(seed * 10 + index, random.size(200_000)).catch(() => "broken off"),
    ),
  );
  await world.reachable();
  return answers.filter((answer) => answer?.includes("wrong at")).map(String);
}
