import { expect, test } from "vitest";
import { hookTurn } from "../conversation/hook.ts";
import { canonicalSessionKey, isEphemeral, requestSessionKey } from "./session-key.ts";

const ID = "0b8f6a52-41b6-4c39-9a63-1f2d8d0a7c11";

test("the session of a request that names nobody may be forgotten", () => {
  expect(isEphemeral(requestSessionKey("main", ID))).toBe(true);
  expect(isEphemeral(requestSessionKey("helper_2", crypto.randomUUID()))).toBe(true);
});

test("the session that one webhook gets for itself may be forgotten", () => {
  const { sessionKey } = hookTurn(
    { kind: "agent", message: "m", name: "n", deliver: false },
    { agent: "main", itemId: "agent:d1", boundary: "b" },
  );
  expect(isEphemeral(sessionKey)).toBe(true);
});

// Each row is a session somebody may come back to.
test.each([
  ["the owner's", "agent:main:main"],
  ["a chat", "agent:main:telegram:direct:42"],
  ["a group's topic", "agent:main:telegram:group:-100500:topic:7"],
  ["a named user", "agent:main:openai-user:ada"],
  ["a user named like a request", `agent:main:openai-user:x:openai:${ID}`],
  ["a user with colons", `agent:main:openai-user:agent:main:openai:${ID}`],
  ["a webhook with a name", "agent:main:hook:ci"],
  ["a request with more behind it", `agent:main:openai:${ID}:more`],
  ["a request that is no UUID", "agent:main:openai:ada"],
  ["empty", ""],
])("the session of %s stays", (_name, key) => {
  expect(isEphemeral(key)).toBe(false);
});

test.each([
  ["main", "agent:main:main"],
  [" Main ", "agent:main:main"],
  ["", "agent:main:main"],
  ["Work Notes", "agent:main:work notes"],
  ["agent:Ops:main", "agent:ops:main"],
  ["agent:ops:hook:agent:AbC", "agent:ops:hook:agent:AbC"],
  ["agent:", "agent:main:agent:"],
  ["agent::x", "agent:main:agent::x"],
])("%j is the session %s", (key, canonical) => {
  expect(canonicalSessionKey(key, "main")).toBe(canonical);
});
