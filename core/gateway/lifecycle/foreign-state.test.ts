import { mkdir, mkdtemp, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { refuseForeignState } from "./foreign-state.ts";

/** A state folder with these files, changed so many seconds after each other. */
async function folder(files: readonly string[]) {
  const dir = await mkdtemp(join(tmpdir(), "foreign-"));
  for (const [index, name] of files.entries()) {
    const file = join(dir, name);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, "");
    const when = new Date(1_700_000_000_000 + index * 1_000);
    await utimes(file, when, when);
  }
  return { dir, [Symbol.asyncDispose]: () => rm(dir, { recursive: true }) };
}

test.each([
  ["alone", ["state/openclaw.sqlite"]],
  ["of an agent", ["agents/main/agent/openclaw-agent.sqlite"]],
  ["newer than ours", ["sallyport.sqlite", "state/openclaw.sqlite"]],
  ["written to since", ["state/openclaw.sqlite", "sallyport.sqlite", "state/openclaw.sqlite-wal"]],
])("a state of OpenClaw %s is refused, with what to do", async (_name, files) => {
  await using at = await folder(files);
  await expect(refuseForeignState(at.dir)).rejects.toThrow(
    /sallyport migrate --from openclaw, or set OPENCLAW_STATE_DIR/,
  );
});

test.each([
  ["nothing of it", ["sallyport.sqlite", "openclaw.json"]],
  ["a state that ours has followed", ["state/openclaw.sqlite", "sallyport.sqlite"]],
  ["a state that ours is being written after", ["state/openclaw.sqlite", "sallyport.sqlite-wal"]],
])("a folder with %s is taken", async (_name, files) => {
  await using at = await folder(files);
  await expect(refuseForeignState(at.dir)).resolves.toBeUndefined();
});
