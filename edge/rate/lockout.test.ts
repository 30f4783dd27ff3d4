import { expect, test } from "vitest";
import { Lockout, LOCKOUT_MS } from "./lockout.ts";

test("an address that is locked out stays so until its time is over, and no other is", () => {
  const lockout = new Lockout();
  expect([lockout.isEmpty, lockout.lockedForMs("a", 0)]).toEqual([true, 0]);
  lockout.lock("a", 1_000);
  expect(lockout.isEmpty).toBe(false);
  expect(lockout.lockedForMs("a", 1_001)).toBe(LOCKOUT_MS - 1);
  expect(lockout.lockedForMs("b", 1_001)).toBe(0);
  expect(lockout.lockedForMs("a", 1_000 + LOCKOUT_MS)).toBe(0);
});

test("of very many addresses the one that was locked out last stays, and the first is let go", () => {
  const lockout = new Lockout();
  for (let index = 0; index <= 10_000; index += 1) lockout.lock(`a${index}`, 0);
  expect(lockout.lockedForMs("a0", 1)).toBe(0);
  expect(lockout.lockedForMs("a10000", 1)).toBeGreaterThan(0);
});
