import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { letLinger, lingers } from "./linger.ts";

test("a user lingers when systemd has a file of that name, and of no other", async () => {
  const folder = await mkdtemp(join(tmpdir(), "linger-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  await writeFile(join(folder, "anna"), "");
  expect(await lingers("anna", folder)).toBe(true);
  expect(await lingers("berta", folder)).toBe(false);
  expect(await lingers("../" + folder.split("/").at(-1), folder)).toBe(false);
});

test("who may not let a user linger is told the words that root would say", async () => {
  const asked: string[] = [];
  await letLinger("anna", async (program, args) => {
    asked.push([program, ...args].join(" "));
    return { code: 0, out: "", err: "" };
  });
  expect(asked).toEqual(["loginctl --no-ask-password enable-linger anna"]);
  const refused = letLinger("anna", async () => ({ code: 1, out: "", err: "Access denied\n" }));
  await expect(refused).rejects.toThrow(/Access denied; try sudo loginctl enable-linger anna/);
});
