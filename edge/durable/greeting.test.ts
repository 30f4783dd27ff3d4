import { expect, test } from "vitest";
import type { Fields } from "../../shared/tunnel/fields.ts";
import { readGreeting } from "./greeting.ts";

const silent = { version: "", mode: "leader", store: "", reattaches: false };

test.each<[string, Fields, object | undefined]>([
  ["that says nothing", [], silent],
  [
    "that says everything",
    [
      [":version", "1.2"],
      [":mode", "standby"],
      [":store", "s"],
      [":epoch", "7"],
      [":features", "later reattach"],
    ],
    { version: "1.2", mode: "standby", store: "s", epoch: 7, reattaches: true },
  ],
  ["with a feature that only looks like ours", [[":features", "reattaches"]], silent],
  ["with an unknown mode", [[":mode", "boss"]], undefined],
  ["with a negative epoch", [[":epoch", "-1"]], undefined],
  ["with an epoch beyond counting", [[":epoch", "9".repeat(16)]], undefined],
  ["with an empty epoch", [[":epoch", ""]], undefined],
])("a greeting %s", (_name, fields, expected) => {
  expect(readGreeting(fields)).toEqual(expected);
});
