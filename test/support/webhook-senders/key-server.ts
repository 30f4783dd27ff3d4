/** Who publishes the keys that web tokens are checked by, in each shape that a vendor has. */
import { execFileSync } from "node:child_process";
import { createPrivateKey, createPublicKey, type KeyObject } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { exportJWK, SignJWT } from "jose";

export interface KeyServer extends AsyncDisposable {
  /** An OpenID configuration that names a set of keys with Bot Framework's endorsements. */
  readonly openIdUrl: string;
  /** A set of keys. */
  readonly jwksUrl: string;
  /** Certificates by key id, as for Google's service accounts. */
  readonly x509Url: string;
  /** How often keys were asked for. */
  readonly asked: number;
  /** A token of RS256; by a key that is not published, if `isStranger`. */
  token(claims: Readonly<Record<string, unknown>>, isStranger?: boolean): Promise<string>;
}

interface Pair {
  readonly privateKey: KeyObject;
  readonly certificate: string;
}

const KEY_ID = "LdSyCfN0RxmOsCKJzxGF5QJ5GwM";

export async function startKeyServer(): Promise<KeyServer> {
  const [published, stranger] = [rsaPair(), rsaPair()];
  const jwk = await exportJWK(createPublicKey(published.certificate));
  const key = { ...jwk, kid: KEY_ID, use: "sig", alg: "RS256" };
  let asked = 0;
  let origin = "";
  const server = createServer((request, response) => {
    asked += 1;
    const documents: Readonly<Record<string, object>> = {
      "/openid": {
        issuer: "https://api.botframework.com",
        jwks_uri: `${origin}/endorsed`,
        id_token_signing_alg_values_supported: ["RS256"],
      },
      "/endorsed": { keys: [{ ...key, endorsements: ["msteams", "webchat"] }] },
      "/jwks": { keys: [key] },
      "/x509": { [KEY_ID]: published.certificate },
    };
    const document = documents[request.url ?? ""];
    response.writeHead(document === undefined ? 404 : 200, {
      "Content-Type": "application/json",
      "Cache-Control": "public, max-age=3600",
    });
    response.end(JSON.stringify(document ?? {}));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new TypeError("not a TCP address");
  origin = `http://127.0.0.1:${address.port}`;
  return {
    openIdUrl: `${origin}/openid`,
    jwksUrl: `${origin}/jwks`,
    x509Url: `${origin}/x509`,
    get asked() {
      return asked;
    },
    token: (claims, isStranger = false) =>
      new SignJWT({ ...claims })
        .setProtectedHeader({ alg: "RS256", typ: "JWT", kid: KEY_ID })
        .sign((isStranger ? stranger : published).privateKey),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      const closed = once(server, "close");
      server.close();
      await closed;
    },
  };
}

/** An RSA key with a certificate that vouches for itself, by the openssl of this machine. */
function rsaPair(): Pair {
  const folder = mkdtempSync(join(tmpdir(), "sallyport-rsa-"));
  try {
    const [key, cert] = [join(folder, "key"), join(folder, "cert")];
    const files = ["-keyout", key, "-out", cert, "-subj", "/CN=chat.example", "-days", "2"];
    execFileSync("openssl", ["req", "-x509", "-newkey", "rsa:2048", "-nodes", ...files], {
      stdio: "ignore",
    });
    return {
      privateKey: createPrivateKey(readFileSync(key)),
      certificate: readFileSync(cert, "utf8"),
    };
  } finally {
    rmSync(folder, { recursive: true });
  }
}
