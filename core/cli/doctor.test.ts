import { chmod, mkdir, readdir, stat, symlink, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import * as z from "zod";
import { createCommandHome } from "../../test/support/command-home.ts";
import { closedPort } from "../../test/support/examined.ts";
import { doctor } from "./doctor.ts";

const Told = z.object({
  schemaVersion: z.literal(1),
  ok: z.boolean(),
  checksRun: z.int(),
  checksSkipped: z.int(),
  findings: z.array(
    z.object({
      checkId: z.string(),
      severity: z.enum(["info", "warning", "error"]),
      message: z.string(),
      fixHint: z.string().optional(),
    }),
  ),
  fixed: z
    .array(z.object({ checkId: z.string(), message: z.string(), path: z.string() }))
    .optional(),
  checks: z.array(z.object({ id: z.string() })),
});

const TOKEN = "in-the-config-0123456789abcdef";

async function home() {
  const made = await createCommandHome();
  onTestFinished(() => made[Symbol.asyncDispose]());
  await mkdir(made.stateDir, { mode: 0o700 });
  const file = join(made.stateDir, "openclaw.json");
  const port = await closedPort();
  await writeFile(file, JSON.stringify({ gateway: { port, auth: { token: TOKEN } } }), {
    mode: 0o600,
  });
  return {
    ...made,
    file,
    async told(...args: readonly string[]) {
      const run = await made.run(doctor, [...args, "--json"]);
      return { ...run, ...Told.parse(JSON.parse(run.out)) };
    },
  };
}

test("programs are told what is not well, how bad it is and what to do", async () => {
  const it = await home();
  const told = await it.told();
  expect(told).toMatchObject({ code: 1, ok: false });
  expect(told.checksRun + told.checksSkipped).toBe(told.checks.length);
  expect(told.findings).toContainEqual({
    checkId: "config.secrets",
    severity: "warning",
    message: "in the config itself: gateway.auth.token",
    fixHint: expect.stringContaining(".env"),
  });
  expect(told.findings.find(({ checkId }) => checkId === "gateway.health")?.severity).toBe("error");
  expect(told.out).not.toContain(TOKEN);
});

test("checks are selected by name and by layer, and only these count", async () => {
  const it = await home();
  const some = await it.told("--only", "config,state.folder", "--skip", "config.secrets");
  expect(some).toMatchObject({ code: 0, ok: true, findings: [] });
  expect(some.checks.map(({ id }) => id)).toEqual([
    "config.file",
    "config.variables",
    "config.backups",
    "state.folder",
  ]);
  const wrong = await it.run(doctor, ["--only", "moon"]);
  expect(wrong).toMatchObject({ code: 1, err: expect.stringContaining('"moon"') });
});

test("warnings fail nobody but those who lint", async () => {
  const it = await home();
  const only = ["--only", "config.secrets"];
  expect((await it.told(...only)).code).toBe(0);
  expect((await it.told(...only, "--lint")).code).toBe(1);
  const errors = await it.told(...only, "--lint", "--severity-min", "error");
  expect(errors).toMatchObject({ code: 0, findings: [] });
});

test("what can be put right is, and what was done is told", async () => {
  const it = await home();
  await chmod(it.file, 0o644);
  await chmod(it.stateDir, 0o755);
  const draft = `${it.file}.99.0b0f0b0f-0b0f-4b0f-8b0f-0b0f0b0f0b0f.tmp`;
  const fresh = `${it.file}.98.0b0f0b0f-0b0f-4b0f-8b0f-0b0f0b0f0b0f.tmp`;
  await writeFile(draft, "");
  await writeFile(fresh, "");
  await utimes(draft, 1, 1);
  const told = await it.told("--fix", "--only", "state");
  expect(told.fixed?.map(({ checkId, path }) => [checkId, path])).toEqual([
    ["state.folder", it.stateDir],
    ["state.modes", it.file],
    ["state.drafts", draft],
  ]);
  expect(told.findings).toEqual([]);
  expect((await stat(it.file)).mode & 0o777).toBe(0o600);
  expect((await stat(it.stateDir)).mode & 0o777).toBe(0o700);
  expect(await readdir(it.stateDir)).toContain(fresh.split("/").at(-1));
  expect((await it.told("--fix", "--only", "state")).fixed).toEqual([]);
});

test("files lose the right to be executed and folders keep it; what a link leads to is left alone", async () => {
  const it = await home();
  const folder = join(it.stateDir, "credentials");
  const workspace = join(it.stateDir, "workspace");
  await mkdir(folder);
  await mkdir(workspace);
  const key = join(folder, "key.json");
  const readOnly = join(folder, "given.json");
  const script = join(workspace, "script.sh");
  for (const file of [key, readOnly, script]) await writeFile(file, "");
  await symlink(script, join(folder, "linked.sh"));
  for (const path of [it.file, folder, workspace, key, script]) await chmod(path, 0o755);
  await chmod(readOnly, 0o444);
  await it.told("--fix", "--only", "state");
  const modes = [it.file, folder, key, readOnly, workspace, script].map(
    async (path) => (await stat(path)).mode & 0o777,
  );
  expect(await Promise.all(modes)).toEqual([0o600, 0o700, 0o600, 0o400, 0o755, 0o755]);
});

test("nothing is put right elsewhere, nor by somebody who only looks", async () => {
  const it = await home();
  for (const args of [
    ["--fix", "--url", "http://127.0.0.1:1"],
    ["--fix", "--lint"],
  ]) {
    expect((await it.run(doctor, args)).err).toContain("--fix");
  }
});
