import {
  accessSync,
  chmodSync,
  constants,
  existsSync,
  mkdirSync,
  readFileSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { randomToken } from "../../shared/bytes.ts";
import { type Result, err, ok } from "../../shared/result.ts";
import { Secret } from "../../shared/secret.ts";

/** Ours alone: tokens and conversations are in it. */
const PRIVATE_DIR = 0o700;
const PRIVATE_FILE = 0o600;

/** 256 bits as URL-safe base64. */
const PAIRING_SECRET = /^[A-Za-z0-9_-]{43}$/;

export interface StateDir {
  /** Durable Object storage of the local edge. */
  readonly edgeDir: string;
  readonly pairingFile: string;
  /** Lets a core introduce itself to the edge, once. */
  readonly pairing: Secret;
}

/**
 * Makes sure the state directory is there and ours to write, with what the launcher keeps in it.
 *
 * @returns One line for the user when it cannot be used.
 */
export function openStateDir(stateDir: string): Result<StateDir, string> {
  const edgeDir = join(stateDir, "edge");
  const credentials = join(stateDir, "credentials");
  const pairingFile = join(credentials, "edge-pairing");
  try {
    for (const dir of [stateDir, edgeDir, credentials]) {
      makeDir(dir);
      accessSync(dir, constants.R_OK | constants.W_OK | constants.X_OK);
    }
    // An older umask may have made it readable for others. The state directory itself is the
    // user's: we do not tighten what they may have opened on purpose.
    chmodSync(edgeDir, PRIVATE_DIR);
    const secret = readOrMake(pairingFile);
    if (!PAIRING_SECRET.test(secret)) {
      return err(`${pairingFile} does not hold a pairing secret: delete it and start again`);
    }
    return ok({ edgeDir, pairingFile, pairing: new Secret(secret) });
  } catch (error) {
    return err(
      `cannot use the state directory ${stateDir} (${codeOf(error)}): make it writable for you, or set OPENCLAW_STATE_DIR to another one`,
    );
  }
}

/** As `mkdirSync` with `recursive`, which goes round for ever below a folder like `/proc`. */
function makeDir(dir: string): void {
  if (existsSync(dir)) return;
  const parent = dirname(dir);
  if (!existsSync(parent)) makeDir(parent);
  try {
    mkdirSync(dir, { mode: PRIVATE_DIR });
  } catch (error) {
    if (codeOf(error) !== "EEXIST") throw error; // Another process was quicker.
  }
}

function readOrMake(file: string): string {
  try {
    writeFileSync(file, `${randomToken()}\n`, { flag: "wx", mode: PRIVATE_FILE });
  } catch (error) {
    if (codeOf(error) !== "EEXIST") throw error;
  }
  return readFileSync(file, "utf8").trim();
}

function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : String(error);
}
