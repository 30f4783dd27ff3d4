import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:http";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { WebSocket, WebSocketServer } from "ws";
import * as z from "zod";
import { randomToken } from "../../shared/bytes.ts";
import { startUpstream } from "../support/connector.ts";
import { callEdge } from "../support/edge-with-core.ts";
import { startEdge } from "../support/edge.ts";
import { freePort } from "../support/free-port.ts";
import { listening } from "../support/http-upstream.ts";
import { runProgram } from "../support/run-program.ts";
import { WARM } from "../support/warm.ts";

const MAIN = fileURLToPath(new URL("../../core/sallyport.mjs", import.meta.url));
const Ready = z.object({
  event: z.literal("ready"),
  pid: z.number(),
  edge: z.string(),
  upstream: z.string(),
  token: z.object({ from: z.literal("file"), path: z.string() }),
});

/** The program in a home of its own. */
async function world() {
  const parts = new AsyncDisposableStack();
  const home = await mkdtemp(join(tmpdir(), "sallyport-"));
  parts.defer(() => rm(home, { recursive: true, force: true }));
  return {
    home,
    start(args: readonly string[], env: Record<string, string> = {}): ChildProcess {
      const child = spawn(process.execPath, [MAIN, "connect", ...args], {
        cwd: home,
        env: { ...WARM, PATH: process.env["PATH"] ?? "", HOME: home, ...env },
        stdio: ["ignore", "pipe", "pipe"],
      });
      parts.defer(async () => {
        if (child.exitCode === null && child.signalCode === null && child.kill("SIGKILL")) {
          await once(child, "exit");
        }
      });
      return child;
    },
    [Symbol.asyncDispose]: () => parts.disposeAsync(),
  };
}

async function readyOf({ stdout, stderr }: ChildProcess): Promise<z.output<typeof Ready>> {
  if (stdout === null || stderr === null) throw new Error("no output");
  stderr.resume();
  const [line] = await once(createInterface({ input: stdout }), "line");
  return Ready.parse(JSON.parse(String(line)));
}

test("connect puts the edge in front, says when, finishes its work at SIGTERM and ends with 0", async () => {
  await using it = await world();
  const asked = Promise.withResolvers<void>();
  const release = Promise.withResolvers<void>();
  await using http = await listening(
    createServer((request, response) => {
      if (request.url !== "/slow") {
        response.end("hello from upstream");
        return;
      }
      asked.resolve();
      void release.promise.then(() => response.end("late, but whole"));
    }),
  );
  const pairing = randomToken();
  await using edge = await startEdge({ bindings: { PAIRING_SECRET: pairing } });
  const flags = ["--upstream", http.url.origin, "--edge", edge.url.origin, "--json"];
  const child = it.start(flags, { SALLYPORT_EDGE_PAIRING: pairing });
  const ready = await readyOf(child);
  expect(ready).toMatchObject({ pid: child.pid, edge: edge.url.origin, upstream: http.url.origin });
  const token = (await readFile(ready.token.path, "utf8")).trim();
  const answer = await callEdge(edge.url, "/any", { token });
  expect(await answer.text()).toBe("hello from upstream");
  expect((await callEdge(edge.url, "/any", { token: "wrong" })).status).toBe(401);

  // Whoever looks for a gateway here is told that there is none to be missed.
  const port = String(await freePort());
  const place = { cwd: it.home, env: { HOME: it.home, SALLYPORT_EDGE_URL: edge.url.origin } };
  const doctor = await runProgram(["doctor", "--port", port], place);
  expect(doctor.out).toMatch(/^skipped +gateway.health +because a connector runs here/m);
  expect(doctor).toMatchObject({ code: 0, err: "" });
  const status = await runProgram(["tunnel", "status", "--port", port], place);
  expect(status).toMatchObject({ code: 1, err: expect.stringContaining("a connector runs here") });

  const slow = callEdge(edge.url, "/slow", { token });
  await asked.promise;
  const ended = once(child, "exit");
  child.kill("SIGTERM");
  release.resolve();
  expect(await (await slow).text()).toBe("late, but whole");
  expect(await ended).toEqual([0, null]);
  expect(await readdir(join(it.home, ".openclaw", "connectors"))).toEqual([]);
});

test.each([
  ["no upstream", ["--edge", "http://127.0.0.1:1"], 78, "sallyport.upstream.url"],
  ["no edge", ["--upstream", "http://127.0.0.1:1"], 1, "--edge"],
  ["an unknown flag", ["--upstrem", "http://127.0.0.1:1"], 1, "--upstrem"],
])("connect with %s says what is missing", async (_name, flags, code, word) => {
  await using it = await world();
  const child = it.start(flags);
  const [said, [exitCode]] = await Promise.all([
    child.stderr === null ? "" : text(child.stderr),
    once(child, "exit"),
  ]);
  expect(exitCode).toBe(code);
  expect(said).toContain(word);
});

test("the config may say it all, and its secrets come from variables", async () => {
  await using it = await world();
  await using http = await listening(
    createServer((request, response) => response.end(request.headers.authorization)),
  );
  const pairing = randomToken();
  await using edge = await startEdge({ bindings: { PAIRING_SECRET: pairing } });
  const file = join(it.home, "openclaw.json");
  await writeFile(
    file,
    JSON.stringify({
      sallyport: {
        edge: { url: edge.url.origin, pairing: "${PAIRING}" },
        upstream: { url: http.url.origin, token: "${UPSTREAM}" },
      },
    }),
  );
  const variables = { OPENCLAW_CONFIG_PATH: file, PAIRING: pairing, UPSTREAM: "of-upstream" };
  const { token } = await readyOf(it.start(["--json"], variables));
  const answer = await callEdge(edge.url, "/", {
    token: (await readFile(token.path, "utf8")).trim(),
  });
  expect(await answer.text()).toBe("Bearer of-upstream");
});

test("clients that may be reopened talk on when one connector follows another", async () => {
  await using http = await listening();
  const echo = new WebSocketServer({ server: http.server });
  echo.on("connection", (socket) => {
    socket.on("message", (data, isBinary) => socket.send(data, { binary: isBinary }));
  });
  await using site = await startUpstream({ url: http.url, settings: { onCoreLoss: "reopen" } });
  const url = new URL("/", site.edge.url);
  url.protocol = "ws:";
  const client = new WebSocket(url, { headers: { Authorization: `Bearer ${site.token}` } });
  await once(client, "open");
  client.send("before");
  expect(String((await once(client, "message"))[0])).toBe("before");
  const reopened = once(echo, "connection");
  await site.connector.drain(1_000);
  await site.connector[Symbol.asyncDispose]();
  await site.connect();
  await reopened;
  client.send("after");
  expect(String((await once(client, "message"))[0])).toBe("after");
  client.close();
});
