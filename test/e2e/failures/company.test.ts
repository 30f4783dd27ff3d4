/** A core in a company's network, which lets it out through a proxy alone. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { getCACertificates, setDefaultCACertificates } from "node:tls";
import { expect, onTestFinished, test, vi } from "vitest";
import { randomToken } from "../../../shared/bytes.ts";
import { Secret } from "../../../shared/secret.ts";
import { createCertificate } from "../../support/certificates.ts";
import { type CoreProcess, createHome, startCore } from "../../support/core.ts";
import { startEdgeServer, temporary } from "../../support/edge-server.ts";
import { callEdge } from "../../support/edge-with-core.ts";
import { startEdge } from "../../support/edge.ts";
import { startConnectProxy } from "../../support/fault-proxy-connect.ts";
import { startFaultProxy } from "../../support/fault-proxy.ts";
import { connectCore, TOKENS } from "../../support/tunnel-core.ts";

/** Above the 15 s that a core may wait between two dials. */
const PATIENCE_MS = 20_000;

function logged(core: CoreProcess, text: string, count = 1): Promise<boolean> {
  return vi.waitUntil(() => core.log.filter((line) => line.includes(text)).length >= count, {
    timeout: PATIENCE_MS,
  });
}

/** For an edge that this process and a core of ours trust, by whatever name they call it. */
async function certificate(folder: string): Promise<{ file: string; args: string[] }> {
  const hosts = "DNS:edge.test,DNS:localhost,IP:127.0.0.1";
  const { cert, key } = createCertificate({ hosts });
  const [file, keyFile] = [join(folder, "cert.pem"), join(folder, "key.pem")];
  await writeFile(file, cert);
  await writeFile(keyFile, key, { mode: 0o600 });
  const before = getCACertificates("default");
  setDefaultCACertificates([...before, cert]);
  onTestFinished(() => setDefaultCACertificates(before));
  return { file, args: ["--host", "127.0.0.1", "--tls-cert", file, "--tls-key", keyFile] };
}

test("failure 60: a proxy with a password is the way out, and what it does instead is told by name", async () => {
  await using files = await temporary();
  await using other = await temporary();
  const { file, args } = await certificate(files.path);
  await using edge = await startEdgeServer(files.path, args);
  const credentials = "tom:s3cret";
  await using proxy = await startConnectProxy({ credentials, target: edge.ready.port });
  await using home = await createHome(
    edge,
    await edge.pairing(),
    {},
    {
      SALLYPORT_EDGE_URL: "https://edge.test",
      HTTPS_PROXY: `http://${credentials}@127.0.0.1:${proxy.port}`,
      NODE_EXTRA_CA_CERTS: file,
    },
  );
  const core = await startCore(home, edge);
  onTestFinished(() => core.kill());
  expect(new Set(proxy.asked)).toEqual(new Set(["edge.test:443"]));
  expect(proxy.refused).toBe(0);

  proxy.change({ credentials: "tom:changed", target: edge.ready.port });
  await logged(core, `the proxy 127.0.0.1:${proxy.port} wants a user and a password (407)`);
  // One that opens what it passes on, with a certificate of the company's.
  await using between = await startEdgeServer(other.path, (await certificate(other.path)).args);
  proxy.change({ target: between.ready.port });
  await logged(core, `edge unreachable through the proxy 127.0.0.1:${proxy.port}: self-signed`);

  proxy.change({ credentials, target: edge.ready.port });
  await logged(core, "tunnel connected", 2);
  const response = await callEdge(edge.url, "/v1/models", { token: home.token });
  expect(response.status).toBe(200);
  expect(core.log.join("\n")).not.toContain("s3cret");
});

test("failure 60: an edge that answers under our edge's address with another key gets nothing", async () => {
  const pairing = new Secret(randomToken());
  const bindings = { PAIRING_SECRET: pairing.reveal() };
  await using edge = await startEdge({ bindings });
  await using other = await startEdge({ bindings });
  await using proxy = await startFaultProxy({ target: Number(edge.url.port) });
  const shelf = new Map<string, string>();
  const asked: string[] = [];
  const fetch = async (request: Request): Promise<Response> => {
    asked.push(new URL(request.url).pathname);
    return new Response();
  };
  {
    // The other one knows the key of our core, too.
    await using known = await connectCore({ edge: other.url, pairing, shelf, fetch });
    expect(known.tunnel.state.connected).toBe(true);
  }
  const url = new URL(`http://127.0.0.1:${proxy.port}/`);
  await using core = await connectCore({ edge: url, pairing, shelf, fetch });
  expect((await callEdge(edge.url, "/ours", { token: TOKENS.operator })).status).toBe(200);
  proxy.target = Number(other.url.port);
  proxy.sever("reset");
  await core.logged("edge's key is not the one we know");
  expect(core.tunnel.state.connected).toBe(false);
  const answer = await callEdge(other.url, "/theirs", { token: TOKENS.operator });
  // Refused, or lost with the connection that has just been ended.
  expect([502, 503]).toContain(answer.status);
  expect(asked).toEqual(["/ours"]);
});
