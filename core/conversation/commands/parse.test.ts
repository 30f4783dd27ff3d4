import { expect, test } from "vitest";
import { commandOf, isChange, isSoft, isStop } from "./parse.ts";
import { COMMANDS, NOT_HERE } from "./table.ts";

test.each([
  ["/stop", "stop", ""],
  [" /Abort. ", "stop", ""],
  ["/stop!", "stop", ""],
  ["/new", "new", ""],
  ["/reset  what is\nnew? ", "reset", "what is\nnew?"],
  ["/t high", "think", "high"],
  ["/think: high", "think", "high"],
  ["/think:high", "think", "high"],
  ["/think:", "think", ""],
  ["/ID", "whoami", ""],
  ["/model openai/gpt-5 -s", "model", "openai/gpt-5 -s"],
])("%j is a command", (message, name, args) => {
  expect(commandOf(message)).toMatchObject({ do: "run", spec: { name }, args });
});

test.each([
  "stop",
  "/stop it now",
  "/status of the project",
  "/newest",
  "/new.",
  "say /new",
  "/etc/hosts",
  "/",
  "//new",
  "/1",
  "",
  "/elevated on",
  "/unheard-of",
  `/${"x".repeat(40)}`,
])("%j is for the agent", (message) => {
  expect(commandOf(message)).toBeUndefined();
});

test("a command of OpenClaw that there is not is known as such, alone", () => {
  expect(commandOf("/Elevated")).toEqual({ do: "not_here", name: "elevated" });
});

test("no name is both here and not here, and none is said twice", () => {
  const names = COMMANDS.flatMap(({ name, aliases }) => [name, ...aliases]);
  expect(names.filter((name) => NOT_HERE.has(name))).toEqual([]);
  expect(new Set(names).size).toBe(names.length);
});

test.each(["/stop", "/abort!", "stop", "STOP!!", "Please stop.", "stop, please", "esc", "стоп"])(
  "%j makes an agent stop",
  (message) => expect(isStop(message)).toBe(true),
);

test.each(["stop it now", "do not stop", "/stopp", "", "stop".repeat(100), "/new"])(
  "%j does not make an agent stop",
  (message) => expect(isStop(message)).toBe(false),
);

test.each([
  ["/new", true],
  ["/compact", true],
  ["/model", false],
  ["/model a/b", true],
  ["/models openai", false],
  ["/status", false],
  ["/elevated", false],
  ["hello", false],
])("%j changes something: %j", (message, changes) => {
  expect(isChange(commandOf(message))).toBe(changes);
});

test.each([
  ["soft", true],
  ["Soft but firm", true],
  ["softly", false],
  ["", false],
])("a reset %j is another kind of it: %j", (args, soft) => {
  expect(isSoft(args)).toBe(soft);
});
