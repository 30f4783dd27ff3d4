import { expect, test } from "vitest";
import { GatewayError } from "../../../shared/errors.ts";
import { storeProbe } from "./store-probe.ts";

/** A disk that can be full, and counts how often it was tried. */
function disk() {
  const state = { full: false, writes: 0, now: 1_000 };
  const set = async (): Promise<void> => {
    state.writes += 1;
    if (state.full) throw new GatewayError("overloaded", "no room left");
  };
  return { state, canSave: storeProbe({ set }, () => state.now) };
}

test("a full disk is seen, and so is room again", async () => {
  const { state, canSave } = disk();
  expect(await canSave()).toBe(true);
  state.full = true;
  state.now += 1_000;
  expect(await canSave()).toBe(false);
  state.full = false;
  state.now += 1_000;
  expect(await canSave()).toBe(true);
});

test("many who ask cost one write a second", async () => {
  const { state, canSave } = disk();
  expect(await Promise.all([canSave(), canSave(), canSave()])).toEqual([true, true, true]);
  state.now += 999;
  await canSave();
  expect(state.writes).toBe(1);
});

test("a bug of the store is no full disk", async () => {
  const canSave = storeProbe({ set: () => Promise.reject(new TypeError("a bug")) }, () => 0);
  await expect(canSave()).rejects.toThrow("a bug");
});
