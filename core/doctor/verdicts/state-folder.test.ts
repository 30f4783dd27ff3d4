import { expect, test } from "vitest";
import {
  type FolderFacts,
  judgeFolder,
  judgeLock,
  judgeModes,
  judgeSpace,
} from "./state-folder.ts";

const FOLDER: FolderFacts = { path: "/s", isFolder: true, uid: 7, mode: 0o700, usable: true };
const MIB = 1024 * 1024;

test.each([
  ["is fine", FOLDER, "ok", "/s (0700)"],
  ["is missing", undefined, "failed", "does not exist"],
  ["is a file", { ...FOLDER, isFolder: false }, "failed", "not a folder"],
  ["belongs to another user", { ...FOLDER, uid: 8 }, "failed", "belongs to user 8"],
  ["belongs to root, as volumes do", { ...FOLDER, uid: 0 }, "ok", "0700"],
  ["can be written by all", { ...FOLDER, mode: 0o703 }, "failed", "every user (0703)"],
  ["can be read by others", { ...FOLDER, mode: 0o750 }, "warning", "open to other users (0750)"],
  ["cannot be written by us", { ...FOLDER, usable: false }, "failed", "cannot be read"],
])("a state folder that %s", (_name, facts, status, words) => {
  const verdict = judgeFolder("/s", facts, 7);
  expect(verdict.status).toBe(status);
  expect(verdict.detail).toContain(words);
});

test("files open to others come with the command that closes them", () => {
  const file = { path: "/s/it's", isFolder: false, uid: 7, mode: 0o644 };
  expect(judgeModes([{ ...file, mode: 0o600 }]).status).toBe("ok");
  expect(judgeModes([file])).toEqual({
    status: "warning",
    detail: "open to other users: /s/it's (0644)",
    fix: String.raw`chmod go= '/s/it'\''s'`,
  });
  const many = Array.from({ length: 9 }, () => file);
  expect(judgeModes(many).detail).toContain("and 4 more");
});

test.each([
  [8 * MIB, "failed"],
  [100 * MIB, "warning"],
  [1024 * MIB, "ok"],
])("%d bytes of room are %s", (bytes, status) => {
  expect(judgeSpace(bytes).status).toBe(status);
});

test.each([
  [undefined, "no gateway has the state"],
  [{ pid: 5, host: "here", alive: true }, "pid 5 has the state"],
  [{ pid: 5, host: "here", alive: false }, "was killed"],
  [{ pid: 5, host: "there", alive: undefined }, "pid 5 on there"],
])("the holder of the lock is told: %j", (holder, words) => {
  expect(judgeLock(holder).detail).toContain(words);
});
