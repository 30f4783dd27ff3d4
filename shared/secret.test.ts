import { expect, test } from "vitest";
import { Secret } from "./secret.ts";

const VALUE = "hunter2";
const INSPECT = Symbol.for("nodejs.util.inspect.custom");

/** As Node's `util.inspect` does, which the tests of `shared/` cannot import. */
function inspected(secret: Secret): string {
  const method: unknown = Reflect.get(secret, INSPECT);
  return typeof method === "function" ? String(Reflect.apply(method, secret, [])) : VALUE;
}

test.each([
  ["as text", (secret: Secret) => String(secret)],
  ["as JSON", (secret: Secret) => JSON.stringify({ secret })],
  ["as its own keys", (secret: Secret) => JSON.stringify(Object.entries(secret))],
  ["spread", (secret: Secret) => JSON.stringify(Object.assign({}, secret))],
  ["inspected", inspected],
  ["thrown", (secret: Secret) => new Error(String(secret)).message],
])("a secret %s shows nothing", (_name, print) => {
  expect(print(new Secret(VALUE))).not.toContain(VALUE);
});

test("only reveal gives it away", () => {
  expect(new Secret(VALUE).reveal()).toBe(VALUE);
});
