import { constants } from "node:fs";
import { open } from "node:fs/promises";
import { err, ok, type Result } from "../../../shared/result.ts";
import type { FileProvider } from "../sections/secrets.ts";
import { isTree } from "../tree.ts";

/** Why a secret could not be had; never with a part of it. */
export type SecretFault = string;

export interface Owner {
  /** Of this process; undefined where there are no user ids. */
  readonly uid: number | undefined;
  /** What `~` stands for. */
  readonly home: string;
}

/**
 * The secrets of a file: it must be a file of its own, and of nobody else. Looked at through what was
 * opened, so that it cannot be swapped in between.
 */
export async function secretsOfFile(
  { path, mode, maxBytes, timeoutMs }: FileProvider,
  ids: readonly string[],
  { uid, home }: Owner,
): Promise<ReadonlyMap<string, Result<string, SecretFault>>> {
  const file = path.replace(/^~(?=\/)/, home);
  const text = present(await readPrivate(file, { maxBytes, timeoutMs, uid }));
  if (!text.ok) return new Map(ids.map((id) => [id, text]));
  if (mode === "singleValue") {
    const value = text.value.replace(/\r?\n$/, "");
    return new Map(
      ids.map((id) => [id, id === "value" ? filled(value) : err('its only id is "value"')]),
    );
  }
  const tree = parsed(text.value);
  if (tree === undefined) return new Map(ids.map((id) => [id, err("its file is not JSON")]));
  return new Map(ids.map((id) => [id, pointed(tree.value, id)]));
}

function present(text: Result<string | undefined, SecretFault>): Result<string, SecretFault> {
  if (!text.ok) return text;
  return text.value === undefined ? err("its file is not there") : ok(text.value);
}

/** The text of a file that only we can read; undefined when there is none. */
export async function readPrivate(
  file: string,
  { maxBytes, timeoutMs, uid }: { maxBytes: number; timeoutMs: number; uid: number | undefined },
): Promise<Result<string | undefined, SecretFault>> {
  try {
    // Without O_NONBLOCK a named pipe would be waited for.
    const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
    await using handle = await open(file, flags);
    const facts = await handle.stat();
    if (!facts.isFile()) return err("it is not a file");
    if (facts.nlink !== 1) return err("its file has a second name (a hard link)");
    if ((facts.mode & 0o077) !== 0) return err("its file is open to others: run chmod 600 on it");
    if (uid !== undefined && facts.uid !== uid) return err("its file belongs to another user");
    if (facts.size > maxBytes) return err(`its file has more than ${maxBytes} bytes`);
    const signal = AbortSignal.timeout(timeoutMs);
    return ok(await handle.readFile({ encoding: "utf8", signal }));
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : "";
    return code === "ENOENT" || code === "ENOTDIR" ? ok(undefined) : err(faultOf(code));
  }
}

function faultOf(code: string): SecretFault {
  if (code === "ELOOP") return "its file is a link";
  if (code === "ABORT_ERR") return "its file could not be read in time";
  return `its file cannot be read (${code === "" ? "unknown fault" : code})`;
}

function parsed(text: string): { readonly value: unknown } | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return { value };
  } catch {
    return undefined; // the message of the parser quotes the text
  }
}

/** RFC 6901. */
function pointed(root: unknown, pointer: string): Result<string, SecretFault> {
  if (!pointer.startsWith("/")) return err("its id is no JSON pointer");
  const parts = pointer
    .slice(1)
    .split("/")
    .map((part) => part.replaceAll("~1", "/").replaceAll("~0", "~"));
  const value = parts.reduce((at: unknown, part) => {
    if (Array.isArray(at)) return /^\d{1,6}$/.test(part) ? at[Number(part)] : undefined;
    return isTree(at) && Object.hasOwn(at, part) ? at[part] : undefined;
  }, root);
  return typeof value === "string" ? filled(value) : err("its file has no text at that place");
}

function filled(value: string): Result<string, SecretFault> {
  return value === "" ? err("it is empty") : ok(value);
}
