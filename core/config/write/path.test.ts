import { expect, test } from "vitest";
import { parsePath } from "./path.ts";

test.each([
  ["gateway.port", ["gateway", "port"]],
  ["agents.list[0].name", ["agents", "list", "0", "name"]],
  ["models.providers['x.y'].apiKey", ["models", "providers", "x.y", "apiKey"]],
  ['channels["a\\"b"]', ["channels", 'a"b']],
  ["a[b-c].d", ["a", "b-c", "d"]],
  ["$schema", ["$schema"]],
])("%s leads to %j", (text, path) => {
  expect(parsePath(text)).toEqual({ ok: true, value: path });
});

test.each([
  ["", "the path is empty"],
  [".a", "must be written"],
  ["a..b", "must be written"],
  ["a.", "must be written"],
  ["a[", "must be written"],
  ["a[]", "must be written"],
  ["a b", "must be written"],
  ["a]b", "must be written"],
  ["__proto__.x", "no setting is called __proto__"],
  ["a['__proto__']", "no setting is called __proto__"],
  ["a.constructor.prototype", "no setting is called constructor"],
  ["a.".repeat(600), "too long"],
  [Array.from({ length: 40 }, () => "a").join("."), "too deep"],
])("%s is refused", (text, why) => {
  const path = parsePath(text);
  expect(path.ok ? "accepted" : path.error).toContain(why);
});
