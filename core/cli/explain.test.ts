import { expect, test } from "vitest";
import { GatewayError } from "../../shared/errors.ts";
import { UnfitSettings } from "../gateway/lifecycle/unfit-settings.ts";
import { ConfigFault } from "./command.ts";
import { explain } from "./explain.ts";

const invalid = new GatewayError("invalid_request", "a.b: is needed");

test.each<[string, Error, number]>([
  [
    "a config that cannot be read",
    new ConfigFault({ reason: "invalid", file: "c", issues: [] }),
    78,
  ],
  [
    "a secret whose keeper is away",
    new ConfigFault({ reason: "secret", path: "a", detail: "d" }),
    1,
  ],
  ["a config that no gateway can run with", new UnfitSettings(invalid), 78],
  ["the same words for another reason", invalid, 1],
  ["a state of a newer version", new GatewayError("version_unsupported", "newer"), 78],
  ["a state that another gateway has", new GatewayError("conflict", "in use"), 1],
])("%s ends a command with the right code", (_name, error, exitCode) => {
  expect(explain(error).exitCode).toBe(exitCode);
});

test("a bug keeps its stack", () => {
  expect(() => explain(new TypeError("x"))).toThrow(TypeError);
});
