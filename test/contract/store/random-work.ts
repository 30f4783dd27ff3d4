import { describe, expect, test } from "vitest";
import type { Store } from "../../../core/store/store.ts";
import { item, NOW, type StoreMaker, world } from "./world.ts";

/** Small and good enough for tests: a seed gives the same walk everywhere. Source: mulberry32. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

interface Waiting {
  readonly id: string;
  readonly due: number;
  readonly running: boolean;
}

/** What the port says of lanes, in as few words as possible: a list per lane, its head first. */
class Lanes {
  readonly #lanes = new Map<string, Waiting[]>();

  keep(id: string, lane: string): void {
    this.#lanes.set(lane, [...(this.#lanes.get(lane) ?? []), { id, due: 0, running: false }]);
  }

  takeAll(now: number): string[] {
    const taken: string[] = [];
    for (const [lane, [head, ...rest]] of this.#lanes) {
      if (head === undefined || head.running || head.due > now) continue;
      taken.push(head.id);
      this.#lanes.set(lane, [{ ...head, running: true }, ...rest]);
    }
    return taken.toSorted();
  }

  end(id: string): void {
    for (const [lane, items] of this.#lanes) {
      this.#lanes.set(
        lane,
        items.filter((one) => one.id !== id),
      );
    }
  }

  retry(id: string, due: number): void {
    for (const [lane, items] of this.#lanes) {
      this.#lanes.set(
        lane,
        items.map((one) => (one.id === id ? { id, due, running: false } : one)),
      );
    }
  }

  restart(): void {
    for (const [lane, items] of this.#lanes) {
      this.#lanes.set(
        lane,
        items.map((one) => ({ ...one, running: false })),
      );
    }
  }

  get running(): string[] {
    return [...this.#lanes.values()].flatMap((items) =>
      items.filter((one) => one.running).map(({ id }) => id),
    );
  }
}

async function endOne(
  store: Store,
  lanes: Lanes,
  random: () => number,
  now: number,
): Promise<void> {
  const { running } = lanes;
  const id = running[Math.floor(random() * running.length)];
  if (id === undefined) return;
  const choice = random();
  if (choice < 0.3) {
    const due = now + Math.floor(random() * 5);
    await store.retry(id, due, "again");
    lanes.retry(id, due);
    return;
  }
  await (choice < 0.4 ? store.bury(id, "never") : store.finish(id, []));
  lanes.end(id);
}

export function describeRandomWork(make: StoreMaker): void {
  describe("random work", () => {
    test.each([1, 2, 3])("lanes stay what they are on random walk %i", async (seed) => {
      const random = seeded(seed);
      const lanes = new Lanes();
      await using w = await world(make);
      for (let step = 0; step < 200; step += 1) {
        const now = NOW + step;
        const choice = random();
        if (choice < 0.4) {
          const lane = `lane ${Math.floor(random() * 6)}`;
          await w.store.keep([item(`item ${step}`, lane)]);
          lanes.keep(`item ${step}`, lane);
        } else if (choice < 0.6) {
          const taken = (await w.store.take(100, now)).map(({ id }) => id).toSorted();
          expect(taken).toEqual(lanes.takeAll(now));
        } else if (choice < 0.98) {
          await endOne(w.store, lanes, random, now);
        } else {
          await w.reopen();
          lanes.restart();
        }
      }
    });
  });
}
