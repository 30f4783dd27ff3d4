import { expect, test } from "vitest";
import type { Caller } from "../tunnel/handlers.ts";
import type { HttpAgents } from "./agents.ts";
import { placeOf, selectionOf } from "./selection.ts";

const MAIN = { id: "main", name: undefined, model: { id: "demo/echo", demo: true } };
const ADA = { ...MAIN, id: "ada" };
const AGENTS: HttpAgents = {
  main: () => MAIN,
  list: () => [MAIN, ADA],
  find: (id) => [MAIN, ADA].find((one) => one.id === id),
};

function caller(subject: string, ...scopes: readonly ("operator" | "chat")[]): Caller {
  return { principal: { subject, scopes: [...scopes] }, requestId: "r", ip: "::1", via: "local" };
}
const OWNER = caller("operator", "operator");
const GUEST = caller("guest", "chat");

function select(headers: Record<string, string>, who = OWNER, model = "openclaw") {
  return selectionOf(new Headers(headers), model, who, AGENTS);
}

test("without headers the body alone decides", () => {
  expect(select({}, GUEST, "openclaw/ada")).toEqual({
    agent: ADA,
    model: undefined,
    sessionKey: undefined,
    channel: undefined,
  });
});

test.each([
  ["main", "agent:main:main"],
  ["My-Thread", "agent:main:my-thread"],
  ["agent:main:telegram:direct:42", "agent:main:telegram:direct:42"],
])("the session key %s is %s", (given, key) => {
  expect(select({ "x-openclaw-session-key": given }).sessionKey).toBe(key);
});

test.each([
  ["a session of the gateway", { "x-openclaw-session-key": "subagent:1" }],
  ["one in capitals", { "x-openclaw-session-key": "CRON:1" }],
  ["one behind an agent", { "x-openclaw-session-key": "agent:main:acp:1" }],
  ["another agent's", { "x-openclaw-session-key": "agent:ada:x" }],
  ["no session at all", { "x-openclaw-session-key": "agent:main:" }],
  ["one that is too long", { "x-openclaw-session-key": "a".repeat(257) }],
  ["an unknown agent", { "x-openclaw-agent-id": "nobody" }],
  ["a channel of two words", { "x-openclaw-message-channel": "a b" }],
])("%s is refused", (_name, headers) => {
  expect(() => select({ ...headers })).toThrow(
    expect.objectContaining({ code: "invalid_request" }),
  );
});

test.each<Record<string, string>>([
  { "x-openclaw-session-key": "main" },
  { "x-openclaw-model": "openai/gpt-x" },
])("%j is for the owner only", (headers) => {
  expect(() => select(headers, GUEST)).toThrow(expect.objectContaining({ code: "forbidden" }));
});

test("a named session counts for more than a user, and nobody reaches another's user", () => {
  const named = select({ "x-openclaw-session-key": "x" });
  expect(placeOf(named, "bob", OWNER)).toEqual({ sessionKey: "agent:main:x", continues: true });
  expect(placeOf(select({}), "bob", OWNER).sessionKey).toBe("agent:main:openai-user:bob");
  expect(placeOf(select({}, GUEST), "bob", GUEST).sessionKey).toBe(
    "agent:main:openai-user:guest:bob",
  );
  const own = placeOf(select({}), undefined, OWNER);
  expect(own.continues).toBe(false);
  expect(own.sessionKey).toMatch(/^agent:main:openai:[0-9a-f-]{36}$/);
});

test("no user of one caller is that of another, whatever they are called", () => {
  const one = placeOf(select({}, caller("team", "chat")), "bob:x", caller("team", "chat"));
  const other = placeOf(select({}, GUEST), "x", caller("team:bob", "chat"));
  expect(one.sessionKey).not.toBe(other.sessionKey);
});

test("a device chooses a model by header as an administrator only", () => {
  const headers = { "x-openclaw-model": "openai/gpt-x" };
  const writes: Caller = { ...OWNER, operatorScopes: ["operator.write"] };
  const administers: Caller = { ...OWNER, operatorScopes: ["operator.admin"] };
  expect(() => select(headers, writes)).toThrow("operator.admin");
  expect(select(headers, administers).model).toBe("openai/gpt-x");
});
