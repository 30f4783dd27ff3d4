import { expect, test } from "vitest";
import { STATE_MAX_AGE_MS, StateCache } from "./state-cache.ts";

const ANSWER = { connected: true, lastSeenAt: 5, coreVersion: "1.0.0", spooled: 0 };

function cache(answers: readonly unknown[]): { state: StateCache; loads: () => number } {
  let loads = 0;
  const state = new StateCache(() => {
    const body = answers[loads];
    loads += 1;
    if (body instanceof Error) return Promise.reject(body);
    return Promise.resolve({ body, bundleVersion: 3 });
  });
  return { state, loads: () => loads };
}

test("a flood of anonymous checks asks the relay once in ten seconds", async () => {
  const { state, loads } = cache([ANSWER, { ...ANSWER, connected: false }]);
  for (let now = 0; now < STATE_MAX_AGE_MS; now += 100) {
    expect(await state.get(false, () => {}, now)).toMatchObject({ connected: true });
  }
  expect(loads()).toBe(1);
  expect(await state.get(false, () => {}, STATE_MAX_AGE_MS)).toMatchObject({ connected: false });
  expect(loads()).toBe(2);
});

test("who has a token gets a fresh answer, and leaves it for the others", async () => {
  const { state, loads } = cache([ANSWER, { ...ANSWER, spooled: 4 }]);
  await state.get(false, () => {}, 0);
  expect(await state.get(true, () => {}, 1)).toMatchObject({ spooled: 4 });
  expect(await state.get(false, () => {}, 2)).toMatchObject({ spooled: 4, bundleVersion: 3 });
  expect(loads()).toBe(2);
});

test.each([
  ["does not answer", new Error("down")],
  ["answers something else", { hello: "world" }],
])("a relay that %s is not asked again at once either", async (_name, answer) => {
  const { state, loads } = cache([answer, ANSWER]);
  expect(await state.get(false, () => {}, 0)).toBeUndefined();
  expect(await state.get(false, () => {}, 1)).toBeUndefined();
  expect(loads()).toBe(1);
  expect(await state.get(false, () => {}, STATE_MAX_AGE_MS)).toMatchObject({ connected: true });
});
