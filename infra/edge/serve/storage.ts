import { chmod, mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { type Result, err, ok } from "../../../shared/result.ts";
import { errorCode } from "../../process/error-code.ts";
import { PRIVATE_DIR, makePrivateDir } from "../../process/private-files.ts";

/** `sun_path` of macOS, which is shorter than that of Linux, without its final zero. */
const MAX_SOCKET_PATH_BYTES = 103;

/**
 * Makes sure the folder is there and ours to write.
 *
 * @returns One line for the user when it cannot be used.
 */
export async function openStorage(dir: string): Promise<Result<void, string>> {
  try {
    await makePrivateDir(dir);
    // An older umask may have made it readable for others.
    await chmod(dir, PRIVATE_DIR);
    return ok(undefined);
  } catch (error) {
    return err(`cannot use the folder ${dir} (${errorCode(error)}): choose another with --storage`);
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
