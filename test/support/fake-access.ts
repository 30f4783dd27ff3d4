/** Cloudflare Access as the edge sees it: a server of public keys, and who signs with them. */
import { once } from "node:events";
import { createServer } from "node:http";
import { exportJWK, generateKeyPair, SignJWT } from "jose";

export const AUDIENCE = "4714c1358e65fe4b408ad6d432a5f878f08194bdb4752441fd56faefa9b2b6f2";

export interface FakeAccess extends AsyncDisposable {
  /** Origin of the team. */
  readonly issuer: string;
  /** How often the keys were asked for. */
  readonly asked: number;
  /** A new key from now on; the ones before stay published. */
  rotate(): Promise<void>;
  /** From now on the keys are not to be had. */
  fail(): void;
  /**
   * What Access puts on a request of a service token.
   *
   * @param change - Claims that differ; undefined leaves one out.
   */
  assertion(change?: Readonly<Record<string, unknown>>): Promise<string>;
}

type Keys = Awaited<ReturnType<typeof generateKeyPair>>;

export async function startFakeAccess(): Promise<FakeAccess> {
  const published: object[] = [];
  let current: { readonly kid: string; readonly keys: Keys } | undefined;
  let asked = 0;
  let isWell = true;
  const rotate = async (): Promise<void> => {
    const keys = await generateKeyPair("RS256");
    const kid = `key-${published.length}`;
    published.unshift({ ...(await exportJWK(keys.publicKey)), kid, alg: "RS256", use: "sig" });
    current = { kid, keys };
  };
  await rotate();
  const server = createServer((request, response) => {
    asked += 1;
    const isThere = isWell && request.url === "/cdn-cgi/access/certs";
    response.writeHead(isThere ? 200 : 500, { "Content-Type": "application/json" });
    response.end(isThere ? JSON.stringify({ keys: published, public_cert: {} }) : "{}");
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new TypeError("not a TCP address");
  const issuer = `http://127.0.0.1:${address.port}`;
  return {
    issuer,
    get asked() {
      return asked;
    },
    rotate,
    fail() {
      isWell = false;
    },
    async assertion(change = {}) {
      if (current === undefined) throw new Error("no key");
      const now = Math.floor(Date.now() / 1000);
      const claims = { iss: issuer, aud: [AUDIENCE], iat: now, exp: now + 60, type: "app" };
      return new SignJWT({ ...claims, common_name: "a-service-token.access", sub: "", ...change })
        .setProtectedHeader({ alg: "RS256", kid: current.kid })
        .sign(current.keys.privateKey);
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      const closed = once(server, "close");
      server.close();
      await closed;
    },
  };
}

/** What the platform tells the Worker of a client's certificate, as `request.cf.tlsClientAuth`. */
export function clientCertificate(
  certVerified: "SUCCESS" | "FAILED:self signed certificate",
  certFingerprintSHA256: string,
) {
  const name = "CN=core";
  return {
    certPresented: "1",
    certVerified,
    certRevoked: "0",
    certIssuerDN: name,
    certSubjectDN: name,
    certIssuerDNRFC2253: name,
    certSubjectDNRFC2253: name,
    certIssuerDNLegacy: name,
    certSubjectDNLegacy: name,
    certSerial: "01",
    certIssuerSerial: "01",
    certSKI: "",
    certIssuerSKI: "",
    certFingerprintSHA1: "",
    certFingerprintSHA256,
    certNotBefore: "Jan  1 00:00:00 2026 GMT",
    certNotAfter: "Jan  1 00:00:00 2036 GMT",
    certRFC9440: "",
    certRFC9440TooLarge: false,
    certChainRFC9440: "",
    certChainRFC9440TooLarge: false,
  } as const;
}
