import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { RATE_LIMIT_SCRIPT, rateLimit } from "./rate-limit.ts";

beforeEach(() => void vi.useFakeTimers({ now: 1_000_000 }));
afterEach(() => void vi.useRealTimers());

test("each key has its own count, and a new one with every period", async () => {
  const limiter = rateLimit({ limit: 2, periodMs: 10_000 });
  const ask = async (key: string) => (await limiter.limit({ key })).success;
  expect([await ask("a"), await ask("a"), await ask("a"), await ask("b")]).toEqual([
    true,
    true,
    false,
    true,
  ]);
  vi.setSystemTime(1_010_000);
  expect(await ask("a")).toBe(true);
});

test("with more keys than it can remember, those it knows stay limited", async () => {
  const limiter = rateLimit({ limit: 1, periodMs: 10_000 });
  for (let key = 0; key < 50_000; key += 1) await limiter.limit({ key: String(key) });
  await limiter.limit({ key: "one too many" });
  expect(await limiter.limit({ key: "one too many" })).toEqual({ success: true });
  expect(await limiter.limit({ key: "7" })).toEqual({ success: false });
});

test("its text is a module that stands alone", () => {
  expect(RATE_LIMIT_SCRIPT).toMatch(/^export function rateLimit\(/);
  expect(RATE_LIMIT_SCRIPT).not.toContain("import");
});
