import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import OpenAI, { AuthenticationError } from "openai";
import pino from "pino";
import { expect, test } from "vitest";
import type { Settings } from "../../config/settings.ts";
import { loadSettings } from "../../config/resolve.ts";
import { startGateway } from "./start.ts";
import { UnfitSettings } from "./unfit-settings.ts";

const TOKEN = "a-gateway-token-of-some-length";
const HI = [{ role: "user" as const, content: "Hi there" }];

/** A whole gateway: real store, real port, the built-in model. */
async function world(env: Record<string, string> = {}, config?: object) {
  const parts = new AsyncDisposableStack();
  const home = await mkdtemp(join(tmpdir(), "gateway-"));
  parts.defer(() => rm(home, { recursive: true }));
  if (config !== undefined) {
    await mkdir(join(home, ".openclaw"), { mode: 0o700 });
    await writeFile(join(home, ".openclaw", "openclaw.json"), JSON.stringify(config));
  }
  const loaded = await loadSettings({
    env: { OPENCLAW_GATEWAY_TOKEN: TOKEN, OPENCLAW_GATEWAY_PORT: "0", ...env },
    cwd: home,
    home,
    uid: process.getuid?.(),
    flags: {},
  });
  if (!loaded.ok) throw new Error(loaded.error.reason);
  const settings: Settings = loaded.value;
  const complaints: string[] = [];
  const log = pino({ level: "warn" }, { write: (line: string) => void complaints.push(line) });
  const gateway = parts.use(await startGateway(settings, log));
  const call = (path: string, init: RequestInit = {}, token = TOKEN): Promise<Response> => {
    const headers = new Headers(init.headers);
    headers.set("Authorization", `Bearer ${token}`);
    return fetch(`${gateway.url}${path}`, { ...init, headers });
  };
  return {
    settings,
    gateway,
    complaints,
    call,
    post: (path: string, body: unknown, token = TOKEN) =>
      call(
        path,
        {
          method: "POST",
          headers: { "Content-Type": "application/json" },
          body: typeof body === "string" ? body : JSON.stringify(body),
        },
        token,
      ),
    openai: (apiKey = TOKEN) => new OpenAI({ baseURL: `${gateway.url}/v1`, apiKey, maxRetries: 0 }),
    [Symbol.asyncDispose]: () => parts.disposeAsync(),
  };
}

test("health tells strangers that we live, and the owner how", async () => {
  await using it = await world();
  const stranger = await fetch(`${it.gateway.url}/health`);
  expect(await stranger.json()).toEqual({ ok: true, status: "live" });
  expect(stranger.headers.get("Cache-Control")).toBe("no-store");
  expect(stranger.headers.get("X-Content-Type-Options")).toBe("nosniff");
  expect(stranger.headers.get("X-Request-Id")).toMatch(/^[0-9a-f-]{36}$/);
  expect(await (await it.call("/healthz", {}, "wrong")).json()).toEqual({
    ok: true,
    status: "live",
  });
  expect(await (await it.call("/health")).json()).toMatchObject({
    ok: true,
    status: "live",
    version: expect.any(String),
    model: { id: "demo/echo", demo: true },
    edge: { configured: false },
  });
  expect(await (await it.call("/ready")).json()).toMatchObject({ ready: true, failing: [] });
  expect((await it.call("/health", { method: "HEAD" })).status).toBe(200);
});

test("a start has nothing to complain of", async () => {
  await using it = await world();
  await expect.poll(async () => (await it.call("/ready")).status).toBe(200);
  expect(it.complaints).toEqual([]);
});

test("the openai SDK completes a plain chat, and can see that the demo answered", async () => {
  await using it = await world();
  const { data, response } = await it
    .openai()
    .chat.completions.create({ model: "openclaw/main", messages: HI })
    .withResponse();
  expect(data).toMatchObject({
    id: expect.stringMatching(/^chatcmpl-/),
    object: "chat.completion",
    model: "openclaw/main",
    system_fingerprint: "demo",
    choices: [
      {
        index: 0,
        message: { role: "assistant", content: expect.stringContaining("Hi there") },
        finish_reason: "stop",
      },
    ],
    usage: { total_tokens: expect.any(Number) },
  });
  expect(response.headers.get("X-Sallyport-Model")).toBe("demo/echo");
});

test("the openai SDK streams a chat with its usage", async () => {
  await using it = await world();
  const stream = await it.openai().chat.completions.create({
    model: "openclaw",
    messages: HI,
    stream: true,
    stream_options: { include_usage: true },
  });
  const chunks = await Array.fromAsync(stream);
  expect(chunks[0]?.choices[0]?.delta.role).toBe("assistant");
  const text = chunks.map(({ choices }) => choices[0]?.delta.content ?? "").join("");
  expect(text).toContain("Hi there");
  expect(chunks.at(-2)?.choices[0]?.finish_reason).toBe("stop");
  expect(chunks.at(-1)).toMatchObject({ choices: [], usage: { total_tokens: expect.any(Number) } });
});

test("the openai SDK lists the models and describes one", async () => {
  await using it = await world();
  const ids = (await it.openai().models.list()).data.map(({ id }) => id);
  expect(ids).toEqual(["openclaw", "openclaw/default", "openclaw/main"]);
  expect(await it.openai().models.retrieve("openclaw/default")).toMatchObject({
    sallyport: { model: "demo/echo", demo: true },
  });
});

test("the openai SDK raises the errors it has classes for", async () => {
  await using it = await world();
  const ask = { model: "openclaw", messages: HI };
  await expect(it.openai("wrong").chat.completions.create(ask)).rejects.toThrow(
    AuthenticationError,
  );
  const unknown = it.openai().chat.completions.create({ ...ask, model: "openclaw/nope" });
  await expect(unknown).rejects.toThrow(
    expect.objectContaining({ status: 404, code: "model_not_found", param: "model" }),
  );
  await expect(it.openai().chat.completions.create({ ...ask, messages: [] })).rejects.toThrow(
    expect.objectContaining({ status: 400, param: "messages" }),
  );
});

function tokens(answer: OpenAI.ChatCompletion): number {
  return answer.usage?.prompt_tokens ?? 0;
}

test("a user's conversation is kept, and one without a user is not", async () => {
  await using it = await world();
  const say = (content: string, user?: string) =>
    it.openai().chat.completions.create({
      model: "openclaw",
      messages: [{ role: "user", content }],
      ...(user === undefined ? {} : { user }),
    });
  const first = await say("one", "ada");
  const second = await say("one", "ada");
  const alone = await say("one");
  expect(tokens(second)).toBeGreaterThan(tokens(first));
  expect(tokens(alone)).toBe(tokens(first));
});

test.each<[string, string, RequestInit, number, string]>([
  ["an unknown route", "/nope", {}, 404, "not_found"],
  ["an unknown route of the API", "/v1/nope", {}, 404, "not_found"],
  ["a wrong method", "/v1/chat/completions", {}, 405, "method_not_allowed"],
  ["a preflight", "/v1/models", { method: "OPTIONS" }, 405, "method_not_allowed"],
  [
    "a form",
    "/v1/chat/completions",
    { method: "POST", body: "a=b" },
    415,
    "unsupported_media_type",
  ],
])("%s gets a problem document", async (_name, path, init, status, code) => {
  await using it = await world();
  const response = await it.call(path, init);
  expect(response.status).toBe(status);
  expect(response.headers.get("Content-Type")).toBe("application/problem+json");
  expect(response.headers.get("Allow") !== null).toBe(status === 405);
  expect(await response.json()).toMatchObject({ code, status, hop: "core" });
});

test("malformed JSON is answered with its place and none of its text", async () => {
  await using it = await world();
  const response = await it.post("/v1/chat/completions", '{"model": "hunter2", "messages": [}');
  const text = await response.text();
  expect(response.status).toBe(400);
  expect(text).toContain("line 1, column 35");
  expect(text).not.toContain("hunter2");
});

test("a missing and a wrong token get the same answer on every route of the API", async () => {
  await using it = await world();
  const answers = await Promise.all([
    fetch(`${it.gateway.url}/v1/models`),
    it.call("/v1/models", {}, "wrong"),
    it.call("/v1/nope", {}, "wrong"),
  ]);
  const bodies = await Promise.all(
    answers.map(async (answer) => {
      const { requestId: _own, ...rest } = JSON.parse(await answer.text());
      return [answer.status, answer.headers.get("WWW-Authenticate"), rest];
    }),
  );
  expect(bodies[0]?.[0]).toBe(401);
  expect(bodies[1]).toEqual(bodies[0]);
  expect(bodies[2]).toEqual(bodies[0]);
});

test("a webhook at our own port is kept once, and only the hooks token opens it", async () => {
  await using it = await world();
  const hooks = it.settings.hooks?.token.secret.reveal() ?? "";
  const body = { message: "The build is green" };
  expect((await it.post("/hooks/agent", body)).status).toBe(401);
  expect((await it.post("/v1/chat/completions", {}, hooks)).status).toBe(401);
  const kept = await it.post("/hooks/agent", body, hooks);
  expect(await kept.json()).toEqual({ ok: true, runId: expect.any(String) });
  expect((await it.post("/hooks/agent", {}, hooks)).status).toBe(400);
  expect((await it.post("/hooks/nope", body, hooks)).status).toBe(404);
});

test.each([
  [
    "a model nobody has",
    { agents: { defaults: { model: "acme/brain" } } },
    "agents.defaults.model",
  ],
  ["a bot token that is none", { channels: { telegram: { botToken: "x" } } }, "channels.telegram"],
])("settings with %s are told apart from what may pass", async (_name, config, words) => {
  const refused = await world({}, config).catch((error: unknown) => error);
  expect(refused).toBeInstanceOf(UnfitSettings);
  expect(refused).toMatchObject({ message: expect.stringContaining(words) });
});

test("two gateways do not share one state folder", async () => {
  await using it = await world();
  await expect(startGateway(it.settings, pino({ level: "silent" }))).rejects.toThrow(
    expect.objectContaining({ code: "conflict" }),
  );
});

test("a gateway whose port is taken leaves its state folder free", async () => {
  await using it = await world();
  const taken = { ...it.settings.gateway, port: it.gateway.port };
  await using other = await world();
  await other.gateway[Symbol.asyncDispose]();
  const log = pino({ level: "silent" });
  await expect(startGateway({ ...other.settings, gateway: taken }, log)).rejects.toThrow(
    expect.objectContaining({ code: "conflict", message: expect.stringContaining("is in use") }),
  );
  await using again = await startGateway(other.settings, log);
  expect(again.port).toBeGreaterThan(0);
});

test("a gateway that has drained takes nothing more and can be disposed", async () => {
  await using it = await world();
  await it.gateway.drain(5_000);
  await expect(fetch(`${it.gateway.url}/health`)).rejects.toThrow();
});

test("metrics are for operators", async () => {
  await using it = await world();
  const hooks = it.settings.hooks?.token.secret.reveal() ?? "";
  expect((await fetch(`${it.gateway.url}/metrics`)).status).toBe(401);
  expect((await it.call("/metrics", {}, hooks)).status).toBe(401);
  const scraped = await it.call("/metrics");
  expect(scraped.headers.get("Content-Type")).toBe("text/plain; version=0.0.4; charset=utf-8");
  expect(await scraped.text()).toMatch(/^process_cpu_seconds_total \d/m);
});

test("what our own port turns away is counted in the metrics", async () => {
  const routes = {
    github: { verify: "github", secret: "s", agent: true },
    far: { verify: "github", secret: "s", agent: true, allow: { cidrs: ["192.0.2.0/24"] } },
  };
  await using it = await world({}, { sallyport: { ingress: { routes } } });
  const post = (name: string): Promise<Response> =>
    fetch(`${it.gateway.url}/hooks/${name}`, { method: "POST", body: "{}" });
  expect([(await post("github")).status, (await post("far")).status]).toEqual([401, 403]);
  const scraped = await (await it.call("/metrics")).text();
  for (const labels of ['route="github",reason="missing_header"', 'route="far",reason="address"']) {
    expect(scraped).toContain(`gwt_webhooks_refused_total{${labels}} 1`);
  }
});

test("metrics may be open to programs of this machine", async () => {
  await using it = await world({}, { sallyport: { metrics: { openToLoopback: true } } });
  expect((await fetch(`${it.gateway.url}/metrics`)).status).toBe(200);
});
