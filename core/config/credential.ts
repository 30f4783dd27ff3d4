import { mkdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { randomToken } from "../../shared/bytes.ts";
import { err, ok, type Result } from "../../shared/result.ts";
import { Secret } from "../../shared/secret.ts";
import type { ConfigError } from "./issues/error.ts";
import { readOrCreatePrivate, readSmallFile } from "./file/files.ts";

/** A credential of our own, and where it came from, so that people can be told where to look. */
export type Credential =
  | { readonly source: "flag" | "env" | "config"; readonly secret: Secret }
  | { readonly source: "file"; readonly secret: Secret; readonly file: string };

/** What a hand may have left in a credential file and no header can carry. */
const USABLE = /^[\x21-\x7e]{1,4096}$/;

/** The credential in `<stateDir>/credentials/<name>`, made on first use: 256 random bits. */
export async function generatedCredential(
  stateDir: string,
  name: string,
): Promise<Result<Credential, ConfigError>> {
  const file = fileOf(stateDir, name);
  // When this fails, opening the file fails with the same reason, and says it.
  await mkdir(dirname(file), { mode: 0o700 }).catch(() => undefined);
  const text = await readOrCreatePrivate(file, randomToken);
  if (!text.ok) return text;
  if (!USABLE.test(text.value)) {
    return err({
      reason: "unreadable",
      file,
      detail: "no token in it; delete it to get a new one",
    });
  }
  return ok({ source: "file", secret: new Secret(text.value), file });
}

/** Where that credential is, if it was ever made. */
export async function earlierCredential(
  stateDir: string,
  name: string,
): Promise<string | undefined> {
  const file = fileOf(stateDir, name);
  const text = await readSmallFile(file);
  return text.ok && text.value !== undefined ? file : undefined;
}

function fileOf(stateDir: string, name: string): string {
  return join(stateDir, "credentials", name);
}
