import { execFile } from "node:child_process";
import { access } from "node:fs/promises";
import { basename, dirname } from "node:path";

/** It looks into one file; a slower one hangs. */
const TIMEOUT_MS = 5_000;

/** Those of `files` that git keeps; none where there is no git. */
export async function inGit(files: readonly string[]): Promise<string[]> {
  const found = await Promise.all([...new Set(files)].map(isKept));
  return found.flatMap((one) => one ?? []);
}

async function isKept(file: string): Promise<string | undefined> {
  const isThere = await access(file).then(
    () => true,
    () => false,
  );
  if (!isThere) return undefined;
  const args = ["-C", dirname(file), "ls-files", "--error-unmatch", "--", basename(file)];
  return new Promise((resolve) => {
    // It fails for a file that it does not keep, and outside of a repository.
    execFile("git", args, { timeout: TIMEOUT_MS }, (error) => {
      resolve(error === null ? file : undefined);
    });
  });
}
