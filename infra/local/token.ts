import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { Secret } from "../../shared/secret.ts";
import type { TokenSource } from "./core-ready.ts";
import type { Environment } from "../process/place.ts";

/** The command line reads a config file and prints: a second is long for that. */
const COMMAND_TIMEOUT_MS = 10_000;

export interface TokenReader {
  readonly root: string;
  /** The core's. */
  readonly env: Environment;
}

/**
 * The gateway's token, from where the core says it is.
 *
 * @throws Error when it is not there any more.
 */
export async function readToken(source: TokenSource, reader: TokenReader): Promise<Secret> {
  if (source.from === "file") return new Secret((await readFile(source.path, "utf8")).trim());
  const set = source.from === "env" ? reader.env[source.name] : undefined;
  if (set !== undefined && set !== "") return new Secret(set);
  // In a config file or a .env file, perhaps by reference: the core knows how to read those.
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [join(reader.root, "core", "sallyport.mjs"), "token"],
    { env: reader.env, timeout: COMMAND_TIMEOUT_MS },
  );
  return new Secret(stdout.trim());
}
