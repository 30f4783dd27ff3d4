import { expect, test } from "vitest";
import type { Handle } from "./answer.ts";
import { routerOf } from "./router.ts";

const named = (): Handle => () => new Response(null);
const handles = {
  health: named(),
  tunnel: named(),
  pair: named(),
  relay: named(),
  hooks: named(),
  core: named(),
};
const route = routerOf([
  { path: "/health", methods: ["GET", "HEAD"], handle: handles.health },
  { path: "/tunnel", methods: ["GET"], handle: handles.tunnel },
  { path: "/tunnel/pair", methods: ["POST"], handle: handles.pair },
  { path: "/tunnel/:relay", methods: ["GET"], handle: handles.relay },
  { path: "/hooks/:route", handle: handles.hooks },
  { path: "*", handle: handles.core },
]);

test.each([
  ["GET", "/health", "health"],
  ["HEAD", "/health", "health"],
  ["POST", "/health", "refused"],
  ["GET", "/health/", "core"],
  ["GET", "/Health", "core"],
  ["GET", "/%68ealth", "core"],
  ["GET", "/tunnel", "tunnel"],
  ["HEAD", "/tunnel", "tunnel"],
  ["DELETE", "/tunnel", "refused"],
  ["GET", "/tunnel/", "core"],
  ["POST", "/tunnel/pair", "pair"],
  ["GET", "/tunnel/pair", "refused"],
  ["HEAD", "/tunnel/pair", "refused"],
  ["GET", "/tunnel/weur:1", "relay"],
  ["GET", "/tunnel/weur:1/", "core"],
  ["GET", "/tunnelled", "core"],
  ["PUT", "/hooks/a", "hooks"],
  ["PUT", "/hooks/", "core"],
  ["PUT", "/hooks/a/b", "core"],
  ["PUT", "/hooks/a/", "core"],
  ["PUT", "/x/hooks/a", "core"],
  ["GET", "/", "core"],
])("%s %s is for %s", (method, path, expected) => {
  const found = route(method, path);
  const [name = "refused"] = Object.entries(handles).find(([, handle]) => handle === found) ?? [];
  expect(name).toBe(expected);
});

test("a router without a last resort says so", () => {
  expect(() => routerOf([])("GET", "/")).toThrow("ends with *");
});
