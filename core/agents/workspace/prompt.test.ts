import { expect, test } from "vitest";
import { promptFilesOf } from "./names.ts";
import { systemPromptOf } from "./prompt.ts";

const LIMITS = { maxChars: 200, maxTotalChars: 300 };

test("files stand in their order, each under its name, after who the agent is", () => {
  const files = [
    { name: "SOUL.md", text: "Be kind.\n" },
    { name: "TOOLS.md", text: "  \n" },
    { name: "USER.md", text: "Ada" },
  ];
  expect(systemPromptOf("Molty", files, LIMITS)).toBe(
    "You are Molty.\n\n## SOUL.md\n\nBe kind.\n\n## USER.md\n\nAda",
  );
});

test("nothing to say is an empty prompt", () => {
  expect(systemPromptOf(undefined, [], LIMITS)).toBe("");
  expect(systemPromptOf(undefined, [{ name: "SOUL.md", text: "" }], LIMITS)).toBe("");
});

test("a file that is too long keeps its beginning and its end, and says that it was shortened", () => {
  const text = `first ${"x".repeat(1_000)} last`;
  const prompt = systemPromptOf(undefined, [{ name: "SOUL.md", text }], LIMITS);
  expect(prompt).toMatch(
    /^## SOUL\.md\n\nfirst x+\n\n\[1011 characters, shortened.*\]\n\nx+ last$/,
  );
  expect(prompt.length).toBe("## SOUL.md\n\n".length + LIMITS.maxChars);
});

test("all files together stay below their limit: what comes last is left out", () => {
  const long = { name: "SOUL.md", text: "x".repeat(190) };
  const files = [long, { ...long, name: "USER.md" }, { ...long, name: "MEMORY.md" }];
  const prompt = systemPromptOf(undefined, files, LIMITS);
  expect(prompt).toContain("## USER.md");
  expect(prompt).not.toContain("## MEMORY.md");
  expect(prompt.replaceAll(/## \w+\.md\n\n/g, "").length).toBeLessThanOrEqual(302);
});

test("no half of a character is left where a file was cut", () => {
  const text = "😀".repeat(500);
  expect(systemPromptOf(undefined, [{ name: "SOUL.md", text }], LIMITS).isWellFormed()).toBe(true);
});

test("a file about the owner is cut sooner than others", () => {
  const limits = { maxChars: 20_000, maxTotalChars: 60_000 };
  const text = "x".repeat(10_000);
  const prompt = systemPromptOf(undefined, [{ name: "USER.md", text }], limits);
  expect(prompt.length).toBeLessThan(4_100);
  expect(systemPromptOf(undefined, [{ name: "SOUL.md", text }], limits)).toContain(text);
});

test("files that a workspace should have are named when they are missing, but not of an empty one", () => {
  const expected = new Set(["AGENTS.md"]);
  const missing = { name: "AGENTS.md", text: undefined };
  const files = [missing, { name: "USER.md", text: undefined }, { name: "SOUL.md", text: "x" }];
  expect(systemPromptOf(undefined, files, LIMITS, expected)).toBe(
    "## AGENTS.md\n\n[There is no such file in the workspace.]\n\n## SOUL.md\n\nx",
  );
  expect(systemPromptOf(undefined, [missing], LIMITS, expected)).toBe("");
});

test("a guest is told nothing about the owner", () => {
  const told = promptFilesOf("agent:main:telegram:direct:77", true);
  expect(told).toEqual(["AGENTS.md", "SOUL.md", "IDENTITY.md", "TOOLS.md"]);
});

const ALL = ["AGENTS", "SOUL", "IDENTITY", "USER", "TOOLS", "BOOTSTRAP", "MEMORY"];
const without = (...names: string[]) => ALL.filter((name) => !names.includes(name));

test.each([
  ["agent:main:main", ALL],
  ["agent:main:telegram:direct:5", ALL],
  ["agent:main:direct:5", ALL],
  [undefined, without("BOOTSTRAP")],
  ["agent:main:openai-user:ada", without("BOOTSTRAP")],
  ["agent:main:cron:7:run:1", without("BOOTSTRAP", "MEMORY")],
  ["agent:main:telegram:group:-5", without("USER", "BOOTSTRAP", "MEMORY")],
  ["agent:main:telegram:group:-5:topic:7", without("USER", "BOOTSTRAP", "MEMORY")],
  ["agent:main:slack:channel:c1", without("USER", "BOOTSTRAP", "MEMORY")],
  ["agent:main:hook:agent:x", without("USER", "BOOTSTRAP", "MEMORY")],
  ["agent:main:subagent:9", ["AGENTS"]],
  ["agent:main:telegram:group:-5:subagent:9", ["AGENTS"]],
  ["agent:main:telegram:group:direct:5", without("USER", "BOOTSTRAP", "MEMORY")],
])("in the session %s these files are read: %j", (sessionKey, names) => {
  expect(promptFilesOf(sessionKey)).toEqual(names.map((name) => `${name}.md`));
});
