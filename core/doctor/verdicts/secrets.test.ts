import { execFileSync } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { inGit } from "../probes/git.ts";
import { judgeSecrets, plainSecrets } from "./secrets.ts";

test.each([
  ["a token", { gateway: { auth: { token: "abc" } } }, ["gateway.auth.token"]],
  ["a reference", { gateway: { auth: { token: "${T}" } } }, []],
  ["part of a reference", { gateway: { auth: { token: "x${T}" } } }, []],
  ["nothing", { gateway: { auth: { token: "" } } }, []],
  [
    "a key of a provider",
    { models: { providers: { x: { apiKey: "k" } } } },
    ["models.providers.x.apiKey"],
  ],
  [
    "a setting we have no use for",
    { channels: { discord: { token: "t" } } },
    ["channels.discord.token"],
  ],
  ["a number of tokens", { models: { providers: { x: { models: [{ maxTokens: 5 }] } } } }, []],
])("finds %s where it stands", (_name, tree, paths) => {
  expect(plainSecrets(tree)).toEqual(paths);
});

test("a secret in git is worse than one in the config", () => {
  expect(judgeSecrets([], []).status).toBe("ok");
  expect(judgeSecrets(["a"], []).status).toBe("warning");
  expect(judgeSecrets([], ["/x/.env"]).status).toBe("failed");
  expect(judgeSecrets(["a", "b", "c", "d", "e", "f"], []).detail).toContain("and 1 more");
});

test("a file that git keeps is found, and one that it does not is not", async () => {
  const dir = await mkdtemp(join(tmpdir(), "in-git-"));
  onTestFinished(() => rm(dir, { recursive: true }));
  const [kept, loose] = [join(dir, ".env"), join(dir, "openclaw.json")];
  await writeFile(kept, "KEY=1\n");
  await writeFile(loose, "{}");
  expect(await inGit([kept, loose])).toEqual([]);
  execFileSync("git", ["-C", dir, "init", "-q"]);
  execFileSync("git", ["-C", dir, "add", ".env"]);
  expect(await inGit([kept, loose, join(dir, "none")])).toEqual([kept]);
});
