import { writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { once } from "node:events";
import { join } from "node:path";
import { connect as tcpConnect } from "node:net";
import { connect, getCACertificates, setDefaultCACertificates } from "node:tls";
import { expect, test } from "vitest";
import { WebSocket } from "ws";
import { createHome, startCore } from "../support/core.ts";
import { startFakeOpenAi } from "../support/fake-openai.ts";
import { chat, webhook } from "../support/launched.ts";
import {
  type EdgeServer,
  failedStart,
  isRunning,
  startEdgeDev,
  startEdgeServer,
  temporary,
} from "../support/edge-server.ts";
import { selfSigned } from "../support/self-signed.ts";

const KEY = "key-of-the-test";

/** A certificate in two files, which this process trusts from now on. */
async function certificate(folder: string): Promise<{ cert: string; args: string[] }> {
  const { cert, key } = selfSigned(Date.now());
  const files = { cert: join(folder, "cert.pem"), key: join(folder, "key.pem") };
  await writeFile(files.cert, cert);
  await writeFile(files.key, key, { mode: 0o600 });
  setDefaultCACertificates([...getCACertificates("default"), cert]);
  const args = ["--host", "127.0.0.1", "--tls-cert", files.cert, "--tls-key", files.key];
  return { cert: files.cert, args };
}

/** The process that restarts the runtime has it back, with its storage. */
async function live({ url }: Pick<EdgeServer, "url">): Promise<number> {
  try {
    const response = await fetch(new URL("/health", url));
    await response.arrayBuffer();
    return response.status;
  } catch {
    return 0;
  }
}

test("a core pairs over TLS, a client chats, and SIGTERM ends everything with 0", async () => {
  await using folder = await temporary();
  const { cert, args } = await certificate(folder.path);
  await using edge = await startEdgeServer(folder.path, args);
  expect(edge.url.protocol).toBe("https:");
  const env = { NODE_EXTRA_CA_CERTS: cert };
  await using home = await createHome(edge, await edge.pairing(), {}, env);
  const core = await startCore(home, edge);
  const target = { base: edge.url.origin, token: home.token, model: "demo/echo" };
  const answer = await chat(target, "Over TLS?");
  expect(answer.status).toBe(200);
  expect(JSON.stringify(await answer.json())).toContain("Over TLS?");
  expect((await chat({ ...target, token: "wrong" }, "Let me in")).status).toBe(401);
  expect(await core.stop()).toBe(0);

  expect(await edge.end("SIGTERM")).toBe(0);
  expect(isRunning(edge.ready.pid)).toBe(false);
  expect(isRunning(edge.ready.runtimePid)).toBe(false);
  expect(edge.log.join("\n")).not.toContain(await edge.pairing());
});

test("a runtime that is killed comes back with its spool, and the core with its key", async () => {
  await using folder = await temporary();
  await using vendor = await startFakeOpenAi({ apiKey: KEY });
  await using edge = await startEdgeServer(folder.path);
  const env = { OPENAI_API_KEY: KEY, OPENAI_BASE_URL: vendor.baseUrl };
  await using home = await createHome(edge, await edge.pairing(), {}, env);
  const core = await startCore(home, edge);
  await core.stop();
  const accepted = await webhook(edge.url.origin, home.hooksToken, "While nobody was there");
  expect(accepted.ok).toBe(true);

  process.kill(edge.ready.runtimePid, "SIGKILL");
  await edge.line("the runtime is running again");
  expect(await live(edge)).toBe(200);
  expect(isRunning(edge.ready.runtimePid)).toBe(false);

  const again = await startCore(home, edge);
  await vendor.waitForRequests(1);
  const asked = vendor.requests.map(({ body }) => JSON.stringify(body));
  expect(asked.filter((body) => body.includes("While nobody was there"))).toHaveLength(1);
  await again.stop();
});

test("an edge that is killed leaves nothing behind, and the next has its storage", async () => {
  await using folder = await temporary();
  await using first = await startEdgeServer(folder.path);
  const pairing = await first.pairing();
  process.kill(first.ready.pid, "SIGKILL");
  await first.end();
  await expect.poll(() => isRunning(first.ready.runtimePid)).toBe(false);
  await using second = await startEdgeServer(folder.path);
  expect(await second.pairing()).toBe(pairing);
  expect(await live(second)).toBe(200);
});

test("the edge ends with the command that started it, even by kill -9", async () => {
  await using folder = await temporary();
  await using edge = await startEdgeServer(folder.path);
  await edge.end("SIGKILL");
  await expect.poll(() => isRunning(edge.ready.runtimePid)).toBe(false);
  expect(await live(edge)).toBe(0);
  await using next = await startEdgeServer(folder.path);
  expect(await live(next)).toBe(200);
});

test("a second edge on the same storage is refused in one line, and the first stays", async () => {
  await using folder = await temporary();
  await using edge = await startEdgeServer(folder.path);
  const { code, complaints } = await failedStart(folder.path);
  expect(code).toBe(1);
  expect(complaints).toEqual([expect.stringMatching(/another edge runs on the storage/)]);
  expect(await live(edge)).toBe(200);
});

test("requests that are under way have their answers before the edge ends", async () => {
  await using folder = await temporary();
  const asked = Promise.withResolvers<() => void>();
  const slow = createServer((_request, response) => {
    asked.resolve(() => {
      const choices = [{ index: 0, delta: { content: "At last" }, finish_reason: "stop" }];
      response.writeHead(200, { "Content-Type": "text/event-stream" });
      response.end(`data: ${JSON.stringify({ id: "1", choices })}\n\ndata: [DONE]\n\n`);
    });
  }).listen(0, "127.0.0.1");
  await once(slow, "listening");
  const address = slow.address();
  const port = typeof address === "object" ? address?.port : 0;
  await using edge = await startEdgeServer(folder.path);
  const env = { OPENAI_API_KEY: KEY, OPENAI_BASE_URL: `http://127.0.0.1:${port}` };
  await using home = await createHome(edge, await edge.pairing(), {}, env);
  const core = await startCore(home, edge);
  const target = { base: edge.url.origin, token: home.token, model: "openclaw" };
  const answer = chat(target, "Take your time");
  const finish = await asked.promise;
  edge.child.kill("SIGTERM");
  await edge.line("Stopping");
  await expect.poll(() => live(edge)).toBe(0);
  finish();
  const response = await answer;
  expect(response.status).toBe(200);
  expect(await response.text()).toContain("At last");
  expect(await edge.end()).toBe(0);
  await core.stop();
  slow.close();
  slow.closeAllConnections();
});

test("clients of an edge that ends are told to come back", async () => {
  await using folder = await temporary();
  await using edge = await startEdgeServer(folder.path);
  await using home = await createHome(edge, await edge.pairing());
  const core = await startCore(home, edge);
  const headers = { Authorization: `Bearer ${home.token}` };
  const client = new WebSocket(edge.url.href.replace("http", "ws"), { headers });
  await once(client, "message");
  const closed = once(client, "close");
  expect(await edge.end("SIGTERM")).toBe(0);
  expect((await closed)[0]).toBe(1012);
  await core.stop();
});

test("a second signal ends the edge at once, and its runtime with it", async () => {
  await using folder = await temporary();
  await using edge = await startEdgeServer(folder.path);
  const client = tcpConnect({ port: edge.ready.port, host: "127.0.0.1" });
  client.on("error", () => {});
  // A request whose body never comes is under way for as long as it may be, once the edge has it.
  const head =
    "POST /v1/models HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n";
  client.write(head);
  await once(client, "data");
  edge.child.kill("SIGTERM");
  await edge.line("Stopping");
  // What follows at once counts as the same Ctrl-C. Not to the command itself: while that ends, with
  // the code we wait for, it would die of one more signal.
  const insist = (): number | null => {
    if (isRunning(edge.ready.pid)) process.kill(edge.ready.pid, "SIGTERM");
    return edge.child.exitCode;
  };
  await expect.poll(insist).toBe(143);
  await expect.poll(() => isRunning(edge.ready.runtimePid)).toBe(false);
  client.destroy();
});

test("edge dev runs the same edge in Miniflare, for the core that is told of it", async () => {
  await using folder = await temporary();
  await using edge = await startEdgeDev(folder.path);
  await using home = await createHome(edge, await edge.pairing());
  const core = await startCore(home, edge);
  const target = { base: edge.url.origin, token: home.token, model: "demo/echo" };
  expect((await chat(target, "Hello")).status).toBe(200);
  await core.stop();
  expect(await edge.end("SIGINT")).toBe(0);
  expect(await live(edge)).toBe(0);
});

test("a new certificate is served after SIGHUP, and a broken one is not", async () => {
  await using folder = await temporary();
  const { args } = await certificate(folder.path);
  await using edge = await startEdgeServer(folder.path, args);
  const before = await servedBy(edge);
  await certificate(folder.path);
  edge.child.kill("SIGHUP");
  await edge.line("certificate loaded");
  const after = await servedBy(edge);
  expect(after).not.toBe(before);

  await writeFile(join(folder.path, "key.pem"), "no key");
  edge.child.kill("SIGHUP");
  expect(await edge.line("the old one still is")).toContain("key.pem");
  expect(await servedBy(edge)).toBe(after);
});

/** Serial number of the certificate it shows. */
async function servedBy({ ready }: EdgeServer): Promise<string> {
  const socket = connect({ port: ready.port, host: "127.0.0.1", servername: "localhost" });
  await once(socket, "secureConnect");
  const { serialNumber } = socket.getPeerCertificate();
  socket.destroy();
  return serialNumber;
}

test.each<[string, string[], RegExp]>([
  ["half a certificate", ["--tls-cert", "x.pem"], /--tls-cert and --tls-key go together/],
  [
    "a certificate that is not there",
    ["--tls-cert", "/none", "--tls-key", "/none"],
    /cannot read \/none/,
  ],
  ["a proxy that is none", ["--trust-proxy", "everyone"], /"everyone" is no address/],
  ["a flag that is none", ["--frobnicate"], /Unknown option '--frobnicate'/],
  ["a flag of another command", ["--domain", "example.com"], /edge serve knows no --domain/],
])("%s fails the start in one line", async (_name, args, expected) => {
  await using folder = await temporary();
  const { code, complaints } = await failedStart(folder.path, args);
  expect(code).not.toBe(0);
  expect(complaints).toEqual([expect.stringMatching(expected)]);
});

test("a port in use fails the start in one line, and leaves no runtime", async () => {
  await using folder = await temporary();
  await using other = await temporary();
  await using edge = await startEdgeServer(other.path);
  const { code, complaints } = await failedStart(folder.path, ["--port", String(edge.ready.port)]);
  expect(code).toBe(1);
  expect(complaints).toEqual([expect.stringMatching(/cannot listen on port \d+.*EADDRINUSE/)]);
  expect(await live(edge)).toBe(200);
});
