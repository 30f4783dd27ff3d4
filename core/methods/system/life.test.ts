import { expect, test } from "vitest";
import { Life } from "./life.ts";
import { updateStatus } from "./update.ts";

function world() {
  const kept = new Map<string, string>();
  let now = 1_000;
  const shelf = {
    get: async (key: string) => kept.get(key),
    set: async (key: string, value: string) => void kept.set(key, value),
  };
  return {
    kept,
    pass: (ms: number) => (now += ms),
    async process(version = "1.0.0") {
      const life = new Life(version, () => now);
      await life.begin(shelf);
      return life;
    },
  };
}

test("the first process of a state knows of none before it", async () => {
  const it = world();
  expect((await it.process()).facts).toEqual({
    version: "1.0.0",
    startedAt: 1_000,
    starts: 1,
    crashes: 0,
    isAfterCrash: false,
    previous: undefined,
    update: undefined,
  });
});

test("a process that has said that it ends was no crash, and one that has not was one", async () => {
  const it = world();
  const first = await it.process();
  it.pass(500);
  await first.end();
  const second = await it.process();
  expect(second.facts).toMatchObject({
    starts: 2,
    crashes: 0,
    isAfterCrash: false,
    previous: { startedAt: 1_000, endedAt: 1_500 },
  });
  const third = await it.process();
  expect(third.facts).toMatchObject({ starts: 3, crashes: 1, isAfterCrash: true });
  await third.end();
  expect((await it.process()).facts).toMatchObject({ crashes: 1, isAfterCrash: false });
});

test("the last update is told until there is another one", async () => {
  const it = world();
  expect(updateStatus((await it.process()).facts, "git")).toEqual({
    sentinel: null,
    updateAvailable: null,
    effectiveChannel: "stable",
    schedule: { channel: "stable", autoEnabled: false, install: { kind: "git" } },
  });
  it.pass(9);
  await it.process("1.1.0");
  const { facts } = await it.process("1.1.0");
  expect(updateStatus(facts, "package")).toMatchObject({
    sentinel: {
      kind: "update",
      ts: 1_009,
      stats: { before: { version: "1.0.0" }, after: { version: "1.1.0" } },
    },
  });
});

test("what cannot be read is as if nothing had been kept", async () => {
  const it = world();
  it.kept.set("life", '{"starts":"many"}');
  expect((await it.process()).facts).toMatchObject({ starts: 1, previous: undefined });
});
