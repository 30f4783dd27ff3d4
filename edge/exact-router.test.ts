import { expect, test } from "vitest";
import { ExactRouter } from "./exact-router.ts";

const router = new ExactRouter<string>();
router.add("GET", "/health", "health");
router.add("GET", "/tunnel", "tunnel");
router.add("POST", "/tunnel/pair", "pair");
router.add("GET", "/tunnel/:relay", "relay");
router.add("ALL", "/hooks/:route", "hooks");
router.add("ALL", "*", "core");

test.each([
  ["GET", "/health", "health"],
  ["POST", "/health", undefined],
  ["GET", "/health/", undefined],
  ["GET", "/Health", undefined],
  ["GET", "/tunnel", "tunnel"],
  ["GET", "/tunnel/", undefined],
  ["POST", "/tunnel/pair", "pair"],
  ["GET", "/tunnel/pair", "relay"],
  ["GET", "/tunnel/weur:1", "relay"],
  ["GET", "/tunnel/weur:1/", undefined],
  ["GET", "/tunnelled", undefined],
  ["PUT", "/hooks/a", "hooks"],
  ["PUT", "/hooks/", undefined],
  ["PUT", "/hooks/a/b", undefined],
  ["PUT", "/hooks/a/", undefined],
  ["PUT", "/x/hooks/a", undefined],
  ["GET", "/", undefined],
])("%s %s is for %s, and else for the core", (method, path, expected) => {
  const [found] = router.match(method, path);
  const names = found.map(([handler]) => handler);
  expect(names).toEqual(expected === undefined ? ["core"] : [expected, "core"]);
});
