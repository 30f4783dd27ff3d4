/** Whose certificate the edge shows, and who vouches for it. Pure. */
import { failed, ok, type Verdict, warning } from "./finding.ts";

export interface CertificateFacts {
  readonly subject: string;
  /** Names of all above it, the nearest first. */
  readonly issuers: readonly string[];
  /** Unix ms. */
  readonly validFrom: number;
  readonly validTo: number;
  /** Why this machine does not trust it, in OpenSSL's word; undefined: it does. */
  readonly distrust: string | undefined;
  /** Why it is not for this host; undefined: it is. */
  readonly mismatch: string | undefined;
  /** One of those above it is among the public roots that Node brings along. */
  readonly isPublic: boolean;
  /** `TLSv1.3` */
  readonly protocol: string;
}

export type Handshake =
  | { readonly result: "done"; readonly certificate: CertificateFacts }
  | { readonly result: "failed"; readonly reason: string };

/** Renewals run a month ahead: this late, one has failed. */
const EXPIRES_SOON_MS = 14 * 24 * 3_600_000;

/**
 * What programs that read TLS on the way call themselves in the certificates they make.
 * Source: the issuer names in the vendors' manuals on TLS inspection.
 */
const INTERCEPTORS =
  /zscaler|netskope|forti(?:gate|net)|palo ?alto|blue ?coat|symantec web|cisco umbrella|check ?point|skyhigh|mcafee|sophos|barracuda|watchguard|forcepoint|iboss|sonicwall|gateway ca - cloudflare|kaspersky|eset ssl|avast|avg web|bitdefender|charles proxy|mitmproxy|fiddler|portswigger|burp|squid|menlo security/i;

export function judgeCertificate(host: string, handshake: Handshake, now: number): Verdict {
  if (handshake.result === "failed") {
    return failed(
      `no TLS with ${host}: ${handshake.reason}`,
      "something that speaks no TLS listens there, or a filter cuts it: check the port and the way",
    );
  }
  const { certificate } = handshake;
  const { subject, issuers, validTo, protocol } = certificate;
  const shown = `${subject} by ${issuers[0] ?? "nobody"}, until ${dateOf(validTo)}, ${protocol}`;
  const faults = faultsOf(host, certificate, now);
  const [first] = faults;
  if (first !== undefined) {
    return failed(`${faults.map(({ what }) => what).join("; ")} (${shown})`, first.fix);
  }
  if (validTo - now < EXPIRES_SOON_MS) {
    return warning(`expires soon: ${shown}`, "see why it is not renewed");
  }
  return ok(shown);
}

interface Fault {
  readonly what: string;
  readonly fix: string;
}

function faultsOf(host: string, facts: CertificateFacts, now: number): Fault[] {
  const { validFrom, validTo, distrust, mismatch, issuers } = facts;
  const faults: Fault[] = [];
  if (now > validTo) {
    faults.push({
      what: `expired on ${dateOf(validTo)}`,
      fix: "renew it, or set this machine's clock",
    });
  } else if (now < validFrom) {
    faults.push({ what: `not valid before ${dateOf(validFrom)}`, fix: "set this machine's clock" });
  }
  if (mismatch !== undefined) {
    faults.push({
      what: `not for ${host}: ${mismatch}`,
      fix: "check sallyport.edge.url, and that the certificate names this host",
    });
  }
  const isAboutTime = distrust === "CERT_HAS_EXPIRED" || distrust === "CERT_NOT_YET_VALID";
  if (distrust !== undefined && !(isAboutTime && faults.length > 0)) {
    faults.push({
      what: `not trusted (${distrust})`,
      fix: interceptorOf(issuers)
        ? "have this host taken out of the inspection, or trust its CA: NODE_EXTRA_CA_CERTS=<file>"
        : "get a public certificate, or trust its CA: NODE_EXTRA_CA_CERTS=<file>",
    });
  }
  return faults;
}

/** Whether somebody on the way reads along. */
export function judgeIssuer({ issuers, isPublic }: CertificateFacts): Verdict {
  const chain = issuers.join(", ") || "nobody above it";
  const name = interceptorOf(issuers);
  if (name !== undefined) {
    return warning(
      `TLS is opened on the way by ${name}: whoever runs it can read the tokens`,
      "have the edge's host taken out of the inspection",
    );
  }
  if (isPublic) return ok(`vouched for by a public root (${chain})`);
  return warning(
    `vouched for by a CA that is no public one (${chain}): your own, or TLS is opened on the way`,
    "if that CA is not yours, have the edge's host taken out of the inspection",
  );
}

function interceptorOf(issuers: readonly string[]): string | undefined {
  return issuers.find((issuer) => INTERCEPTORS.test(issuer));
}

function dateOf(at: number): string {
  return Number.isNaN(at) ? "an unknown day" : new Date(at).toISOString().slice(0, 10);
}
