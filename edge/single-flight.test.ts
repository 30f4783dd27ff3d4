import { expect, test } from "vitest";
import { SingleFlight } from "./single-flight.ts";

test("who asks while an answer is on its way gets that answer", async () => {
  const flight = new SingleFlight<number>();
  const answer = Promise.withResolvers<number>();
  let loads = 0;
  const load = (): Promise<number> => {
    loads += 1;
    return answer.promise;
  };
  const kept: Promise<unknown>[] = [];
  const all = [0, 1, 2].map((now) => flight.run(load, (work) => kept.push(work), now));
  answer.resolve(7);
  expect(await Promise.all(all)).toEqual([7, 7, 7]);
  expect(loads).toBe(1);
  // Handed to the runtime, so that the one that started it may leave.
  expect(kept).toHaveLength(1);
});

test("a failure reaches everyone who waited, and the next one tries again", async () => {
  const flight = new SingleFlight<number>();
  const failure = Promise.reject(new Error("down"));
  const down = (): Promise<number> => failure;
  const results = await Promise.allSettled([
    flight.run(down, () => {}, 0),
    flight.run(down, () => {}, 0),
  ]);
  expect(results.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
  expect(
    await flight.run(
      () => Promise.resolve(8),
      () => {},
      1,
    ),
  ).toBe(8);
});

test("work that was torn down with its request does not block the next one", async () => {
  const flight = new SingleFlight<number>();
  // Never settles, as I/O of a request that the runtime has ended.
  void flight.run(
    () => new Promise<number>(() => {}),
    () => {},
    0,
  );
  expect(flight.busy(4_999)).toBe(true);
  expect(flight.busy(5_000)).toBe(false);
  expect(
    await flight.run(
      () => Promise.resolve(9),
      () => {},
      5_000,
    ),
  ).toBe(9);
});
