import { chmod, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { randomToken } from "../../../shared/bytes.ts";
import { type Result, err, ok } from "../../../shared/result.ts";
import { Secret } from "../../../shared/secret.ts";

/** Ours alone: the spool and the keys of the cores are in it. */
const PRIVATE_DIR = 0o700;
const PRIVATE_FILE = 0o600;

/** 256 bits as URL-safe base64. */
const PAIRING_SECRET = /^[A-Za-z0-9_-]{43}$/;

/** `sun_path` of macOS, which is shorter than that of Linux, without its final zero. */
const MAX_SOCKET_PATH_BYTES = 103;

export interface PairingFile {
  readonly path: string;
  readonly secret: Secret;
}

/**
 * Makes sure the folder is there and ours to write.
 *
 * @returns One line for the user when it cannot be used.
 */
export async function openStorage(dir: string): Promise<Result<void, string>> {
  try {
    await mkdir(dir, { recursive: true, mode: PRIVATE_DIR });
    // An older umask may have made it readable for others.
    await chmod(dir, PRIVATE_DIR);
    return ok(undefined);
  } catch (error) {
    return err(`cannot use the folder ${dir} (${codeOf(error)}): choose another with --storage`);
  }
}

/**
 * The secret that lets a core introduce itself, made on first use.
 *
 * @param path - Its folder is there.
 * @returns One line for the user when the file holds something else.
 */
export async function openPairing(path: string): Promise<Result<PairingFile, string>> {
  try {
    await writeFile(path, `${randomToken()}\n`, { flag: "wx", mode: PRIVATE_FILE });
  } catch (error) {
    if (codeOf(error) !== "EEXIST") return err(`cannot write ${path} (${codeOf(error)})`);
  }
  try {
    const secret = (await readFile(path, "utf8")).trim();
    if (PAIRING_SECRET.test(secret)) return ok({ path, secret: new Secret(secret) });
    return err(`${path} does not hold a pairing secret: delete it and start again`);
  } catch (error) {
    return err(`cannot read ${path} (${codeOf(error)})`);
  }
}

/**
 * A folder for the socket between front and runtime, empty and for nobody but us.
 *
 * @returns The socket's path; one line for the user when it cannot be.
 */
export async function openSocketPath(dir: string): Promise<Result<string, string>> {
  const folder = join(dir, "run");
  const path = join(folder, "http.sock");
  if (Buffer.byteLength(path) > MAX_SOCKET_PATH_BYTES) {
    return err(
      `the path ${dir} is too long for a socket in it (${MAX_SOCKET_PATH_BYTES} bytes): choose a shorter one with --storage`,
    );
  }
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { mode: PRIVATE_DIR });
  return ok(path);
}

function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : String(error);
}
