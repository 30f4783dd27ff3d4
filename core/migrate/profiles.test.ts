import { expect, test } from "vitest";
import { variableFor } from "../config/secrets/names.ts";
import { keysIn } from "./profiles.ts";

const of = (profile: object, name = "openai:default"): unknown =>
  keysIn({ version: 1, profiles: { [name]: profile } })[0];

test.each([
  ["a key", { type: "api_key", provider: "openai", key: "k" }, { kind: "key", value: "k" }],
  ["a key of the first versions", { mode: "api_key", apiKey: "k" }, { kind: "key", value: "k" }],
  ["a key without a word on its kind", { key: "k" }, { kind: "key", provider: "openai" }],
  ["a reference", { type: "api_key", key: "${MY_KEY}" }, { kind: "variable", name: "MY_KEY" }],
  [
    "a reference as an object",
    { type: "api_key", keyRef: { source: "env", provider: "default", id: "MY_KEY" } },
    { kind: "variable", name: "MY_KEY" },
  ],
  ["a key in a store", { keyRef: { source: "exec", id: "x" } }, { kind: "none" }],
  ["a sign-in", { type: "oauth", access: "a" }, { kind: "none" }],
  ["a token that is no key", { type: "token", token: "a" }, { kind: "none" }],
  ["no key at all", { type: "api_key" }, { kind: "none" }],
])("finds %s", (_name, profile, found) => {
  expect(of(profile)).toMatchObject(found);
});

test.each([[undefined], ["text"], [[]], [{ profiles: 7 }], [{ profiles: { a: 7 } }]])(
  "finds nothing in %j",
  (document) => {
    expect(keysIn(document)).toEqual([]);
  },
);

test.each([
  ["anthropic", "ANTHROPIC_API_KEY"],
  ["google", "GEMINI_API_KEY"],
  ["my-own.one", "MY_OWN_ONE_API_KEY"],
  ["302ai", "_302AI_API_KEY"],
])("the key of %s is in %s", (provider, name) => {
  expect(variableFor(provider)).toBe(name);
});
