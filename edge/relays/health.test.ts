import { expect, test } from "vitest";
import { CORELESS_RETRY_MS, RelayHealth, RETRY_MS, WELL_MS } from "./health.ts";

test("nothing is known of a relay that was never asked", () => {
  const health = new RelayHealth();
  expect(health.pulse(0)).toBe("unknown");
  expect(health.rank).toBe(0);
  expect(health.isDue(1e12)).toBe(false);
});

test("an answer makes it well for a while", () => {
  const health = new RelayHealth();
  health.answered(100);
  expect(health.pulse(100 + WELL_MS - 1)).toBe("well");
  expect(health.pulse(100 + WELL_MS)).toBe("unknown");
});

test("a failure outweighs the answers before it, and stays until the next answer", () => {
  const health = new RelayHealth();
  health.answered(100);
  health.failed(101);
  expect(health.pulse(102)).toBe("unwell");
  expect(health.pulse(1e12)).toBe("unwell");
  expect(health.rank).toBe(2);
  health.answered(1e12);
  expect(health.pulse(1e12)).toBe("well");
  expect(health.rank).toBe(0);
});

test("what failed is due for another look after ten seconds, and again ten after that", () => {
  const health = new RelayHealth();
  health.failed(0);
  expect(health.isDue(RETRY_MS - 1)).toBe(false);
  expect(health.isDue(RETRY_MS)).toBe(true);
  health.failed(RETRY_MS);
  expect(health.isDue(RETRY_MS + 1)).toBe(false);
});

test("a relay without a core is well and comes after one that may have a core", () => {
  const health = new RelayHealth();
  health.answered(0);
  health.sawCore(false, 0);
  expect(health.pulse(1)).toBe("well");
  expect(health.rank).toBe(1);
  expect(health.isDue(CORELESS_RETRY_MS - 1)).toBe(false);
  expect(health.isDue(CORELESS_RETRY_MS)).toBe(true);
  health.sawCore(true, CORELESS_RETRY_MS);
  expect(health.rank).toBe(0);
});

test("a doubt takes away what is known, and no more than that", () => {
  const health = new RelayHealth();
  health.answered(0);
  health.doubted();
  expect(health.pulse(1)).toBe("unknown");
  expect(health.rank).toBe(0);
});
