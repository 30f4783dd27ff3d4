import { once } from "node:events";
import { createServer as createTcpServer } from "node:net";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { getCACertificates, setDefaultCACertificates } from "node:tls";
import { expect, onTestFinished, test } from "vitest";
import { Secret } from "../../../shared/secret.ts";
import { createAuthority, createCertificate } from "../../../test/support/certificates.ts";
import {
  closedPort,
  createMachine,
  type Machine,
  portOf,
  startStrippingProxy,
} from "../../../test/support/examined.ts";
import {
  type FakeEdge,
  type FakeEdgeOptions,
  type Reply,
  startFakeEdge,
} from "../../../test/support/fake-edge.ts";
import { startConnectProxy } from "../../../test/support/fault-proxy-connect.ts";
import { Identity } from "../../tunnel/identity/identity.ts";
import { CHECKS } from "../verdicts/finding.ts";

const HEALTH = { ok: true, status: "live", edge: { version: "1" }, core: { connected: true } };

async function edgeWith(options: FakeEdgeOptions = {}): Promise<FakeEdge> {
  const edge = await startFakeEdge(options);
  onTestFinished(() => edge[Symbol.asyncDispose]());
  edge.onRequest = ({ url }) => answers(url ?? "");
  return edge;
}

function answers(path: string): Reply {
  if (path === "/health") return { status: 200, body: JSON.stringify(HEALTH) };
  return { status: 404, body: "{}" };
}

async function machineOf(edge: URL, more: object = {}): Promise<Machine> {
  const machine = await createMachine({ sallyport: { edge: { url: edge.href, ...more } } });
  onTestFinished(() => machine[Symbol.asyncDispose]());
  return machine;
}

/** One that has dialled the edge before. */
async function metMachine(edge: FakeEdge, pinned = edge.key.publicKey): Promise<Machine> {
  const machine = await machineOf(edge.url);
  const identity = await Identity.load(machine.stateDir, edge.url);
  await identity.pin(edge.url.host, pinned);
  return machine;
}

const REPORT = {
  relay: "weur:1",
  cores: [{ instance: "core-1", mode: "leader", leads: true, since: 0, requests: 0, sockets: 0 }],
  sockets: 0,
  spooled: 2,
  oldestSpooledAt: 0,
  awakeMs: 0,
  wakes: {},
  bufferedBytes: 0,
};

test("without a gateway, a machine that knows its edge still sees all of it", async () => {
  const edge = await edgeWith({ relays: ["weur:1", "enam:1"] });
  edge.colo = () => "AMS";
  edge.onAsked = () => ({ status: 200, body: JSON.stringify(REPORT) });
  const machine = await metMachine(edge);
  const found = await machine.examine();
  expect(found.of("gateway.health")).toMatch(/^failed: .*nothing listens there/);
  expect(found.of("gateway.role")).toBe("skipped: gateway.health failed");
  expect(found.of("http.edge")).toBe("ok: an edge (1), and a core is connected to it");
  expect(found.of("websocket.upgrade")).toMatch(/^ok/);
  expect(found.of("clock.skew")).toMatch(/^ok/);
  expect(found.of("identity.key")).toMatch(/^ok/);
  expect(found.of("identity.pin")).toMatch(/^ok/);
  expect(found.of("relay.connected")).toBe("ok: reached just now: weur:1 (AMS), enam:1 (AMS)");
  expect(found.of("relay.place")).toMatch(/^warning: weur:1 and enam:1 are in one place/);
  expect(found.of("relay.spool")).toMatch(/^warning: webhooks wait: 2 in weur:1/);
  expect(found.list.map(({ id }) => id)).toEqual(Object.keys(CHECKS));
  for (const link of edge.links) {
    expect(link.hello).toEqual(
      expect.arrayContaining([
        [":mode", "standby"],
        [":epoch", "0"],
      ]),
    );
    expect((await link.closed)[0]).toBe(1001);
  }
});

test("a port nobody listens on ends the way there", async () => {
  const machine = await machineOf(new URL(`http://127.0.0.1:${await closedPort()}`));
  const found = await machine.examine();
  expect(found.of("tcp.connect")).toMatch(/^failed: .*ECONNREFUSED/);
  expect(found.of("http.edge")).toBe("skipped: tcp.connect failed");
  expect(found.of("loop.core")).toBe("skipped: tcp.connect failed");
  expect(found.isWell).toBe(false);
});

test("a server that takes a connection and says nothing is waited for so long", async () => {
  const server = createTcpServer((socket) => socket.on("error", () => undefined)).listen(
    0,
    "127.0.0.1",
  );
  onTestFinished(() => void server.close());
  await once(server, "listening");
  const machine = await machineOf(new URL(`http://127.0.0.1:${portOf(server)}`));
  const found = await machine.examine({ timeoutMs: 200 });
  expect(found.of("http.edge")).toMatch(/^failed: .*no answer in time/);
});

test("a proxy that wants a password is named, and the one it was given is not", async () => {
  await using proxy = await startConnectProxy({ credentials: "user:right" });
  const edge = await edgeWith();
  const machine = await machineOf(new URL("https://edge.example"));
  const env = {
    OPENCLAW_STATE_DIR: machine.stateDir,
    HTTPS_PROXY: `http://user:wrong-password@127.0.0.1:${proxy.port}`,
  };
  const surroundings = {
    env,
    cwd: machine.stateDir,
    home: machine.stateDir,
    uid: undefined,
    flags: {},
  };
  const found = await machine.examine({ surroundings });
  expect(found.of("proxy.setting")).toContain(`through 127.0.0.1:${proxy.port}`);
  expect(found.of("proxy.connect")).toMatch(/^failed: .*\(407\)/);
  expect(found.of("tcp.connect")).toBe("skipped: proxy.connect failed");
  expect(proxy.asked).toEqual(["edge.example:443"]);
  expect(JSON.stringify(found.list)).not.toContain("wrong-password");
  expect(edge.attempts).toEqual([]);
});

test("through a proxy, an edge with TLS is reached all the way", async () => {
  const authority = createAuthority("The Company CA");
  const before = getCACertificates();
  setDefaultCACertificates([...before, authority.cert]);
  onTestFinished(() => setDefaultCACertificates(before));
  await using proxy = await startConnectProxy({ credentials: "user:right" });
  const edge = await edgeWith({ tls: createCertificate({ by: authority, days: 90 }) });
  const machine = await machineOf(edge.url, { proxy: `http://127.0.0.1:${proxy.port}` });
  const refused = await machine.examine();
  expect(refused.of("proxy.setting")).toMatch(/^ok: .*as sallyport.edge.proxy says/);
  expect(refused.of("proxy.connect")).toMatch(/^failed: .*\(407\)/);
  await using open = await startConnectProxy();
  const another = await machineOf(edge.url, { proxy: `http://127.0.0.1:${open.port}` });
  await Identity.load(another.stateDir, edge.url);
  const found = await another.examine();
  expect(found.of("proxy.connect")).toMatch(/^ok/);
  expect(found.of("dns.lookup")).toMatch(/^skipped: the proxy looks/);
  expect(found.of("tls.certificate")).toMatch(/^ok: edge by The Company CA, until /);
  expect(found.of("tls.issuer")).toMatch(/^warning: .*no public one/);
  expect(found.of("http.edge")).toMatch(/^ok/);
  expect(found.of("identity.key")).toMatch(/^ok/);
  expect(found.of("identity.pin")).toMatch(/^warning: .*has not met it/);
  expect(new Set(open.asked)).toEqual(new Set([edge.url.host]));
});

test("something that strips Upgrade is told from an edge that refuses it", async () => {
  const edge = await edgeWith();
  edge.onRequest = ({ url, headers }) =>
    url === "/tunnel"
      ? problem(headers.upgrade === undefined ? 426 : 500, "version_unsupported", {})
      : answers(url ?? "");
  await using stripping = await startStrippingProxy(edge.url);
  const machine = await machineOf(stripping.url);
  const found = await machine.examine();
  expect(found.of("websocket.upgrade")).toMatch(/^failed: .*as if it had not been \(426\)/);
  expect(found.of("identity.key")).toBe("skipped: websocket.upgrade failed");
});

test("an edge whose clock is another is told from its Date", async () => {
  const edge = await edgeWith();
  const date = new Date(Date.now() + 20_000).toUTCString();
  edge.onRequest = ({ url }) => ({ ...answers(url ?? ""), headers: { Date: date } });
  const machine = await metMachine(edge);
  expect((await machine.examine()).of("clock.skew")).toMatch(
    /^warning: this machine is (19|20) s behind the edge/,
  );
});

test("a clock that is too wrong for a signature is corrected once, as the gateway does", async () => {
  const edge = await edgeWith();
  const serverTime = Date.now() - 300_000;
  edge.refuse = () =>
    edge.attempts.length > 1
      ? undefined
      : problem(401, "clock_skew", { Date: new Date(serverTime).toUTCString() });
  const machine = await metMachine(edge);
  const found = await machine.examine();
  expect(found.of("identity.key")).toMatch(/^warning: .*corrected by -30[01] s/);
  expect(edge.attempts).toEqual(["/tunnel", "/tunnel"]);
});

test("an edge that does not know our key is told from a way that does not work", async () => {
  const edge = await edgeWith();
  edge.refuse = () => problem(401, "unauthenticated", {});
  const machine = await metMachine(edge);
  const found = await machine.examine();
  expect(found.of("websocket.upgrade")).toMatch(/^ok: .*\(401 unauthenticated\)/);
  expect(found.of("identity.key")).toMatch(/^failed: the edge does not know our key/);
  expect(found.of("identity.pin")).toBe("skipped: identity.key failed");
});

test("an edge with another key than the one we know is found, and is shown no token", async () => {
  const edge = await edgeWith();
  const machine = await metMachine(edge, "a".repeat(43));
  const seen = new Set<string | undefined>();
  edge.onRequest = ({ url, headers }) => {
    seen.add(headers.authorization);
    return answers(url ?? "");
  };
  const found = await machine.examine();
  expect(found.of("identity.pin")).toMatch(/^failed: .*the one we know is aaaa/);
  expect(found.of("loop.hops")).toBe("skipped: identity.pin failed");
  expect(seen).toEqual(new Set([undefined]));
});

test("a machine that never dialled has no key to show, and is not given one", async () => {
  const edge = await edgeWith();
  const machine = await machineOf(edge.url);
  const found = await machine.examine();
  expect(found.of("websocket.upgrade")).toMatch(/^ok/);
  expect(found.of("identity.key")).toMatch(/^skipped: this machine has no tunnel.json/);
  expect(await Identity.peek(machine.stateDir)).toBeUndefined();
});

test("a tunnel.json that is not what we wrote is said to be so", async () => {
  const edge = await edgeWith();
  const machine = await machineOf(edge.url);
  await writeFile(join(machine.stateDir, "tunnel.json"), `{"key":"private-half"`, { mode: 0o600 });
  const found = await machine.examine();
  expect(found.of("identity.key")).toMatch(/^failed: .*is not what we wrote there/);
  expect(found.of("identity.pin")).toBe("skipped: identity.key failed");
  expect(JSON.stringify(found.list)).not.toContain("private-half");
  expect(found.list.map(({ id }) => id)).toEqual(Object.keys(CHECKS));
});

test("a client certificate that cannot be read is said to be so", async () => {
  const edge = await edgeWith();
  const tls = { certFile: "gone.pem", keyFile: "gone.key" };
  const machine = await machineOf(edge.url, { tls });
  const found = await machine.examine();
  expect(found.of("http.edge")).toMatch(/^failed: .*gone.pem/);
  expect(found.of("websocket.upgrade")).toBe("skipped: http.edge failed");
});

test("an edge address that leads back to a gateway is a loop", async () => {
  const edge = await edgeWith();
  edge.onRequest = () => ({ status: 200, body: JSON.stringify({ ok: true, status: "live" }) });
  const machine = await machineOf(edge.url);
  const found = await machine.examine();
  expect(found.of("http.edge")).toMatch(/^failed: .*leads to a gateway, not to an edge/);
  const own = await machine.examine({ port: Number(edge.url.port) });
  expect(own.of("edge.url")).toMatch(/^failed: .*the gateway's own port/);
});

test("an edge named by hand, other than the gateway's, is shown no token but one given for it", async () => {
  const edge = await edgeWith();
  const seen: string[] = [];
  edge.onRequest = ({ url, headers }) => {
    seen.push(headers.authorization ?? "");
    return answers(url ?? "");
  };
  const machine = await machineOf(new URL("https://other.example"));
  const found = await machine.examine({ edge: edge.url });
  expect(found.of("edge.url")).toContain("(from --edge)");
  expect(found.of("loop.hops")).toMatch(/^skipped: there is no token/);
  expect(seen.filter((header) => header !== "")).toEqual([]);
  await machine.examine({ edge: edge.url, token: new Secret("given") });
  expect(seen.filter((header) => header !== "")).toEqual(["Bearer given"]);
});

function problem(status: number, code: string, headers: Record<string, string>): Reply {
  return { status, headers, body: JSON.stringify({ code, detail: code }) };
}
