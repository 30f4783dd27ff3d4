import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pino from "pino";
import { expect, test } from "vitest";
import { loadSettings } from "../../config/resolve.ts";
import { startGateway } from "../lifecycle/start.ts";

const TOKEN = "a-gateway-token-of-some-length";

type Provider = (incoming: IncomingMessage, outgoing: ServerResponse) => void;

/** A gateway whose model is served by `provider`, in OpenAI's wire format. */
async function world(provider: Provider) {
  const parts = new AsyncDisposableStack();
  const home = await mkdtemp(join(tmpdir(), "gateway-"));
  parts.defer(() => rm(home, { recursive: true }));
  const server = createServer(provider).listen(0, "127.0.0.1");
  await once(server, "listening");
  parts.defer(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  const port = typeof address === "object" ? address?.port : undefined;
  const loaded = await loadSettings({
    env: {
      OPENCLAW_GATEWAY_TOKEN: TOKEN,
      OPENCLAW_GATEWAY_PORT: "0",
      OPENAI_API_KEY: "sk-of-the-test",
      OPENAI_BASE_URL: `http://127.0.0.1:${port}/v1`,
    },
    cwd: home,
    home,
    uid: process.getuid?.(),
    flags: {},
  });
  if (!loaded.ok) throw new Error(loaded.error.reason);
  const gateway = parts.use(await startGateway(loaded.value, pino({ level: "silent" })));
  return {
    gateway,
    ask: (stream: boolean, signal: AbortSignal | null = null): Promise<Response> =>
      fetch(`${gateway.url}/v1/chat/completions`, {
        method: "POST",
        headers: { Authorization: `Bearer ${TOKEN}`, "Content-Type": "application/json" },
        body: JSON.stringify({
          model: "openclaw",
          stream,
          messages: [{ role: "user", content: "Hi" }],
        }),
        signal,
      }),
    [Symbol.asyncDispose]: () => parts.disposeAsync(),
  };
}

function chunk(content: string): string {
  const choices = [{ index: 0, delta: { content }, finish_reason: null }];
  return `data: ${JSON.stringify({ id: "x", object: "chat.completion.chunk", choices })}\n\n`;
}

function refuse(status: number, headers: Record<string, string> = {}): Provider {
  return (incoming, outgoing) => {
    incoming.resume();
    outgoing.writeHead(status, { "Content-Type": "application/json", ...headers });
    outgoing.end(JSON.stringify({ error: { message: "sk-of-the-test is bad", type: "x" } }));
  };
}

test.each([
  ["plain", false],
  ["streamed", true],
])(
  "a provider that refuses our key is a %s answer with a status and no key",
  async (_name, stream) => {
    await using it = await world(refuse(401));
    const response = await it.ask(stream);
    const text = await response.text();
    expect(response.status).toBe(502);
    expect(JSON.parse(text)).toMatchObject({
      code: "model_unauthorized",
      error: { code: "model_unauthorized", type: "api_error" },
    });
    expect(text).not.toContain("sk-of-the-test");
  },
);

test("a provider that wants us to wait longer than we do hands its patience on", async () => {
  await using it = await world(refuse(429, { "Retry-After": "120" }));
  const response = await it.ask(true);
  expect(response.status).toBe(429);
  expect(response.headers.get("Retry-After")).toBe("120");
  expect(await response.json()).toMatchObject({
    retrySafe: true,
    error: { code: "rate_limit_exceeded", type: "rate_limit_error" },
  });
});

test("a stream that breaks after its first word ends with an error the SDKs read", async () => {
  await using it = await world((incoming, outgoing) => {
    incoming.resume();
    outgoing.writeHead(200, { "Content-Type": "text/event-stream" });
    outgoing.write(chunk("first"), () => outgoing.destroy());
  });
  const response = await it.ask(true);
  expect(response.status).toBe(200);
  const events = (await response.text()).trim().split("\n\n");
  expect(events.some((event) => event.includes('"content":"first"'))).toBe(true);
  expect(JSON.parse(events.at(-2)?.slice(6) ?? "")).toMatchObject({
    error: { type: "api_error", code: "model_failed" },
  });
  expect(events.at(-1)).toBe("data: [DONE]");
});

test.each([
  ["plain", false],
  ["streamed", true],
])(
  "a client that leaves before the first word of a %s answer ends the model's work",
  async (_name, stream) => {
    const asked = Promise.withResolvers<void>();
    const left = Promise.withResolvers<void>();
    await using it = await world((incoming, outgoing) => {
      incoming.resume();
      outgoing.once("close", left.resolve);
      asked.resolve();
    });
    const leave = new AbortController();
    const answer = it.ask(stream, leave.signal);
    await asked.promise;
    leave.abort();
    await expect(answer).rejects.toThrow();
    await left.promise;
  },
);

test("a client that leaves in the middle of a stream ends the model's work", async () => {
  const left = Promise.withResolvers<void>();
  await using it = await world((incoming, outgoing) => {
    incoming.resume();
    outgoing.once("close", left.resolve);
    outgoing.writeHead(200, { "Content-Type": "text/event-stream" });
    outgoing.write(chunk("first"));
  });
  const leave = new AbortController();
  const response = await it.ask(true, leave.signal);
  await response.body?.getReader().read();
  leave.abort();
  await left.promise;
});

test("a drain cuts a turn off at its deadline and tells the client", async () => {
  const asked = Promise.withResolvers<void>();
  await using it = await world((incoming) => {
    incoming.resume();
    asked.resolve();
  });
  const answer = it.ask(false);
  await asked.promise;
  await it.gateway.drain(1_100);
  const response = await answer;
  expect(response.status).toBe(502);
  // Its tools may have run.
  expect(await response.json()).toMatchObject({ code: "core_reset", retrySafe: false });
});
