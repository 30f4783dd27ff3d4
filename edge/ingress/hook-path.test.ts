import { expect, test } from "vitest";
import { hookName } from "./hook-path.ts";

test.each([
  ["a name below it", "/hooks", "/hooks/agent", "agent"],
  ["a name below a longer one", "/in/coming", "/in/coming/agent", "agent"],
  ["no name", "/hooks", "/hooks/", undefined],
  ["the path itself", "/hooks", "/hooks", undefined],
  ["more than a name", "/hooks", "/hooks/agent/now", undefined],
  ["a slash at the end", "/hooks", "/hooks/agent/", undefined],
  ["a path that begins alike", "/hooks", "/hooks2/agent", undefined],
  ["the same in capitals", "/hooks", "/HOOKS/agent", undefined],
  ["another path of that length", "/hooks", "/hookz/agent", undefined],
  ["a shorter one", "/in/coming", "/in/agent", undefined],
  ["nothing", "/hooks", "/", undefined],
  ["a name as it was written", "/hooks", "/hooks/%61gent", "%61gent"],
])("of %s", (_name, hooksPath, path, name) => {
  expect(hookName({ hooksPath }, path)).toBe(name);
});
