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

test.each([
  [undefined, true],
  ["agent:main:main", true],
  ["agent:main:telegram:direct:5", true],
  ["agent:main:telegram:group:-5", false],
  ["agent:main:telegram:group:-5:topic:7", false],
])("in the session %s the files about the owner are read: %s", (sessionKey, personal) => {
  const files = promptFilesOf(sessionKey);
  expect(files.includes("MEMORY.md")).toBe(personal);
  expect(files.includes("USER.md")).toBe(personal);
  expect(files).toContain("SOUL.md");
});
