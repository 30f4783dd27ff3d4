import { X509Certificate } from "node:crypto";
import { type Stats, unwatchFile, watchFile } from "node:fs";
import { readFile } from "node:fs/promises";
import { createSecureContext } from "node:tls";
import { type Result, err, ok } from "../../../shared/result.ts";
import { errorCode } from "../../process/error-code.ts";

/** PEM, as Node's TLS takes it. */
export interface KeyPair {
  /** With the chain that leads to the root. */
  readonly cert: string;
  readonly key: string;
}

export interface CertificateFiles {
  readonly certFile: string;
  readonly keyFile: string;
}

/** Renewals are weeks apart; polled, because links that are swapped (certbot's) escape a watch. */
const POLL_MS = 5_000;

/** @returns One line that says which file is at fault. */
export async function loadCertificate(files: CertificateFiles): Promise<Result<KeyPair, string>> {
  const { certFile, keyFile } = files;
  const read: string[] = [];
  for (const file of [certFile, keyFile]) {
    try {
      read.push(await readFile(file, "utf8"));
    } catch (error) {
      return err(`cannot read ${file} (${errorCode(error)})`);
    }
  }
  const [cert = "", key = ""] = read;
  try {
    createSecureContext({ cert, key });
  } catch (error) {
    return err(`${certFile} and ${keyFile} are no certificate with its key (${errorCode(error)})`);
  }
  return ok({ cert, key });
}

/** True when no authority vouches for it: clients must be told to trust it. */
export function isSelfSigned({ cert }: KeyPair): boolean {
  const parsed = new X509Certificate(cert);
  return parsed.issuer === parsed.subject && parsed.verify(parsed.publicKey);
}

/** Calls `onChange` whenever one of the files is another one than before. */
export function watchCertificate(
  { certFile, keyFile }: CertificateFiles,
  onChange: () => void,
  pollMs: number = POLL_MS,
): Disposable {
  const listener = (now: Stats, before: Stats): void => {
    if (now.mtimeMs !== before.mtimeMs || now.ino !== before.ino) onChange();
  };
  for (const file of [certFile, keyFile]) {
    watchFile(file, { interval: pollMs, persistent: false }, listener);
  }
  return {
    [Symbol.dispose]: () => {
      for (const file of [certFile, keyFile]) unwatchFile(file, listener);
    },
  };
}
