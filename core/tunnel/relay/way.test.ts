import { execFileSync } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import type { IncomingMessage } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { getCACertificates, setDefaultCACertificates, TLSSocket } from "node:tls";
import { expect, onTestFinished, test } from "vitest";
import { randomToken } from "../../../shared/bytes.ts";
import { Secret } from "../../../shared/secret.ts";
import { provePairing } from "../../../shared/tunnel/handshake.ts";
import {
  type FakeEdge,
  type FakeEdgeOptions,
  type Reply,
  startFakeEdge,
} from "../../../test/support/fake-edge.ts";
import { startConnectProxy } from "../../../test/support/fault-proxy-connect.ts";
import { connectCore, machineOf, type TunnelCore } from "../../../test/support/tunnel-core.ts";
import { startTunnel } from "../dial.ts";
import type { Tunnel } from "../handlers.ts";
import type { TunnelSettings } from "../settings.ts";
import { pino } from "pino";
import { until } from "../../../test/support/until.ts";

const UNPAIRED = { pairing: undefined } as const;

async function edgeWith(options: FakeEdgeOptions = {}): Promise<FakeEdge> {
  const edge = await startFakeEdge(options);
  onTestFinished(() => edge[Symbol.asyncDispose]());
  return edge;
}

async function coreOn(edge: FakeEdge, settings: Partial<TunnelSettings>): Promise<TunnelCore> {
  const options = { edge: edge.url, pairing: new Secret("unused"), settings };
  const core = await connectCore(options);
  onTestFinished(() => core[Symbol.asyncDispose]());
  return core;
}

/** A tunnel that is not expected to connect; resolves with its first complaint. */
async function complaint(edge: URL, settings: Partial<TunnelSettings>): Promise<string> {
  const { stateDir } = machineOf({});
  const base = { edge, pairing: undefined, version: "0", stateDir };
  const tunnel: Tunnel = await startTunnel({ ...base, ...settings }, pino({ level: "silent" }));
  onTestFinished(() => tunnel[Symbol.asyncDispose]());
  return until(() => tunnel.state.lastError, { everyMs: 5 });
}

/** Lets a core in that holds `secret`, as an edge does. */
function pairs(edge: FakeEdge, secret: Secret): (request: IncomingMessage) => Promise<Reply> {
  return async (request) => {
    const [, kid = ""] = /kid=([^,]+)/.exec(request.headers.authorization ?? "") ?? [];
    const [, nonce = ""] = /nonce=([^,]+)/.exec(request.headers.authorization ?? "") ?? [];
    const edgeKey = edge.key.publicKey;
    const proof = await provePairing(secret, { kid, nonce, edgeKey });
    return { status: 200, body: JSON.stringify({ edgeKey, proof }) };
  };
}

test("through a proxy that wants a password, pairing and tunnel reach the edge", async () => {
  const edge = await edgeWith();
  await using proxy = await startConnectProxy({ credentials: "user:pass word" });
  const secret = new Secret(randomToken());
  edge.onRequest = pairs(edge, secret);
  await coreOn(edge, {
    pairing: secret,
    proxy: new URL(`http://user:pass%20word@127.0.0.1:${proxy.port}`),
  });
  expect([proxy.asked, proxy.refused]).toEqual([[edge.url.host, edge.url.host], 0]);
});

test.each([
  ["wants a password we do not have", "user:pass", "wants a user and a password (407)"],
  ["has another", "user:other", "wants a user and a password (407)"],
])("a proxy that %s is named, its own password is not", async (_name, credentials, reason) => {
  const edge = await edgeWith();
  await using proxy = await startConnectProxy({ credentials });
  const given = credentials === "user:other" ? "user:secret-word@" : "";
  const said = await complaint(edge.url, {
    proxy: new URL(`http://${given}127.0.0.1:${proxy.port}`),
  });
  expect(said).toBe(`the proxy 127.0.0.1:${proxy.port} ${reason}`);
  expect(edge.attempts).toEqual([]);
});

test("a proxy that is not there is named", async () => {
  const edge = await edgeWith();
  const said = await complaint(edge.url, { proxy: new URL("http://127.0.0.1:1") });
  expect(said).toContain("edge unreachable through the proxy 127.0.0.1:1: connect ECONNREFUSED");
});

test("a service token of Access goes with the dial and with the pairing", async () => {
  const edge = await edgeWith();
  const secret = new Secret(randomToken());
  const seen: unknown[] = [];
  const pairing = pairs(edge, secret);
  edge.onRequest = async (request) => {
    seen.push(request.headers["cf-access-client-secret"]);
    return pairing(request);
  };
  await coreOn(edge, {
    pairing: secret,
    access: { clientId: "me.access", clientSecret: new Secret("the-token") },
  });
  const { headers } = await edge.link(1);
  expect(seen).toEqual(["the-token"]);
  expect([headers["cf-access-client-id"], headers["cf-access-client-secret"]]).toEqual([
    "me.access",
    "the-token",
  ]);
});

test.each<[string, Reply, string]>([
  [
    "a login page of Access",
    {
      status: 302,
      headers: { Location: "https://team.cloudflareaccess.com/cdn-cgi/access/login" },
    },
    "Cloudflare Access asks for a login",
  ],
  [
    "a redirect to somewhere",
    { status: 301, headers: { Location: "https://elsewhere.example/" } },
    "answered 301, to https://elsewhere.example/, which is no answer of an edge",
  ],
  ["a page of another site", { status: 200, body: "<html>" }, "answered 200, which is no answer"],
  [
    "an edge that does not know us",
    {
      status: 401,
      body: JSON.stringify({ code: "unauthenticated", detail: "A known key is required" }),
    },
    "edge refused us: 401 unauthenticated A known key is required",
  ],
])("%s is called by its name", async (_name, reply, message) => {
  const edge = await edgeWith();
  edge.refuse = () => reply;
  expect(await complaint(edge.url, {})).toContain(message);
});

test("with a client certificate, an edge that asks for one lets us in", async () => {
  const dir = await mkdtemp(join(tmpdir(), "sallyport-tls-"));
  onTestFinished(() => rm(dir, { recursive: true }));
  const server = await certificate(dir, "server");
  const client = await certificate(dir, "client");
  const cas = getCACertificates("default");
  setDefaultCACertificates([...cas, server.cert]);
  onTestFinished(() => setDefaultCACertificates(cas));
  const tls = { ...server, requestCert: true, rejectUnauthorized: true, ca: client.cert };
  const edge = await edgeWith({ tls });
  let subject: unknown;
  edge.refuse = ({ socket }) => {
    if (socket instanceof TLSSocket) subject = socket.getPeerCertificate().subject.CN;
    return undefined;
  };
  await coreOn(edge, { ...UNPAIRED, tls: { certFile: client.certFile, keyFile: client.keyFile } });
  expect(subject).toBe("client");
  await using proxy = await startConnectProxy();
  // Through a proxy as well; and a certificate of another name is refused on either way.
  subject = undefined;
  await coreOn(edge, {
    ...UNPAIRED,
    tls: { certFile: client.certFile, keyFile: client.keyFile },
    proxy: new URL(`http://127.0.0.1:${proxy.port}`),
  });
  expect([subject, proxy.asked]).toEqual(["client", [edge.url.host]]);
  const misnamed = new URL(edge.url);
  misnamed.hostname = "localhost";
  for (const way of [undefined, new URL(`http://127.0.0.1:${proxy.port}`)]) {
    expect(await complaint(misnamed, { proxy: way })).toContain("does not match certificate");
  }
});

test("a client certificate that is not there is a reason, not an end", async () => {
  const edge = await edgeWith();
  const tls = { certFile: "/nowhere/client.pem", keyFile: "/nowhere/client.key" };
  expect(await complaint(edge.url, { tls })).toBe(
    "The client certificate for the edge cannot be read: /nowhere/client.pem, /nowhere/client.key (ENOENT)",
  );
});

test("a clock that is wrong is set right once by the edge's, for dial and pairing alike", async () => {
  const edge = await edgeWith();
  const secret = new Secret(randomToken());
  const skewed = { status: 401, body: JSON.stringify({ code: "clock_skew", detail: "check" }) };
  const at = Date.now() + 300_000;
  const serverDate = new Date(at).toUTCString();
  const isLate = ({ headers }: IncomingMessage): boolean =>
    Number(/ts=(\d+)/.exec(headers.authorization ?? "")?.[1]) < at - 60_000;
  const pairing = pairs(edge, secret);
  let pairings = 0;
  edge.onRequest = async (request) => {
    pairings += 1;
    return isLate(request) ? { ...skewed, headers: { Date: serverDate } } : pairing(request);
  };
  edge.refuse = (request) =>
    isLate(request) ? { ...skewed, headers: { Date: serverDate } } : undefined;
  const core = await coreOn(edge, { pairing: secret });
  expect([pairings, edge.attempts.length]).toEqual([2, 1]);
  expect(Math.abs((core.tunnel.relays[0]?.skewMs ?? 0) - 300_000)).toBeLessThan(5_000);
});

/** Signed by itself, good for 127.0.0.1 and an hour. */
async function certificate(
  dir: string,
  name: string,
): Promise<{ cert: string; key: string; certFile: string; keyFile: string }> {
  const certFile = join(dir, `${name}.pem`);
  const keyFile = join(dir, `${name}.key`);
  const subject = ["-subj", `/CN=${name}`, "-addext", "subjectAltName=IP:127.0.0.1"];
  const kind = ["-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
  const files = ["-keyout", keyFile, "-out", certFile, "-days", "1"];
  execFileSync("openssl", ["req", ...kind, ...files, ...subject], { stdio: "ignore" });
  const [cert, key] = await Promise.all([readFile(certFile, "utf8"), readFile(keyFile, "utf8")]);
  return { cert, key, certFile, keyFile };
}
