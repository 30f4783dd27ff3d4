import { expect, test } from "vitest";
import { CODES, GatewayError, isErrorCode } from "./errors.ts";

test.each(Object.entries(CODES))("the code %s has a status that fits its name", (code, facts) => {
  expect(code).toMatch(/^[a-z]+(?:_[a-z]+)*$/);
  expect(facts.status).toBeGreaterThanOrEqual(400);
  expect(facts.status).toBeLessThan(600);
  expect(facts.title).not.toBe("");
});

test("what may have been executed is not called safe to repeat", () => {
  for (const code of [
    "core_lost",
    "core_reset",
    "core_timeout",
    "internal",
    "model_timeout",
  ] as const) {
    expect(CODES[code].retrySafe, code).toBe(false);
  }
});

test("an error keeps its code, its cause and when to come back", () => {
  const cause = new Error("why");
  const error = new GatewayError("rate_limited", "Too many", {
    cause,
    retryAfterMs: 1_500,
    param: "model",
  });
  expect(error).toBeInstanceOf(Error);
  expect(error).toMatchObject({
    name: "GatewayError",
    code: "rate_limited",
    message: "Too many",
    cause,
    retryAfterMs: 1_500,
    param: "model",
  });
  expect(new GatewayError("internal", "x")).toMatchObject({
    retryAfterMs: undefined,
    param: undefined,
  });
});

test("a code is known by the table alone", () => {
  expect(isErrorCode("core_offline")).toBe(true);
  for (const text of ["", "Core_offline", "constructor", "__proto__", "toString"]) {
    expect(isErrorCode(text), text).toBe(false);
  }
});
