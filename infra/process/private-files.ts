import { chmod, mkdir, readFile, stat, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { randomToken } from "../../shared/bytes.ts";
import { type Result, err, ok } from "../../shared/result.ts";
import { Secret } from "../../shared/secret.ts";
import { errorCode } from "./error-code.ts";

/** Files and folders for nobody but us: tokens, keys and conversations are in them. */
export const PRIVATE_DIR = 0o700;
export const PRIVATE_FILE = 0o600;

/** 256 bits as URL-safe base64. */
const SECRET = /^[A-Za-z0-9_-]{43}$/;

export interface PairingFile {
  readonly path: string;
  /** Lets a core introduce itself to an edge, once. */
  readonly secret: Secret;
}

/**
 * Makes `dir` and what leads to it, unless it is there.
 *
 * As `mkdir` with `recursive`, which goes round for ever below a folder like `/proc`.
 */
export async function makePrivateDir(dir: string): Promise<void> {
  if (await isMade(dir)) return;
  await makePrivateDir(dirname(dir));
  if (!(await isMade(dir))) throw new Error(`${dir} cannot be made`);
}

/** @returns False when what leads to it is not there. */
async function isMade(dir: string): Promise<boolean> {
  try {
    await mkdir(dir, { mode: PRIVATE_DIR });
    return true;
  } catch (error) {
    const code = errorCode(error);
    if (code === "EEXIST" && (await stat(dir)).isDirectory()) return true;
    if (code !== "ENOENT") throw error;
    return false;
  }
}

/** One line for the user. */
export function unusableStateDir(stateDir: string, error: unknown): string {
  return `cannot use the state directory ${stateDir} (${errorCode(error)}): make it writable for you, or set OPENCLAW_STATE_DIR to another one`;
}

/**
 * The secret that lets a core introduce itself, made on first use.
 *
 * @param path - Its folder is there.
 * @returns One line for the user when the file holds something else.
 */
export function openPairing(path: string): Promise<Result<PairingFile, string>> {
  return openSecret(path, "a pairing secret");
}

/**
 * The key by which an edge seals the webhook secrets it keeps, made on first use. With another one
 * it asks its core for them again.
 *
 * @param path - Its folder is there.
 * @returns One line for the user when the file holds something else.
 */
export async function openSealKey(path: string): Promise<Result<Secret, string>> {
  const opened = await openSecret(path, "a seal key");
  return opened.ok ? ok(opened.value.secret) : opened;
}

async function openSecret(path: string, what: string): Promise<Result<PairingFile, string>> {
  try {
    await writeFile(path, `${randomToken()}\n`, { flag: "wx", mode: PRIVATE_FILE });
  } catch (error) {
    if (errorCode(error) !== "EEXIST") return err(`cannot write ${path} (${errorCode(error)})`);
  }
  try {
    // Copied from elsewhere it may be readable for others.
    await chmod(path, PRIVATE_FILE);
    const secret = (await readFile(path, "utf8")).trim();
    if (SECRET.test(secret)) return ok({ path, secret: new Secret(secret) });
    return err(`${path} does not hold ${what}: delete it and start again`);
  } catch (error) {
    return err(`cannot read ${path} (${errorCode(error)})`);
  }
}
