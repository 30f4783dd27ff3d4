/** Reads and writes the few files of a workspace, and nothing outside of it. */
import { randomUUID } from "node:crypto";
import { constants, type Stats, statSync } from "node:fs";
import { type FileHandle, lstat, open, realpath, rename, rm } from "node:fs/promises";
import { join, sep } from "node:path";
import { GatewayError } from "../../../shared/errors.ts";
import { makeFolder } from "../../config/file/files.ts";

/** Far more than a model is told of one file; what is longer is not notes. */
export const MAX_FILE_BYTES = 1024 * 1024;

export interface FileFacts {
  readonly size: number;
  /** Unix ms. */
  readonly updatedAtMs: number;
  /** Another one means that the file may have changed. */
  readonly version: string;
}

/**
 * What is known of a file without reading it; undefined when there is none. At once, on this thread:
 * every turn looks at all files of its prompt, and handing that over costs ten times as much.
 */
export function fileFacts(workspace: string, name: string): FileFacts | undefined {
  const found = statOrMissing(join(workspace, name));
  if (found === undefined) return undefined;
  const { size, mtimeMs, ctimeMs, ino } = found;
  const version = `${ino}:${size}:${mtimeMs}:${ctimeMs}`;
  return { size, updatedAtMs: Math.max(0, Math.trunc(mtimeMs)), version };
}

/**
 * The text of a file, at most `maxBytes` of it.
 *
 * @returns Undefined when there is none, or when it is no file of this workspace: a link that leads
 *   out of it would show the model whatever the link names.
 */
export async function readWorkspaceFile(
  workspace: string,
  name: string,
  maxBytes = MAX_FILE_BYTES,
): Promise<string | undefined> {
  const path = await pathInside(workspace, name);
  if (path === undefined) return undefined;
  // Without waiting: a pipe would never be opened.
  const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
  await using file = await orMissing(open(path, flags));
  if (file === undefined || !(await file.stat()).isFile()) return undefined;
  return await head(file, maxBytes);
}

/** Where the file really is; undefined when there is none, or outside of the workspace. */
async function pathInside(workspace: string, name: string): Promise<string | undefined> {
  const [root, path] = await Promise.all([
    orMissing(realpath(workspace)),
    orMissing(realpath(join(workspace, name))),
  ]);
  return root !== undefined && path?.startsWith(root + sep) === true ? path : undefined;
}

function statOrMissing(path: string): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

async function orMissing<T>(found: Promise<T>): Promise<T | undefined> {
  try {
    return await found;
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

async function head(file: FileHandle, maxBytes: number): Promise<string> {
  const { size } = await file.stat();
  const bytes = Buffer.alloc(Math.min(size, maxBytes));
  const { bytesRead } = await file.read(bytes, 0, bytes.byteLength, 0);
  // Cut within a character, its half says nothing.
  return bytes.toString("utf8", 0, bytesRead).replace(/\ufffd$/, "");
}

/**
 * Replaces a file as a whole; the folder is made when it is missing.
 *
 * @throws GatewayError `invalid_request` when the content is too long, `forbidden` when something
 *   else than a file stands there.
 */
export async function writeWorkspaceFile(
  workspace: string,
  name: string,
  content: string,
): Promise<void> {
  if (Buffer.byteLength(content) > MAX_FILE_BYTES) {
    throw new GatewayError("invalid_request", `${name} may have at most ${MAX_FILE_BYTES} bytes`);
  }
  await makeWorkspace(workspace);
  const path = join(workspace, name);
  await refuseOther(path, name);
  const draft = `${path}.${randomUUID()}.tmp`;
  try {
    const file = await open(draft, "wx", 0o600);
    try {
      await file.writeFile(content);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(draft, path);
  } finally {
    await rm(draft, { force: true });
  }
}

/** Only its owner may look into it. */
export async function makeWorkspace(workspace: string): Promise<void> {
  await makeFolder(workspace);
}

async function refuseOther(path: string, name: string): Promise<void> {
  const found = await orMissing(lstat(path));
  if (found === undefined || found.isFile()) return;
  throw new GatewayError("forbidden", `${name} is a link or a folder, and stays as it is`);
}

/** Loops and names that are too long are no files of ours either. */
function isMissing(error: unknown): boolean {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  return ["ENOENT", "ENOTDIR", "ELOOP", "ENAMETOOLONG", "EACCES", "ENXIO"].includes(String(code));
}
