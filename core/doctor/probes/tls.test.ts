import { X509Certificate } from "node:crypto";
import { getCACertificates, setDefaultCACertificates } from "node:tls";
import { expect, onTestFinished, test } from "vitest";
import {
  type CertificateOptions,
  createAuthority,
  createCertificate,
  type Issued,
} from "../../../test/support/certificates.ts";
import { startFakeEdge } from "../../../test/support/fake-edge.ts";
import { type Handshake, judgeCertificate, judgeIssuer } from "../verdicts/certificate.ts";
import { open } from "./network.ts";
import { isBundled, shakeHands } from "./tls.ts";

async function meet({ cert, key }: Issued): Promise<Handshake> {
  await using edge = await startFakeEdge({ tls: { cert, key } });
  const { port } = edge.url;
  const opened = await open("127.0.0.1", Number(port), 5_000);
  if (opened.result !== "open") throw new Error(opened.reason);
  return shakeHands(opened.socket, "127.0.0.1", {}, 5_000);
}

function trust({ cert }: Issued): void {
  const before = getCACertificates();
  setDefaultCACertificates([...before, cert]);
  onTestFinished(() => setDefaultCACertificates(before));
}

const own = createAuthority("The Company CA");

test.each<[string, CertificateOptions, string]>([
  ["nobody vouches for", {}, "not trusted (DEPTH_ZERO_SELF_SIGNED_CERT)"],
  ["has expired", { days: -1, by: own }, "expired on "],
  [
    "is for another host",
    { hosts: "DNS:other.example", by: own },
    "not for 127.0.0.1: it is for DNS:other.example",
  ],
])("a certificate that %s fails", async (_name, options, words) => {
  trust(own);
  const verdict = judgeCertificate("127.0.0.1", await meet(createCertificate(options)), Date.now());
  expect(verdict.detail).toContain(words);
  expect(verdict.status).toBe("failed");
});

test("a certificate of a CA that this machine alone trusts may be an interceptor's", async () => {
  trust(own);
  const handshake = await meet(createCertificate({ name: "edge", by: own }));
  expect(judgeCertificate("127.0.0.1", handshake, Date.now())).toMatchObject({ status: "warning" });
  if (handshake.result !== "done") throw new Error(handshake.reason);
  const { certificate } = handshake;
  expect(certificate).toMatchObject({
    subject: "edge",
    issuers: ["The Company CA"],
    distrust: undefined,
    mismatch: undefined,
    isPublic: false,
  });
  expect(judgeIssuer(certificate).detail).toContain("no public one (The Company CA)");
});

test("a known interceptor is named, trusted or not", async () => {
  const zscaler = createAuthority("Zscaler Root CA");
  const issued = createCertificate({ by: zscaler });
  const distrusted = judgeCertificate("127.0.0.1", await meet(issued), Date.now());
  expect(distrusted).toMatchObject({ status: "failed" });
  expect("fix" in distrusted ? distrusted.fix : "").toContain("taken out of the inspection");
  trust(zscaler);
  const handshake = await meet(issued);
  if (handshake.result !== "done") throw new Error(handshake.reason);
  expect(judgeIssuer(handshake.certificate).detail).toContain(
    "opened on the way by Zscaler Root CA",
  );
});

test("a certificate under a root that Node brings along is public", () => {
  const facts = {
    subject: "edge.example",
    issuers: ["R3", "ISRG Root X1"],
    validFrom: 0,
    validTo: Number.MAX_SAFE_INTEGER,
    distrust: undefined,
    mismatch: undefined,
    isPublic: true,
    protocol: "TLSv1.3",
  };
  expect(judgeIssuer(facts).status).toBe("ok");
  const [root = ""] = getCACertificates("bundled");
  expect(isBundled(new X509Certificate(root))).toBe(true);
  expect(isBundled(new X509Certificate(own.cert))).toBe(false);
  const soon = { ...facts, validTo: 24 * 3_600_000 };
  expect(
    judgeCertificate("edge.example", { result: "done", certificate: soon }, 1).detail,
  ).toContain("expires soon");
});

test("a server with several names is told which one is meant", async () => {
  const asked: string[] = [];
  const SNICallback = (name: string, done: (error: null) => void): void => {
    asked.push(name);
    done(null);
  };
  await using edge = await startFakeEdge({ tls: { ...createCertificate(), SNICallback } });
  const opened = await open("127.0.0.1", Number(edge.url.port), 5_000);
  if (opened.result !== "open") throw new Error(opened.reason);
  const handshake = await shakeHands(opened.socket, "localhost", {}, 5_000);
  expect(handshake).toMatchObject({ certificate: { mismatch: undefined } });
  expect(asked).toEqual(["localhost"]);
});

test("a server that speaks no TLS is told in one word", async () => {
  await using edge = await startFakeEdge();
  const opened = await open("127.0.0.1", Number(edge.url.port), 5_000);
  if (opened.result !== "open") throw new Error(opened.reason);
  expect(await shakeHands(opened.socket, "127.0.0.1", {}, 5_000)).toEqual({
    result: "failed",
    reason: "ERR_SSL_WRONG_VERSION_NUMBER",
  });
});
