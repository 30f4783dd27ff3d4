import { expect, test } from "vitest";
import { loginPathFor, nextPath } from "./next-path.ts";

const ORIGIN = "https://edge.example";

test.each([
  ["/", "/"],
  ["/chat?session=main&x=%20", "/chat?session=main&x=%20"],
  ["/a/../b", "/b"],
  ["/ü", "/%C3%BC"],
  ["/@evil.example", "/@evil.example"],
  ["/%2F%2Fevil.example", "/%2F%2Fevil.example"],
  ["/https://evil.example", "/https://evil.example"],
])("%j leads to %s", (next, path) => {
  expect(nextPath(next, ORIGIN)).toBe(path);
});

test.each([
  ["nothing", null],
  ["empty", ""],
  ["another origin", "https://evil.example/"],
  ["our own origin, spelled out", "https://edge.example/chat"],
  ["another host without a scheme", "//evil.example"],
  ["a path of another host", "//evil.example/chat"],
  ["another host after three slashes", "///evil.example"],
  ["a backslash for a slash", "/\\evil.example"],
  ["two backslashes", "\\\\evil.example"],
  ["a tab that browsers take out", "/\t/evil.example"],
  ["a line end that browsers take out", "/\n/evil.example"],
  ["a dot that browsers take out", "/.//evil.example"],
  ["a folder left at once", "/a/..//evil.example"],
  ["an escaped dot", "/%2e//evil.example"],
  ["a script", "javascript:alert(1)"],
  ["data", "data:text/html,x"],
  ["a relative path", "evil"],
  ["a space before it", " //evil.example"],
  ["the login page", "/auth/login?next=/x"],
  ["the login page, dressed up", "/auth/./login"],
  ["longer than worth it", `/${"a".repeat(3_000)}`],
])("%s leads to the front door", (_name, next) => {
  expect(nextPath(next, ORIGIN)).toBe("/");
});

test("a line end in a path never becomes a header", () => {
  expect(nextPath("/a\r\nSet-Cookie:b=1", ORIGIN)).toBe("/aSet-Cookie:b=1");
});

test.each([
  ["GET", "/", "", "/auth/login"],
  ["GET", "/chat", "?a=1&b=2", "/auth/login?next=%2Fchat%3Fa%3D1%26b%3D2"],
  ["GET", "/chat", "?ticket=t1.x&a=1", "/auth/login?next=%2Fchat%3Fa%3D1"],
  ["POST", "/chat", "", "/auth/login"],
  ["GET", `/${"a".repeat(3_000)}`, "", "/auth/login"],
])("%s %s%s is asked to sign in at %s", (method, path, query, location) => {
  expect(loginPathFor({ method, path, query })).toBe(location);
});
