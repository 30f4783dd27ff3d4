import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openStateDir } from "./state-dir.ts";

let home = "";
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "sallyport-state-"));
});
afterEach(() => rmSync(home, { recursive: true }));

async function open(dir: string) {
  const state = await openStateDir(dir);
  if (!state.ok) throw new Error(state.error);
  const { edgeDir, pairing, sealKey } = state.value;
  const secrets = [pairing.secret.reveal(), sealKey.reveal()] as const;
  return { edgeDir, file: pairing.path, secret: secrets[0], sealKey: secrets[1] };
}

test("everything is made on first use, for the owner alone", async () => {
  const state = await open(join(home, "a", "b"));
  expect(statSync(state.edgeDir).mode & 0o777).toBe(0o700);
  expect(statSync(join(home, "a", "b")).mode & 0o777).toBe(0o700);
  expect(statSync(state.file).mode & 0o777).toBe(0o600);
  expect(state.secret).toMatch(/^[A-Za-z0-9_-]{43}$/);
});

test("the pairing secret stays the same, and another directory has another", async () => {
  const first = (await open(join(home, "a"))).secret;
  expect((await open(join(home, "a"))).secret).toBe(first);
  expect((await open(join(home, "b"))).secret).not.toBe(first);
});

test("the seal key stays the same, and is no other secret", async () => {
  const first = await open(join(home, "a"));
  expect(first.sealKey).toMatch(/^[A-Za-z0-9_-]{43}$/);
  expect((await open(join(home, "a"))).sealKey).toBe(first.sealKey);
  expect((await open(join(home, "b"))).sealKey).not.toBe(first.sealKey);
  expect(first.sealKey).not.toBe(first.secret);
});

test("a pairing file with something else in it is refused by its path, not by its content", async () => {
  const { file } = await open(home);
  writeFileSync(file, "hunter2");
  const state = await openStateDir(home);
  expect(state).toMatchObject({ ok: false, error: expect.stringContaining(file) });
  expect(JSON.stringify(state)).not.toContain("hunter2");
});

test("a directory that cannot be made is told in one line that says what to set", async () => {
  const file = join(home, "file");
  writeFileSync(file, "");
  const state = await openStateDir(join(file, "state"));
  expect(state).toMatchObject({
    ok: false,
    error: expect.stringMatching(/ENOTDIR.*OPENCLAW_STATE_DIR/),
  });
});

test("a place where nothing can be made is told, too", async () => {
  expect(await openStateDir("/proc/sallyport/state")).toMatchObject({ ok: false });
});
