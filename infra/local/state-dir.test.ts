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

function open(dir: string): { edgeDir: string; pairingFile: string; secret: string } {
  const state = openStateDir(dir);
  if (!state.ok) throw new Error(state.error);
  const { edgeDir, pairingFile, pairing } = state.value;
  return { edgeDir, pairingFile, secret: pairing.reveal() };
}

test("everything is made on first use, for the owner alone", () => {
  const state = open(join(home, "a", "b"));
  expect(statSync(state.edgeDir).mode & 0o777).toBe(0o700);
  expect(statSync(join(home, "a", "b")).mode & 0o777).toBe(0o700);
  expect(statSync(state.pairingFile).mode & 0o777).toBe(0o600);
  expect(state.secret).toMatch(/^[A-Za-z0-9_-]{43}$/);
});

test("the pairing secret stays the same, and another directory has another", () => {
  const first = open(join(home, "a")).secret;
  expect(open(join(home, "a")).secret).toBe(first);
  expect(open(join(home, "b")).secret).not.toBe(first);
});

test("a pairing file with something else in it is refused by its path, not by its content", () => {
  const { pairingFile } = open(home);
  writeFileSync(pairingFile, "hunter2");
  const state = openStateDir(home);
  expect(state).toMatchObject({ ok: false, error: expect.stringContaining(pairingFile) });
  expect(JSON.stringify(state)).not.toContain("hunter2");
});

test("a directory that cannot be made is told in one line that says what to set", () => {
  const file = join(home, "file");
  writeFileSync(file, "");
  const state = openStateDir(join(file, "state"));
  expect(state).toMatchObject({
    ok: false,
    error: expect.stringMatching(/ENOTDIR.*OPENCLAW_STATE_DIR/),
  });
});

test("a place where nothing can be made is told, too", () => {
  expect(openStateDir("/proc/sallyport/state")).toMatchObject({ ok: false });
});
