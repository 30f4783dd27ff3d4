import { expect, test } from "vitest";
import { dressed } from "./dress.ts";
import { COMMANDS } from "./table.ts";
import { commandsText, helpText, menuOf, modelsText, spanText } from "./text.ts";

test("everybody is told of every command they may use, and of no other", () => {
  const all = commandsText({ standing: "owner", isGroup: true });
  for (const { name, aliases } of COMMANDS) {
    for (const one of [name, ...aliases]) expect(all).toMatch(new RegExp(`/${one}\\b`));
  }
  expect(commandsText({ standing: "user", isGroup: false })).not.toContain("/activation");
  expect(helpText({ standing: "user", isGroup: false }).split("\n").length).toBeLessThan(14);
});

test("a menu keeps to what Telegram takes", () => {
  for (const { command, description } of menuOf()) {
    expect(command).toMatch(/^[a-z0-9_]{1,32}$/);
    expect(description.length).toBeGreaterThan(2);
    expect(description.length).toBeLessThan(257);
  }
});

test.each([
  [-5, "0 min"],
  [59_000, "0 min"],
  [61 * 60_000, "1 h 1 min"],
  [49 * 3_600_000, "2 d 1 h"],
])("%d ms are %s", (ms, text) => expect(spanText(ms)).toBe(text));

test("models are listed with what is known of them, and not without end", () => {
  const models = Array.from({ length: 100 }, (_, index) => ({
    ref: `p/m${index}`,
    alias: index === 0 ? "best" : undefined,
    available: index !== 1,
    contextWindow: undefined,
  }));
  const text = modelsText(models, "", "p/m0");
  expect(text).toContain("`p/m0` (best, in use)");
  expect(text).toContain("`p/m1` (has no key)");
  expect(text).toContain("60 more");
  expect(modelsText(models, "q", undefined)).toBe("No model of “q”.");
});

const entry = {
  messages: [
    { role: "user", text: "x" },
    {
      role: "assistant",
      text: "",
      toolCalls: [{ id: "1", name: "exec", input: '{"command":\n"ls `x`"}' }],
    },
  ],
  usage: { inputTokens: 1234, outputTokens: 5 },
  run: undefined,
} as const;

test.each([
  [{}, "hi"],
  [{ verboseLevel: "off", responseUsage: "off" }, "hi"],
  [{ verboseLevel: "on" }, "🔧 exec\n\nhi"],
  [{ verboseLevel: "full" }, '🔧 exec: `{"command": "ls \'x\'"}`\n\nhi'],
  [{ responseUsage: "tokens" }, "hi\n\n1,234 tokens in, 5 out"],
])("with %j an answer is shown so", (settings, text) => {
  expect(dressed("hi", entry, settings)).toBe(text);
});
