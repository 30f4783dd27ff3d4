import { expect, test } from "vitest";
import { utf8 } from "../../../shared/bytes.ts";
import type { Condition } from "../../config/ingress/ingress.ts";
import { chooseCase, holds } from "./conditions.ts";
import { viewOf } from "./view.ts";

const BODY = {
  action: "opened",
  count: 0,
  nothing: null,
  labels: [{ name: "bug" }, { name: "big one" }],
  "odd key": { x: true },
};

function seen(body: string, headers: Record<string, string> = {}) {
  const source = { route: "github", headers: new Headers(headers), query: "", receivedAt: 0 };
  return viewOf({ ...source, body: utf8(body) });
}

function condition(change: Partial<Condition>): Condition {
  return {
    path: "",
    header: undefined,
    equals: undefined,
    oneOf: undefined,
    matches: undefined,
    exists: undefined,
    not: false,
    ...change,
  };
}

test.each<[string, Partial<Condition>, boolean]>([
  ["an equal text", { path: "action", equals: "opened" }, true],
  ["another text", { path: "action", equals: "closed" }, false],
  ["a number that is 0", { path: "count", equals: 0 }, true],
  ["a number as text", { path: "count", equals: "0" }, false],
  ["null", { path: "nothing", equals: null }, true],
  ["null where nothing is", { path: "none", equals: null }, false],
  ["one of several", { path: "$.action", oneOf: ["a", "opened"] }, true],
  ["none of several", { path: "action", oneOf: ["a"] }, false],
  ["a place in a list", { path: "labels[1].name", equals: "big one" }, true],
  ["a place behind the list", { path: "labels[9].name", exists: true }, false],
  ["a key in quotes", { path: '$["odd key"].x', equals: true }, true],
  ["an expression", { path: "action", matches: /^open/u }, true],
  ["an expression on an object", { path: "labels", matches: /"bug"/u }, true],
  ["an expression where nothing is", { path: "none", matches: /(?:)/u }, false],
  ["what is there", { path: "count", exists: true }, true],
  ["what is not there", { path: "none", exists: false }, true],
  ["what is there but should not be", { path: "count", exists: false }, false],
  ["nothing asked for: it is there", { path: "nothing" }, true],
  ["nothing asked for: it is not there", { path: "none" }, false],
  ["what every object has", { path: "constructor.name", exists: true }, false],
  ["a text's length", { path: "action.length", exists: true }, false],
  ["the reverse", { path: "action", equals: "opened", not: true }, false],
  ["the reverse of what is not there", { path: "none", equals: "x", not: true }, true],
  ["a header", { header: "x-event", equals: "push" }, true],
  ["a header that is not there", { header: "x-none", exists: true }, false],
])("%s holds: %j is %s", (_name, change, expected) => {
  const view = seen(JSON.stringify(BODY), { "X-Event": "push" });
  expect(holds(condition(change), view)).toBe(expected);
});

test.each(["", "not json", "[", "\u0000", "null", "5"])(
  "of a body that is %j no place is there",
  (body) => {
    expect(holds(condition({ path: "a", exists: true }), seen(body))).toBe(false);
  },
);

test("a form has the places of its fields, and of the JSON in one of them", () => {
  const type = { "Content-Type": "application/x-www-form-urlencoded; charset=utf-8" };
  const view = seen("command=%2Fask&payload=%7B%22a%22%3A1%7D&__proto__=x", type);
  expect(holds(condition({ path: "command", equals: "/ask" }), view)).toBe(true);
  expect(holds(condition({ path: "payload.a", equals: 1 }), view)).toBe(true);
});

test.each(['{"a":1}', ' \n{"a":1}'])("JSON that is called a form is JSON: %j", (body) => {
  const view = seen(body, { "Content-Type": "application/x-www-form-urlencoded" });
  expect(holds(condition({ path: "a", equals: 1 }), view)).toBe(true);
});

test("only the beginning of a value is searched", () => {
  const view = seen(JSON.stringify({ a: `${"x".repeat(8_192)}needle` }));
  expect(holds(condition({ path: "a", matches: /needle/u }), view)).toBe(false);
});

test("the first case whose conditions all hold is chosen", () => {
  const target = { kind: "channel", channel: "telegram" } as const;
  const one = { when: [condition({ path: "count", equals: 1 })], forEach: undefined, target };
  const two = { ...one, when: [condition({ path: "count", equals: 0 })] };
  const any = { ...one, when: [] };
  const view = seen(JSON.stringify(BODY));
  expect(chooseCase([one, two, any], view)).toBe(two);
  expect(chooseCase([one, any], view)).toBe(any);
  expect(chooseCase([one], view)).toBeUndefined();
});
