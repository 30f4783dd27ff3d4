import type { Duplex } from "node:stream";
import {
  checkServerIdentity,
  connect,
  type ConnectionOptions,
  type DetailedPeerCertificate,
  getCACertificates,
  type TLSSocket,
} from "node:tls";
import type { CertificateFacts, Handshake } from "../verdicts/certificate.ts";
import { bare, isAddress } from "./network.ts";
import { reasonOf } from "./reason.ts";

/** Longer chains are a fault of somebody; the walk up must end. */
const MAX_CHAIN = 10;

/** Shakes hands on an open connection, trusting whoever answers, and tells who that is. */
export async function shakeHands(
  socket: Duplex,
  hostname: string,
  options: Pick<ConnectionOptions, "cert" | "key">,
  timeoutMs: number,
): Promise<Handshake> {
  const { promise, resolve, reject } = Promise.withResolvers<undefined>();
  const secure = connect({
    ...options,
    socket,
    ...(isAddress(hostname) ? {} : { servername: hostname }),
    // Only looked at: nothing is sent over this connection.
    rejectUnauthorized: false,
    checkServerIdentity: () => undefined,
  });
  const timer = setTimeout(() => reject(new Error("no answer in time")), timeoutMs);
  secure.on("error", reject);
  secure.once("secureConnect", () => resolve(undefined));
  secure.once("close", () => reject(new Error("socket hang up")));
  try {
    await promise;
    return { result: "done", certificate: factsOf(secure, hostname) };
  } catch (error) {
    return { result: "failed", reason: reasonOf(error) };
  } finally {
    clearTimeout(timer);
    secure.destroy();
    socket.destroy();
  }
}

function factsOf(secure: TLSSocket, hostname: string): CertificateFacts {
  const certificate = secure.getPeerCertificate(true);
  const above = chainAbove(certificate);
  const mismatch = checkServerIdentity(bare(hostname), certificate);
  const { authorized, authorizationError } = secure;
  const isSelfMade = above.length === 0;
  return {
    subject: nameOf(certificate.subject),
    issuers: isSelfMade
      ? [nameOf(certificate.issuer)]
      : above.map(({ subject }) => nameOf(subject)),
    validFrom: Date.parse(certificate.valid_from),
    validTo: Date.parse(certificate.valid_to),
    // The typings say Error; what is there is its code.
    distrust: authorized ? undefined : String(authorizationError),
    mismatch: mismatch === undefined ? undefined : namesOf(certificate),
    isPublic: above.some(isBundled),
    protocol: secure.getProtocol() ?? "",
  };
}

/** Up to the root, as far as the peer or this machine has them. */
function chainAbove(leaf: DetailedPeerCertificate): DetailedPeerCertificate[] {
  const above: DetailedPeerCertificate[] = [];
  let at = leaf;
  // The root is its own issuer.
  while (at.issuerCertificate !== undefined && at.issuerCertificate !== at) {
    at = at.issuerCertificate;
    if (above.length === MAX_CHAIN) break;
    above.push(at);
  }
  return above;
}

/** Whether Node brings this certificate along. @param raw - DER. */
export function isBundled({ raw }: { readonly raw: Buffer }): boolean {
  const text = raw.toString("base64");
  return getCACertificates("bundled").some((pem) => pemBody(pem) === text);
}

function pemBody(pem: string): string {
  return pem.replaceAll(/-----[^-]+-----|\s/g, "");
}

function nameOf(name: DetailedPeerCertificate["subject"]): string {
  const { CN, O } = name;
  // A name may stand there more than once.
  const first = [CN, O].flat().find((part) => part !== undefined && part !== "");
  return first === undefined ? "a certificate without a name" : first.slice(0, 100);
}

function namesOf({ subjectaltname, subject }: DetailedPeerCertificate): string {
  const names = subjectaltname ?? nameOf(subject);
  return `it is for ${names.slice(0, 200)}`;
}
