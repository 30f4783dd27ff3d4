import { expect, test } from "vitest";
import { readHook } from "./hook-body.ts";

const NONE = { fallback: undefined, prefixes: undefined };

test("a webhook for the agent says what it may, and nothing else", () => {
  const body = {
    message: " hello ",
    name: "CI",
    deliver: true,
    channel: "telegram",
    to: "5",
    x: 1,
  };
  expect(readHook("agent", JSON.stringify(body), NONE)).toEqual({
    kind: "agent",
    message: "hello",
    name: "CI",
    deliver: true,
    channel: "telegram",
    to: "5",
  });
});

test("a wake-up is told as it is", () => {
  const body = JSON.stringify({ text: "mail", mode: "now" });
  expect(readHook("wake", body, NONE)).toEqual({ kind: "wake", text: "mail" });
});

test.each<[string, "agent" | "wake", string, string | undefined]>([
  ["not JSON", "agent", "{", undefined],
  ["no object", "agent", "[]", undefined],
  ["without a message", "agent", "{}", "message"],
  ["with an empty message", "agent", '{"message":"  "}', "message"],
  ["for another agent", "agent", '{"message":"x","agentId":"nope"}', "agentId"],
  ["for a session it may not choose", "agent", '{"message":"x","sessionKey":"m"}', "sessionKey"],
  [
    "longer than a turn takes",
    "agent",
    JSON.stringify({ message: "x".repeat(262_145) }),
    "message",
  ],
  ["without a text", "wake", '{"message":"x"}', "text"],
])("a webhook that is %s is refused for good", (_name, hook, body, param) => {
  expect(() => readHook(hook, body, NONE)).toThrow(
    expect.objectContaining({ code: "invalid_request", param }),
  );
});

test.each([
  [undefined, "hook:all"],
  ["hook:ci:5", "hook:ci:5"],
  ["HOOK:ci:5", "HOOK:ci:5"],
])("a webhook that names the session %s runs in %s", (sessionKey, expected) => {
  const sessions = { fallback: "hook:all", prefixes: ["hook:ci:"] };
  const body = JSON.stringify({ message: "x", sessionKey });
  expect(readHook("agent", body, sessions)).toMatchObject({ sessionKey: expected });
});

test("a session that begins otherwise than it may is refused", () => {
  const sessions = { fallback: undefined, prefixes: ["hook:ci:"] };
  const body = JSON.stringify({ message: "x", sessionKey: "agent:main:main" });
  expect(() => readHook("agent", body, sessions)).toThrow(/allowedSessionKeyPrefixes/);
});

test.each<["agent" | "wake", object, string]>([
  ["wake", {}, "text required"],
  ["wake", { text: " " }, "text required"],
  ["agent", {}, "message required"],
  ["agent", { message: "" }, "message required"],
  ["agent", { message: 5 }, "`message`: must be text"],
  ["agent", { message: "x", deliver: "yes" }, "`deliver`: must be true or false"],
  ["agent", { message: "x", agentId: "nope" }, 'unknown agentId "nope"'],
  ["agent", [], "the body must be an object"],
])("the sender of a webhook for %s with %j is told: %s", (hook, body, message) => {
  expect(() => readHook(hook, JSON.stringify(body), NONE)).toThrow(
    expect.objectContaining({ message }),
  );
});
