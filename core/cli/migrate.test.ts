import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { createCommandHome } from "../../test/support/command-home.ts";
import { OPENCLAW_KEY, writeFileState } from "../../test/support/openclaw-state.ts";
import { migrate } from "./migrate.ts";

async function home() {
  const made = await createCommandHome();
  onTestFinished(() => made[Symbol.asyncDispose]());
  const source = join(made.path, "theirs");
  await mkdir(source);
  await writeFileState(source);
  const from = ["--from", "openclaw", "--source", source];
  return { ...made, source, from };
}

test("people are told part by part what would be done, and how to do it", async () => {
  const it = await home();
  const run = await it.run(migrate, it.from);
  expect(run).toMatchObject({ code: 0, err: "" });
  expect(run.out).toContain("sessions: 1 to bring over, 1 not brought over");
  expect(run.out).toMatch(/agent:main:gone: .*s2.jsonl is not there/);
  expect(run.out).toContain("Repeat this with --apply");
  expect(run.out).not.toContain(OPENCLAW_KEY);
  expect(await it.read("openclaw.json")).toBe("");
});

test("programs are told all of it, with counts", async () => {
  const it = await home();
  const run = await it.run(migrate, [...it.from, "--apply", "--json"]);
  expect(JSON.parse(run.out)).toMatchObject({
    ok: true,
    applied: true,
    source: it.source,
    stateDir: it.stateDir,
    isInPlace: false,
    counts: { workspace: { added: 2 }, sessions: { added: 1, left: 1 }, cron: { added: 1 } },
  });
  const again = await it.run(migrate, [...it.from, "--apply", "--json"]);
  expect(JSON.parse(again.out)).toMatchObject({ ok: true, counts: { workspace: { same: 2 } } });
});

test("the default folder is that of both, and the way on is told", async () => {
  const it = await home();
  await mkdir(it.stateDir, { mode: 0o700 });
  await writeFileState(it.stateDir);
  const dry = await it.run(migrate, ["--from", "openclaw"]);
  expect(dry).toMatchObject({ code: 0, out: expect.stringContaining("--in-place") });
  const refused = await it.run(migrate, ["--from", "openclaw", "--apply", "--json"]);
  expect(refused.code).not.toBe(0);
  expect(JSON.parse(refused.out)).toMatchObject({
    ok: false,
    error: { message: expect.stringContaining("OPENCLAW_STATE_DIR=~/.sallyport") },
  });
});

test.each([[[]], [["--from", "hermes"]], [["--from", "openclaw", "--apply", "--dry-run"]]])(
  "what makes no sense is refused: %j",
  async (args) => {
    const it = await home();
    expect((await it.run(migrate, args)).code).toBe(1);
  },
);
