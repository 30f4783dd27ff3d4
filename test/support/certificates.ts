/** Certificates that are good for tests alone, made by the openssl of this machine. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface Issued {
  readonly cert: string;
  readonly key: string;
}

export interface CertificateOptions {
  /** Of the subject. */
  readonly name?: string;
  /** Default: `DNS:localhost,IP:127.0.0.1`. */
  readonly hosts?: string;
  /** -1: expired since yesterday. */
  readonly days?: number;
  /** Whose signature it has; default: its own. */
  readonly by?: Issued;
}

const KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"] as const;

/** A certificate authority of that name. */
export function createAuthority(name: string): Issued {
  return inFolder((folder) => {
    const out = ["-keyout", join(folder, "key"), "-out", join(folder, "cert")];
    const subject = ["-subj", `/CN=${name}`, "-days", "7"];
    openssl(["req", "-x509", ...KEY, ...out, ...subject]);
    return read(folder);
  });
}

/** A certificate for a server on the loopback. */
export function createCertificate(options: CertificateOptions = {}): Issued {
  const { name = "edge", hosts = "DNS:localhost,IP:127.0.0.1", days = 7, by } = options;
  return inFolder((folder) => {
    const key = join(folder, "key");
    const request = join(folder, "request");
    const extensions = join(folder, "extensions");
    writeFileSync(extensions, `subjectAltName=${hosts}`);
    openssl(["req", "-new", ...KEY, "-keyout", key, "-out", request, "-subj", `/CN=${name}`]);
    const signer = by === undefined ? ["-signkey", key] : signerOf(folder, by);
    const out = ["-days", String(days), "-out", join(folder, "cert"), "-extfile", extensions];
    openssl(["x509", "-req", "-in", request, ...signer, ...out]);
    return read(folder);
  });
}

function signerOf(folder: string, { cert, key }: Issued): string[] {
  const files = { cert: join(folder, "ca-cert"), key: join(folder, "ca-key") };
  writeFileSync(files.cert, cert);
  writeFileSync(files.key, key);
  return ["-CA", files.cert, "-CAkey", files.key, "-set_serial", String(Date.now())];
}

function inFolder(make: (folder: string) => Issued): Issued {
  const folder = mkdtempSync(join(tmpdir(), "sallyport-cert-"));
  try {
    return make(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function read(folder: string): Issued {
  return {
    cert: readFileSync(join(folder, "cert"), "utf8"),
    key: readFileSync(join(folder, "key"), "utf8"),
  };
}

function openssl(args: readonly string[]): void {
  execFileSync("openssl", args, { stdio: "ignore" });
}
