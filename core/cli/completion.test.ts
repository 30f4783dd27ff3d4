import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { expect, onTestFinished, test } from "vitest";
import { createCommandHome } from "../../test/support/command-home.ts";
import { runProgram } from "../../test/support/run-program.ts";
import { completionOf } from "./completion.ts";
import { wordsOf } from "./completion/words.ts";
import { config } from "./config.ts";
import { devices } from "./devices.ts";
import { doctor } from "./doctor.ts";
import { gateway } from "./gateway.ts";
import { models } from "./models.ts";

const exec = promisify(execFile);

const table = new Map([
  ["config", async () => config],
  ["devices", async () => devices],
  ["doctor", async () => doctor],
  ["gateway", async () => gateway],
  ["models", async () => models],
]);

async function script(shell: string): Promise<string> {
  await using home = await createCommandHome();
  const run = await home.run(completionOf(table), [shell]);
  expect(run).toMatchObject({ code: 0, err: "" });
  return run.out;
}

/** What real bash offers for a line of which the last word is begun. */
async function offered(...words: readonly string[]): Promise<string[]> {
  const ask = `${await script("bash")}
COMP_WORDS=(sallyport "$@"); COMP_CWORD=$#; _sallyport; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const { stdout } = await exec("bash", ["--norc", "-c", ask, "bash", ...words]);
  return stdout.split("\n").filter((line) => line !== "");
}

test("bash completes commands, their actions and the flags of these", async () => {
  expect(await offered("")).toEqual(
    expect.arrayContaining(["config", "doctor", "help", "--version"]),
  );
  expect(await offered("do")).toEqual(["doctor"]);
  expect(await offered("config", "s")).toEqual(["schema", "set", "show"]);
  expect(await offered("config", "set", "--d")).toEqual(["--dry-run"]);
  expect(await offered("config", "get", "--d")).toEqual([]);
  expect(await offered("doctor", "--f")).toEqual(["--fix"]);
  expect(await offered("help", "mo")).toEqual(["models"]);
  expect(await offered("nobody", "x")).toEqual([]);
});

test("flags are offered for the action that is meant when none is named", async () => {
  expect(await offered("gateway", "--ready")).toEqual(["--ready-fd"]);
  expect(await offered("gateway", "--json", "--sta")).toEqual(["--standby"]);
  expect(await offered("gateway", "stop", "--sta")).toEqual([]);
});

test("a program gets the script as a document", async () => {
  await using home = await createCommandHome();
  const { out } = await home.run(completionOf(table), ["bash", "--json"]);
  expect(JSON.parse(out)).toEqual({ shell: "bash", script: await script("bash") });
});

test("actions are known from pages and from first lines alike", () => {
  expect([...wordsOf("models", models).actions.keys()]).toEqual(
    expect.arrayContaining(["list", "set", "status"]),
  );
  expect(wordsOf("models", models).actions.get("list")).toContain("--all");
});

test.each([
  ["zsh", ["#compdef sallyport", "compadd -- get"]],
  ["fish", ["complete -c sallyport -n __fish_use_subcommand -f -a config"]],
])("%s gets a script of its own kind", async (shell, lines) => {
  const text = await script(shell);
  for (const line of lines) expect(text).toContain(line.split(" get")[0]);
});

test("another shell is refused with those there are", async () => {
  const home = await createCommandHome();
  onTestFinished(() => home[Symbol.asyncDispose]());
  const run = await home.run(completionOf(table), ["tcsh"]);
  expect(run).toMatchObject({ code: 1, err: expect.stringContaining("bash|zsh|fish") });
});

test("the program's own script is taken by bash without a word", async () => {
  await using home = await createCommandHome();
  const env = { HOME: home.path };
  const { out, code } = await runProgram(["completion", "bash"], { cwd: home.path, env });
  expect(code).toBe(0);
  const checked = await exec("bash", ["--norc", "-n", "-c", out]);
  expect(checked).toEqual({ stdout: "", stderr: "" });
  const page = await runProgram(["help", "config", "set"], { cwd: home.path, env });
  expect(page).toMatchObject({ code: 0, out: expect.stringContaining("config set PATH VALUE") });
});
