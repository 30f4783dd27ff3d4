import { mkdir, mkdtemp, readdir, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execFileSync } from "node:child_process";
import { expect, test } from "vitest";
import { fileFacts, MAX_FILE_BYTES, readWorkspaceFile, writeWorkspaceFile } from "./files.ts";
import { LivePrompts } from "./live-prompt.ts";

async function world() {
  const root = await mkdtemp(join(tmpdir(), "workspace-"));
  const workspace = join(root, "workspace");
  return {
    root,
    workspace,
    [Symbol.asyncDispose]: () => rm(root, { recursive: true, force: true }),
  };
}

test("a file that was written is read again, and only its owner may", async () => {
  await using it = await world();
  await writeWorkspaceFile(it.workspace, "SOUL.md", "Be kind.");
  await writeWorkspaceFile(it.workspace, "SOUL.md", "Be brief.");
  expect(await readWorkspaceFile(it.workspace, "SOUL.md")).toBe("Be brief.");
  expect((await stat(it.workspace)).mode & 0o777).toBe(0o700);
  expect((await stat(join(it.workspace, "SOUL.md"))).mode & 0o777).toBe(0o600);
  expect(await readdir(it.workspace)).toEqual(["SOUL.md"]);
});

test("what is not there is undefined", async () => {
  await using it = await world();
  expect(await readWorkspaceFile(it.workspace, "SOUL.md")).toBeUndefined();
  expect(fileFacts(it.workspace, "SOUL.md")).toBeUndefined();
});

test("a link within the workspace is followed, one that leads out of it is not", async () => {
  await using it = await world();
  await mkdir(it.workspace);
  await writeFile(join(it.root, "secret"), "secret");
  await writeFile(join(it.workspace, "real.md"), "inside");
  await symlink("real.md", join(it.workspace, "SOUL.md"));
  await symlink("../secret", join(it.workspace, "USER.md"));
  await symlink("USER.md", join(it.workspace, "MEMORY.md"));
  await symlink("TOOLS.md", join(it.workspace, "TOOLS.md"));
  expect(await readWorkspaceFile(it.workspace, "SOUL.md")).toBe("inside");
  expect(await readWorkspaceFile(it.workspace, "USER.md")).toBeUndefined();
  expect(await readWorkspaceFile(it.workspace, "MEMORY.md")).toBeUndefined();
  expect(await readWorkspaceFile(it.workspace, "TOOLS.md")).toBeUndefined();
  const written = writeWorkspaceFile(it.workspace, "SOUL.md", "x");
  await expect(written).rejects.toMatchObject({ code: "forbidden" });
});

test("a folder or a pipe is no file, and nobody waits for it", async () => {
  await using it = await world();
  await mkdir(join(it.workspace, "SOUL.md"), { recursive: true });
  execFileSync("mkfifo", [join(it.workspace, "USER.md")]);
  expect(await readWorkspaceFile(it.workspace, "SOUL.md")).toBeUndefined();
  expect(await readWorkspaceFile(it.workspace, "USER.md")).toBeUndefined();
});

test("no more is read than asked for, and more than a file may have is refused", async () => {
  await using it = await world();
  await writeWorkspaceFile(it.workspace, "SOUL.md", "äää");
  expect(await readWorkspaceFile(it.workspace, "SOUL.md", 3)).toBe("ä");
  const long = "x".repeat(MAX_FILE_BYTES + 1);
  const written = writeWorkspaceFile(it.workspace, "SOUL.md", long);
  await expect(written).rejects.toMatchObject({ code: "invalid_request" });
  expect(await readWorkspaceFile(it.workspace, "SOUL.md")).toBe("äää");
});

test("a prompt follows its files: changed, added and removed ones count at once", async () => {
  await using it = await world();
  const prompts = new LivePrompts();
  const order = {
    workspace: it.workspace,
    name: undefined,
    files: ["SOUL.md", "USER.md"],
    limits: { maxChars: 100, maxTotalChars: 100 },
  };
  expect(await prompts.of(order)).toBe("");
  await writeWorkspaceFile(it.workspace, "SOUL.md", "one");
  expect(await prompts.of(order)).toBe("## SOUL.md\n\none");
  await writeWorkspaceFile(it.workspace, "SOUL.md", "two");
  expect(await prompts.of(order)).toBe("## SOUL.md\n\ntwo");
  expect(await prompts.of({ ...order, files: ["USER.md"] })).toBe("");
  await rm(join(it.workspace, "SOUL.md"));
  expect(await prompts.of(order)).toBe("");
});
