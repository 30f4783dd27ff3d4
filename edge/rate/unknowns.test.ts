import { expect, test } from "vitest";
import { Unknowns } from "./unknowns.ts";

const MINUTE_MS = 60_000;

test("who shows the same again has guessed once, who shows another each time", () => {
  const unknowns = new Unknowns();
  const shown = ["a", "a", "b", "a", "b", "c"];
  expect(shown.map((digest, at) => unknowns.note("who", digest, at))).toEqual([
    true,
    false,
    true,
    false,
    false,
    true,
  ]);
});

test("each address counts for itself", () => {
  const unknowns = new Unknowns();
  expect(unknowns.note("who", "a", 0)).toBe(true);
  expect([unknowns.has("who", 1), unknowns.has("other", 1)]).toEqual([true, false]);
  expect(unknowns.note("other", "a", 1)).toBe(true);
});

test("a minute after it was shown last, nothing is left", () => {
  const unknowns = new Unknowns();
  unknowns.note("who", "a", 0);
  unknowns.note("who", "a", MINUTE_MS - 1);
  expect(unknowns.has("who", 2 * MINUTE_MS - 2)).toBe(true);
  expect(unknowns.has("who", 2 * MINUTE_MS - 1)).toBe(false);
  expect(unknowns.note("who", "a", 2 * MINUTE_MS - 1)).toBe(true);
});

test("of very much that one address shows, what came long before is another guess", () => {
  const unknowns = new Unknowns();
  for (let index = 0; index <= 16; index += 1) unknowns.note("who", `d${index}`, 0);
  expect(unknowns.note("who", "d16", 1)).toBe(false);
  expect(unknowns.note("who", "d0", 1)).toBe(true);
});

test("of very many addresses the one that has shown nothing for longest is forgotten", () => {
  const unknowns = new Unknowns();
  for (let index = 0; index < 1_000; index += 1) unknowns.note(`a${index}`, "d", 0);
  unknowns.note("a0", "d", 1);
  unknowns.note("one more", "d", 1);
  expect([unknowns.has("a0", 2), unknowns.has("a1", 2)]).toEqual([true, false]);
});

test("what was asked for in vain is known to be wrong, as long as it is remembered", () => {
  const unknowns = new Unknowns();
  unknowns.refute("who", "a");
  unknowns.note("who", "a", 0);
  expect(unknowns.isRefuted("who", "a")).toBe(false);
  unknowns.refute("who", "a");
  unknowns.note("who", "a", 1);
  unknowns.note("who", "b", 2);
  expect([unknowns.isRefuted("who", "a"), unknowns.isRefuted("who", "b")]).toEqual([true, false]);
  expect(unknowns.isRefuted("other", "a")).toBe(false);
  unknowns.note("who", "a", 2 + MINUTE_MS);
  expect(unknowns.isRefuted("who", "a")).toBe(false);
});

test("the first thing an address shows is that for a few seconds, and no more once it shows another", () => {
  const unknowns = new Unknowns();
  expect(unknowns.isFirst("who", "a", 0)).toBe(true);
  unknowns.note("who", "a", 0);
  expect([unknowns.isFirst("who", "a", 4_999), unknowns.isFirst("who", "b", 4_999)]).toEqual([
    true,
    false,
  ]);
  unknowns.note("who", "a", 4_999);
  expect(unknowns.isFirst("who", "a", 5_000)).toBe(false);
  const others = new Unknowns();
  others.note("who", "a", 0);
  others.note("who", "b", 1);
  expect(others.isFirst("who", "a", 2)).toBe(false);
});
