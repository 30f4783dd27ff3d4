import { expect, test } from "vitest";
import { Random } from "../../test/support/random.ts";
import { type Candidate, chooseWorkers, type Claim, judge, stickTo } from "./leadership.ts";

const core: Claim = { instance: "a", mode: "leader", store: "s", epoch: 5 };
const lead: Claim = { instance: "b", mode: "leader", store: "s", epoch: 4 };

test.each<[string, Partial<Claim>, Partial<Claim> | undefined, string]>([
  ["alone", {}, undefined, "works"],
  ["without the lock", { epoch: 0 }, undefined, "waits"],
  ["a standby without the lock", { epoch: 0, mode: "standby" }, {}, "waits"],
  ["a standby with a store of its own", { mode: "standby", store: "t" }, {}, "works"],
  ["the next epoch", {}, { epoch: 4 }, "supersedes"],
  ["a standby with the next epoch of the same store", { mode: "standby" }, {}, "supersedes"],
  ["the same epoch", {}, { epoch: 5 }, "refused"],
  ["another store", { store: "t" }, {}, "refused"],
  [
    "no epoch, against one that has none either",
    { epoch: undefined },
    { epoch: undefined },
    "supersedes",
  ],
  ["one that shares", { mode: "shared", epoch: 0 }, {}, "works"],
])("a core that comes %s", (_name, claim, leader, expected) => {
  const verdict = judge({ ...core, ...claim }, leader && { ...lead, ...leader }, undefined);
  const said = verdict.verdict === "works" && verdict.supersedes ? "supersedes" : verdict.verdict;
  expect(said).toBe(expected);
});

test.each([
  [4, "refused"],
  [5, "works"],
  [6, "works"],
])("epoch %i, after this relay has seen epoch 5 of the same store, is %s", (epoch, verdict) => {
  const fence = { store: "s", epoch: 5 };
  expect(judge({ ...core, epoch }, undefined, fence).verdict).toBe(verdict);
});

test("the fence of another store keeps nobody out", () => {
  const fence = { store: "gone", epoch: 500 };
  expect(judge(core, undefined, fence).verdict).toBe("works");
});

const nobody = () => false;

const candidate = (over: Partial<Candidate>): Candidate => ({ ...core, acceptedAt: 1, ...over });

test("a leader works alone, before standbys and those that share", () => {
  const leader = candidate({ instance: "l" });
  const others = [
    candidate({ mode: "shared", epoch: 0 }),
    candidate({ mode: "standby", store: "its own", epoch: 9 }),
    candidate({ epoch: 0, instance: "waiting" }),
  ];
  expect(chooseWorkers([...others, leader], nobody)).toEqual([leader]);
});

test("of two standbys with nothing in common the one that works goes on, or the first one", () => {
  const older = candidate({ mode: "standby", store: "x" });
  const newer = candidate({ mode: "standby", store: "y", acceptedAt: 2 });
  expect(chooseWorkers([newer, older], nobody)).toEqual([older]);
  expect(chooseWorkers([newer, older], (one) => one === newer)).toEqual([newer]);
});

test("a core without epochs that comes back is the newest of itself", () => {
  const older = candidate({ epoch: undefined });
  const newer = candidate({ epoch: undefined, acceptedAt: 2 });
  expect(chooseWorkers([older, newer], (one) => one === older)).toEqual([newer]);
});

test("of one store the highest epoch works, whoever came last", () => {
  const [high, low] = [candidate({ epoch: 7 }), candidate({ epoch: 6, acceptedAt: 9 })];
  expect(chooseWorkers([low, high], nobody)).toEqual([high]);
});

test("a standby that has the store works before a leader that has lost it", () => {
  const standby = candidate({ mode: "standby", epoch: 6 });
  expect(chooseWorkers([candidate({ epoch: 5, acceptedAt: 9 }), standby], nobody)).toEqual([
    standby,
  ]);
});

test("those that share all work", () => {
  const all = ["a", "b"].map((instance) => candidate({ instance, mode: "shared", epoch: 0 }));
  expect(chooseWorkers(all, nobody)).toEqual(all);
});

test("a key sticks to its core, and moves only when that one goes", () => {
  const all = ["a", "b", "c"].map((instance) => candidate({ instance, mode: "shared" }));
  const keys = Array.from({ length: 300 }, (_, index) => `user-${index}`);
  const before = keys.map((key) => stickTo(all, key)?.instance);
  const after = keys.map((key) => stickTo(all.slice(0, 2), key)?.instance);
  expect(new Set(before)).toEqual(new Set(["a", "b", "c"]));
  const moved = keys.filter((_, index) => before[index] !== after[index]);
  expect(moved.length).toBe(before.filter((instance) => instance === "c").length);
  expect(stickTo([], "x")).toBeUndefined();
});

test("whatever cores are called, similar keys are spread over all of them", () => {
  const random = new Random(7);
  for (let round = 0; round < 50; round += 1) {
    const all = Array.from({ length: 2 }, () =>
      candidate({ instance: `${random.u32()}`, mode: "shared" }),
    );
    const got = Array.from({ length: 100 }, (_, user) => stickTo(all, `user-${user}`));
    const first = got.filter((worker) => worker === all[0]).length;
    expect(first).toBeGreaterThan(20);
    expect(first).toBeLessThan(80);
  }
});
