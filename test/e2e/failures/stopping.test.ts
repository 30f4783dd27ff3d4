/**
 * Cores that stand still, end in the middle of something or do not find the way out, and a flood.
 * Side by side, as most of it is waiting.
 */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { getCACertificates, setDefaultCACertificates } from "node:tls";
import { expect, test, type TestContext } from "vitest";
import * as z from "zod";
import { randomToken } from "../../../shared/bytes.ts";
import { createCertificate } from "../../support/certificates.ts";
import { type CoreProcess, createHome, startCore } from "../../support/core.ts";
import { startEdgeServer, temporary } from "../../support/edge-server.ts";
import { callEdge } from "../../support/edge-with-core.ts";
import { startEdge } from "../../support/edge.ts";
import { evictRelay } from "../../support/evict.ts";
import { startFakeOpenAi } from "../../support/fake-openai.ts";
import { startConnectProxy } from "../../support/fault-proxy-connect.ts";
import { startFaultProxy } from "../../support/fault-proxy.ts";
import { pipeline } from "./pipeline.ts";
import { startWorld } from "./world.ts";
import { until } from "../../support/until.ts";

/** Longer than a busy moment may be: the core looks at its clock once a second. */
const SLEEP_MS = 6_500;
/** An unanswered heartbeat alone would be noticed after 16 + 10 s at the earliest. */
const HEARTBEAT_NOTICES_MS = 20_000;

const Line = z.object({ time: z.iso.datetime().transform((text) => Date.parse(text)) });

async function logged(core: CoreProcess, text: string, count = 1): Promise<number> {
  const lines = await until(
    () => {
      const found = core.log.filter((line) => line.includes(text));
      return found.length >= count && found;
    },
    { patienceMs: HEARTBEAT_NOTICES_MS },
  );
  return Line.parse(JSON.parse(lines[count - 1] ?? "")).time;
}

test.concurrent("failure 9: a core that slept notices by its clock that its path has been forgotten, and dials", async ({
  annotate,
  onTestFinished,
}) => {
  const pairing = randomToken();
  await using edge = await startEdge({ bindings: { PAIRING_SECRET: pairing } });
  await using proxy = await startFaultProxy({ target: Number(edge.url.port) });
  const env = { SALLYPORT_EDGE_URL: `http://127.0.0.1:${proxy.port}` };
  await using home = await createHome(edge, pairing, {}, env);
  const core = await startCore(home, edge);
  onTestFinished(() => core.kill());
  const before = proxy.accepted;

  process.kill(core.pid, "SIGSTOP");
  await sleep(SLEEP_MS);
  // As a router does that has not heard of a connection for long: nobody is told.
  proxy.drop();
  proxy.resume();
  process.kill(core.pid, "SIGCONT");

  const wokeAt = await logged(core, "this machine was asleep");
  const backAt = await logged(core, "tunnel connected", 2);
  await annotate(`connected ${backAt - wokeAt} ms after the sleep was noticed`);
  expect(proxy.accepted).toBe(before + 1);
  const response = await callEdge(edge.url, "/v1/models", { token: home.token });
  expect(response.status).toBe(200);
});

/** What comes of an answer, from when it began. */
class Reading {
  text = "";
  readonly over: Promise<"whole" | "broken off">;
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;

  constructor(response: Response) {
    if (response.body === null) throw new Error("no body");
    this.#reader = response.body.getReader();
    this.over = this.#read();
  }

  async has(part: string): Promise<void> {
    while (!this.text.includes(part)) await sleep(10);
  }

  async #read(): Promise<"whole" | "broken off"> {
    const decoder = new TextDecoder();
    try {
      for (;;) {
        const { done, value } = await this.#reader.read();
        if (done) return "whole";
        this.text += decoder.decode(value, { stream: true });
      }
    } catch {
      return "broken off";
    }
  }
}

/** A real core whose model says `words`, one in so many milliseconds. */
async function talking({ onTestFinished }: TestContext, words: string, wordDelayMs: number) {
  const pairing = randomToken();
  const parts = new AsyncDisposableStack();
  onTestFinished(() => parts.disposeAsync());
  const edge = parts.use(await startEdge({ bindings: { PAIRING_SECRET: pairing } }));
  const model = parts.use(await startFakeOpenAi());
  const env = { OPENAI_API_KEY: "sk-test", OPENAI_BASE_URL: model.baseUrl };
  const home = parts.use(await createHome(edge, pairing, {}, env));
  const core: CoreProcess = await startCore(home, edge);
  parts.defer(() => core.kill());
  model.replyWith(words, { wordDelayMs });
  const response = await callEdge(edge.url, "/v1/chat/completions", {
    method: "POST",
    token: home.token,
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({
      model: "openclaw",
      stream: true,
      messages: [{ role: "user", content: "Talk" }],
    }),
  });
  return { core, reading: new Reading(response) };
}

test.concurrent("failure 36: an answer that is under way at SIGTERM is finished before the core ends", async (context) => {
  const { core, reading } = await talking(context, "one two three four five six seven eight", 150);
  await reading.has("two");
  const stopped = core.stop();
  expect(await reading.over).toBe("whole");
  expect(reading.text).toContain("eight");
  expect(reading.text).toContain("[DONE]");
  expect(await stopped).toBe(0);
});

test.concurrent("failure 36: an answer that goes on for ever is cut off at the deadline, and does not look complete", async (context) => {
  const { core, reading } = await talking(context, "word ".repeat(3_000).concat("last"), 50);
  await reading.has("word");
  const before = reading.text.length;
  const stopped = core.stop();
  const end = await reading.over;
  expect(reading.text.length).toBeGreaterThan(before + 1_000);
  expect(reading.text).not.toContain("last");
  expect(end === "broken off" || reading.text.includes('"error"')).toBe(true);
  expect(await stopped).toBe(0);
});

const FLOOD = 10_000;
const CONNECTIONS = 20;

/** With a wrong token and with none, as a page, an API and a webhook. */
function stranger(number: number): string {
  const line = ["GET /v1/models", "GET /", "POST /hooks/agent"][number % 3] ?? "";
  const token = number % 2 === 0 ? `Authorization: Bearer ${randomToken()}\r\n` : "";
  const length = line.startsWith("POST") ? "Content-Length: 0\r\n" : "";
  // Of their own address: it is locked out for a while.
  const from = "CF-Connecting-IP: 203.0.113.9\r\n";
  return `${line} HTTP/1.1\r\nHost: edge\r\n${from}${token}${length}\r\n`;
}

test.concurrent(`failure 41: ${FLOOD} requests without a good token wake the relay once at the most`, async () => {
  const asked: string[] = [];
  await using world = await startWorld({
    fetch: async (request) => {
      asked.push(new URL(request.url).pathname);
      return new Response(await request.bytes());
    },
  });
  await world.reachable();
  asked.length = 0;
  await evictRelay(world.edge);
  const before = world.log.count("relay_awake");
  const each = FLOOD / CONNECTIONS;
  const statuses = await Promise.all(
    Array.from({ length: CONNECTIONS }, () =>
      pipeline(
        world.edge.url,
        Array.from({ length: each }, (_v, number) => stranger(number)),
      ),
    ),
  );
  expect(statuses.flat()).toHaveLength(FLOOD);
  // 503: a token of a core's form may be newer than what the edge knows; it counts as a guess as well.
  expect(new Set(statuses.flat()).difference(new Set([401, 429, 503]))).toEqual(new Set());
  expect(world.log.count("relay_awake") - before).toBeLessThanOrEqual(1);
  expect(asked).toEqual([]);
  await world.settled();
});

/** For an edge that this process and a core of ours trust, by whatever name they call it. */
async function certificate(
  { onTestFinished }: TestContext,
  folder: string,
): Promise<{ file: string; args: string[] }> {
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

test.concurrent("failure 60: a proxy with a password is the way out, and what it does instead is told by name", async (context) => {
  await using files = await temporary();
  await using other = await temporary();
  const { file, args } = await certificate(context, files.path);
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
  context.onTestFinished(() => core.kill());
  expect(new Set(proxy.asked)).toEqual(new Set(["edge.test:443"]));
  expect(proxy.refused).toBe(0);

  proxy.change({ credentials: "tom:changed", target: edge.ready.port });
  await logged(core, `the proxy 127.0.0.1:${proxy.port} wants a user and a password (407)`);
  // One that opens what it passes on, with a certificate of the company's.
  await using between = await startEdgeServer(
    other.path,
    (await certificate(context, other.path)).args,
  );
  proxy.change({ target: between.ready.port });
  await logged(core, `edge unreachable through the proxy 127.0.0.1:${proxy.port}: self-signed`);

  proxy.change({ credentials, target: edge.ready.port });
  await logged(core, "tunnel connected", 2);
  const response = await callEdge(edge.url, "/v1/models", { token: home.token });
  expect(response.status).toBe(200);
  expect(core.log.join("\n")).not.toContain("s3cret");
});
