/** What the network between the core and its edge does to a tunnel. */
import { afterEach, expect, test, vi } from "vitest";
import { resetOnce } from "./reset-once.ts";
import { startWorld } from "./world.ts";

afterEach(() => void vi.useRealTimers());

/** Longest wait for a heartbeat, and then for its answer. */
const NOTICED_MS = 24_000 + 10_000;

test.each([
  ["both ways", ["up", "down"]],
  ["towards the core", ["down"]],
  ["towards the edge", ["up"]],
] as const)(
  "failure 7: a path that is dead %s and says nothing is left for a new one",
  async (_name, directions) => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"], shouldAdvanceTime: true });
    await using world = await startWorld();
    await world.reachable();
    world.proxy.drop(...directions);
    world.proxy.resume();
    await vi.advanceTimersByTimeAsync(NOTICED_MS);
    await world.proxy.waitForConnections(2);
    await world.reachable();
    await world.log.counted("core_connected", 2);
    await world.settled();
  },
);

/** The long run has a thousand. */
const SEEDS = 25;

test(`failure 8: after a reset at any byte nothing of it is left in the next connection (${SEEDS} seeds)`, async () => {
  await using world = await startWorld();
  const strays: string[] = [];
  for (let seed = 1; seed <= SEEDS; seed += 1) strays.push(...(await resetOnce(world, seed)));
  expect(strays).toEqual([]);
  await world.settled();
});

test("failure 59: the core offers no compression, which the edge would take", async () => {
  let said = "";
  await using world = await startWorld({
    onSent: (bytes) => {
      said += Buffer.from(bytes).toString("latin1").toLowerCase();
    },
  });
  expect(said).toContain("sec-websocket-protocol: gwt.1");
  expect(said).not.toContain("sec-websocket-extensions");
  await world.settled();
});
