import { expect, test } from "vitest";
import { webhooksAt } from "./webhook-base.ts";

test.each([
  ["takes it", { takes: () => true }, "/in"],
  ["is of before and knows its own place alone", { takes: () => false }, "/hooks"],
  ["is not there", undefined, "/in"],
])("webhooks are posted, at an edge that %s, at %3$s", (_name, tunnel, path) => {
  expect(webhooksAt(tunnel, "/in")).toBe(path);
});
