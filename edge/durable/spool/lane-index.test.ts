import { expect, test } from "vitest";
import { LaneIndex, type Waiting } from "./lane-index.ts";

const ANY = (): boolean => true;

function waiting(seq: number, lanes: readonly string[], nextAt = 0): Waiting {
  const place = { hour: 0, ordinal: seq, route: "shop", size: 1, unverified: false, since: 0 };
  return { seq, lanes, ...place, events: lanes.length, attempts: 0, nextAt };
}

function index(...all: readonly Waiting[]): LaneIndex {
  const made = new LaneIndex();
  for (const one of all) made.add(one);
  return made;
}

/** Everything that may go now. */
function takeAll(lanes: LaneIndex, now = 0): number[] {
  const taken: number[] = [];
  for (let one = lanes.take(now, ANY); one !== undefined; one = lanes.take(now, ANY)) {
    taken.push(one.seq);
  }
  return taken;
}

test("the first of each lane goes, and the next when it is done with", () => {
  const lanes = index(waiting(1, ["a"]), waiting(2, ["a"]), waiting(3, ["b"]));
  expect(takeAll(lanes)).toEqual([1, 3]);
  lanes.remove(1);
  expect(takeAll(lanes)).toEqual([2]);
  expect(lanes.hasLane("a")).toBe(true);
  lanes.remove(2);
  expect([lanes.hasLane("a"), lanes.hasLane("b"), lanes.size]).toEqual([false, true, 1]);
});

test("one of several lanes goes when it is the first in each", () => {
  const lanes = index(waiting(1, ["a"]), waiting(2, ["a", "b"]), waiting(3, ["b"]));
  expect(takeAll(lanes)).toEqual([1]);
  lanes.remove(1);
  expect(takeAll(lanes)).toEqual([2]);
  lanes.remove(2);
  expect(takeAll(lanes)).toEqual([3]);
});

test("a lane that is named twice is one lane", () => {
  const lanes = index(waiting(1, ["a", "a"]), waiting(2, ["a"]));
  expect(takeAll(lanes)).toEqual([1]);
  lanes.remove(1);
  expect(takeAll(lanes)).toEqual([2]);
});

test("one that is put back goes again when its time has come, and blocks its lanes until then", () => {
  const lanes = index(waiting(1, ["a", "b"]), waiting(2, ["a"]), waiting(3, ["c"]));
  expect(takeAll(lanes)).toEqual([1, 3]);
  lanes.putBack(1, 500, 1);
  expect([lanes.nextAt(0), takeAll(lanes, 499)]).toEqual([500, []]);
  expect(lanes.take(500, ANY)).toMatchObject({ seq: 1, attempts: 1, nextAt: 500 });
  expect(lanes.nextAt(500)).toBeUndefined();
});

test("what is put back twice, or was never taken, does not go twice", () => {
  const lanes = index(waiting(1, ["a"]));
  lanes.putBack(1, 0, 9);
  expect(takeAll(lanes)).toEqual([1]);
  lanes.putBack(1, 0, 1);
  lanes.putBack(1, 0, 2);
  lanes.putBack(77, 0, 1);
  expect(takeAll(lanes)).toEqual([1]);
});

test("one that is removed before its turn does not go, and those behind it do", () => {
  const lanes = index(
    waiting(1, ["a"]),
    waiting(2, ["a", "b"]),
    waiting(3, ["b"]),
    waiting(4, ["c"], 100),
  );
  lanes.remove(2);
  lanes.remove(4);
  expect(takeAll(lanes, 1_000)).toEqual([1, 3]);
  expect(lanes.remove(2)).toBeUndefined();
});

test("one that does not fit stays, and nothing goes before it", () => {
  const lanes = index(waiting(1, ["a"]), waiting(2, ["b"]));
  expect(lanes.take(0, () => false)).toBeUndefined();
  expect(takeAll(lanes)).toEqual([1, 2]);
});

test("a lane of a hundred thousand is as quick at its end as at its beginning", () => {
  const lanes = new LaneIndex();
  for (let seq = 1; seq <= 100_000; seq += 1) lanes.add(waiting(seq, ["a"]));
  for (let seq = 1; seq <= 100_000; seq += 1) {
    if (lanes.take(0, ANY)?.seq !== seq) expect.fail(`not ${seq}`);
    lanes.remove(seq);
  }
  expect([lanes.size, lanes.hasLane("a")]).toEqual([0, false]);
});

/** A small generator with a seed (mulberry32): what fails, fails again. */
function seeded(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

/** The same by looking at everything each time. */
class Model {
  readonly all = new Map<number, { lanes: readonly string[]; away: boolean; nextAt: number }>();

  mayGo(now: number): number | undefined {
    const before = new Set<string>();
    for (const [seq, { lanes, away, nextAt }] of this.all) {
      const isFirst = lanes.every((lane) => !before.has(lane));
      if (isFirst && !away && nextAt <= now) return seq;
      for (const lane of lanes) before.add(lane);
    }
    return undefined;
  }

  away(seq: number | undefined, away: boolean, nextAt: number): void {
    const one = seq === undefined ? undefined : this.all.get(seq);
    if (one !== undefined) Object.assign(one, { away, nextAt });
  }
}

test.each([1, 2, 3, 4, 5])(
  "whatever happens, the same may go as by looking at all of them (seed %i)",
  (seed) => {
    const below = seeded(seed);
    const [lanes, model] = [new LaneIndex(), new Model()];
    const add = (seq: number): void => {
      const names = Array.from({ length: 1 + below(3) }, () => `lane-${below(6)}`);
      const nextAt = below(3) === 0 ? seq + below(20) : 0;
      lanes.add(waiting(seq, names, nextAt));
      model.all.set(seq, { lanes: names, away: false, nextAt });
    };
    const end = (now: number): void => {
      const [chosen] = [...model.all].slice(below(Math.max(1, model.all.size)));
      if (chosen === undefined) return;
      const [seq, { away }] = chosen;
      if (away && below(2) === 0) {
        lanes.putBack(seq, now + 5, 1);
        model.away(seq, false, now + 5);
      } else {
        lanes.remove(seq);
        model.all.delete(seq);
      }
    };
    for (let now = 0; now < 2_000; now += 1) {
      const what = below(10);
      if (what < 4) add(now);
      else if (what > 6) end(now);
      else {
        const expected = model.mayGo(now);
        if (lanes.take(now, ANY)?.seq !== expected) expect.fail(`not ${expected} at ${now}`);
        model.away(expected, true, 0);
      }
      if (lanes.size !== model.all.size) expect.fail(`a count of ${lanes.size} at ${now}`);
    }
    const left = new Set([...model.all.values()].flatMap((one) => one.lanes));
    for (let lane = 0; lane < 6; lane += 1) {
      expect(lanes.hasLane(`lane-${lane}`)).toBe(left.has(`lane-${lane}`));
    }
  },
);

test("what waits is told oldest first, as it was given, whatever has gone in between", () => {
  const shop = waiting(1, ["a"], 7);
  const bank = { ...waiting(2, ["b"]), route: "bank", size: 9, unverified: true, since: 5 };
  const lanes = index(shop, bank, waiting(3, ["a"]), waiting(4, ["c"]));
  lanes.remove(3);
  lanes.add(waiting(5, ["d"]));
  expect([...lanes.values()].map(({ seq }) => seq)).toEqual([1, 2, 4, 5]);
  lanes.remove(1);
  lanes.remove(5);
  expect([...lanes.values()].map(({ seq }) => seq)).toEqual([2, 4]);
  const { lanes: _lanes, ...remembered } = bank;
  expect(lanes.get(2)).toEqual(remembered);
  expect(lanes.get(1)).toBeUndefined();
});

test("one that is gone while its time has not come does not take another one's place", () => {
  const lanes = index(waiting(1, ["a"], 1_000), waiting(2, ["b"], 50));
  lanes.remove(1);
  for (let seq = 3; seq < 10; seq += 1) lanes.add(waiting(seq, [`lane-${seq}`]));
  expect(takeAll(lanes, 0)).toEqual([3, 4, 5, 6, 7, 8, 9]);
  expect([lanes.nextAt(0), takeAll(lanes, 2_000)]).toEqual([50, [2]]);
});

test("after very many have come and gone it begins anew", () => {
  const lanes = new LaneIndex();
  for (let round = 0; round < 3; round += 1) {
    const first = round * 20_000;
    for (let seq = first; seq < first + 20_000; seq += 1) {
      lanes.add(waiting(seq, [`lane-${seq % 5_000}`], seq % 7 === 0 ? 5 : 0));
    }
    let taken = 0;
    for (let one = lanes.take(5, ANY); one !== undefined; one = lanes.take(5, ANY)) {
      taken += 1;
      lanes.remove(one.seq);
    }
    expect([taken, lanes.size, lanes.hasLane("lane-1")]).toEqual([20_000, 0, false]);
    expect(lanes.nextAt(5)).toBeUndefined();
  }
});
