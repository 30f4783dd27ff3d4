import { constants, type Stats } from "node:fs";
import { randomUUID } from "node:crypto";
import { access, link, mkdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { err, ok, type Result } from "../../../shared/result.ts";
import type { ConfigError } from "../issues/error.ts";

/** Far more than a config needs; what is larger is some other file. */
const MAX_CONFIG_BYTES = 2 * 1024 * 1024;

/** The text of a config or variable file; undefined when there is none. */
export async function readSmallFile(
  file: string,
): Promise<Result<string | undefined, ConfigError>> {
  try {
    const facts = await stat(file);
    if (!facts.isFile()) return err({ reason: "unreadable", file, detail: "it is not a file" });
    if (facts.size > MAX_CONFIG_BYTES) {
      return err({ reason: "too_large", file, bytes: facts.size, maxBytes: MAX_CONFIG_BYTES });
    }
    return ok(await readFile(file, "utf8"));
  } catch (error) {
    const code = systemCode(error);
    if (code === "ENOENT" || code === "ENOTDIR") return ok(undefined);
    return err({ reason: "unreadable", file, detail: faultText(code) });
  }
}

/**
 * Makes the state folder, or checks the one there is: only its owner may write to it, since whoever
 * can replace a file in it owns the gateway.
 *
 * @param uid - Of this process; undefined where there are no user ids.
 */
export async function prepareStateDir(
  dir: string,
  uid: number | undefined,
): Promise<Result<void, ConfigError>> {
  const refuse = (message: string): Result<void, ConfigError> =>
    err({ reason: "state_dir", dir, message });
  try {
    await makeFolder(dir);
    const problem = unsafe(await stat(dir), uid);
    if (problem !== undefined) return refuse(problem);
    await access(dir, constants.R_OK | constants.W_OK | constants.X_OK);
    return ok(undefined);
  } catch (error) {
    const code = systemCode(error);
    if (code === "EEXIST" || code === "ENOTDIR") {
      return refuse("is not a folder: move that file away, or set OPENCLAW_STATE_DIR");
    }
    return refuse(`cannot be used: ${faultText(code)}; fix that, or set OPENCLAW_STATE_DIR`);
  }
}

/**
 * As `mkdir` with `recursive`, which goes round for ever where a folder can neither be made nor its
 * absence be explained by a missing parent (`/proc/x`).
 */
export async function makeFolder(dir: string): Promise<void> {
  const code = await mkdir(dir, { mode: 0o700 }).then(() => undefined, systemCode);
  if (code === undefined || code === "EEXIST") return;
  const parent = dirname(dir);
  const parentIsMissing = code === "ENOENT" && parent !== dir && !(await isThere(parent));
  if (parentIsMissing) await makeFolder(parent);
  await mkdir(dir, { mode: 0o700 });
}

function isThere(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

function unsafe(facts: Stats, uid: number | undefined): string | undefined {
  if (!facts.isDirectory())
    return "is not a folder: move that file away, or set OPENCLAW_STATE_DIR";
  // Root owns volumes that a container's user writes to through its group; others own what is theirs.
  const stranger = uid !== undefined && facts.uid !== uid && facts.uid !== 0 && uid !== 0;
  if (stranger) return "belongs to another user: set OPENCLAW_STATE_DIR to a folder of your own";
  if ((facts.mode & 0o002) !== 0) return "can be written by every user: run chmod 700 on it";
  return undefined;
}

/**
 * The text of a file that only its owner may read, written by `make` when there is none. The file
 * appears whole, so two processes that come at once end up with the same text.
 */
export async function readOrCreatePrivate(
  file: string,
  make: () => string,
): Promise<Result<string, ConfigError>> {
  const found = await readSmallFile(file);
  if (!found.ok) return found;
  if (found.value !== undefined) return ok(found.value.trim());
  const draft = `${file}.${process.pid}.${randomUUID()}`;
  try {
    await writeFile(draft, `${make()}\n`, { flag: "wx", mode: 0o600, flush: true });
    await link(draft, file).catch((error: unknown) => {
      if (systemCode(error) !== "EEXIST") throw error;
    });
    const written = await readSmallFile(file);
    return written.ok ? ok(written.value?.trim() ?? "") : written;
  } catch (error) {
    return err({ reason: "unreadable", file, detail: faultText(systemCode(error)) });
  } finally {
    await rm(draft, { force: true });
  }
}

function faultText(code: string | undefined): string {
  switch (code) {
    case "EACCES":
    case "EPERM":
      return "permission denied";
    case "EROFS":
      return "the disk is read-only";
    case "ENOSPC":
      return "the disk is full";
    default:
      return code ?? "unknown fault";
  }
}

function systemCode(error: unknown): string | undefined {
  if (!(error instanceof Error) || !("code" in error)) throw error;
  return typeof error.code === "string" ? error.code : undefined;
}
