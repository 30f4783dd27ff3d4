/** Secrets that are looked for in everything that comes out, after everything that can go wrong has gone wrong. */
import { readdir, readFile, stat, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { once } from "node:events";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { randomToken } from "../../shared/bytes.ts";
import { type CoreHome, type CoreProcess, createHome, startCore } from "../support/core.ts";
import { type RunningEdge, startEdge } from "../support/edge.ts";
import { fail, type FakeModel } from "../support/fake-model.ts";
import { startFakeOpenAi } from "../support/fake-openai.ts";
import { type FakeTelegram, startFakeTelegram } from "../support/fake-telegram.ts";
import { connectFrame, openGatewaySocket } from "../support/gateway-socket.ts";
import { bearer } from "../support/matrix-world.ts";
import { PUBLISHED_SCOPES } from "../support/published-scopes.ts";
import { runProgram } from "../support/run-program.ts";

const parts = new AsyncDisposableStack();
const said: { readonly where: string; readonly text: string }[] = [];
const edgeLines: string[] = [];
const canaries = {
  gateway: randomToken(),
  model: `sk-canary-${randomToken()}`,
  variable: `sk-variable-${randomToken()}`,
  pairing: randomToken(),
  webhook: `whsec-${randomToken()}`,
};
let edge: RunningEdge;
let model: FakeModel;
let telegram: FakeTelegram;
let home: CoreHome;
let core: CoreProcess;
let file: object;

beforeAll(async () => {
  const { gateway, pairing, variable } = canaries;
  edge = parts.use(
    await startEdge({
      bindings: { PAIRING_SECRET: pairing },
      rateLimits: false,
      onLine: (line) => edgeLines.push(line),
    }),
  );
  model = parts.use(await startFakeOpenAi({ apiKey: canaries.model }));
  telegram = parts.use(await startFakeTelegram({ httpWebhooks: true }));
  file = {
    gateway: { auth: { token: gateway }, reload: { debounceMs: 20 } },
    logging: { level: "debug" },
    agents: { defaults: { model: "fake/echo" } },
    models: {
      providers: {
        fake: {
          baseUrl: model.baseUrl,
          apiKey: canaries.model,
          api: "openai-completions",
          models: [{ id: "echo", name: "Echo", contextWindow: 100_000, maxTokens: 1_000 }],
        },
        other: {
          baseUrl: `${model.baseUrl}/nowhere`,
          apiKey: "${OTHER_KEY}",
          api: "openai-completions",
          models: [],
        },
      },
    },
    channels: {
      telegram: {
        botToken: telegram.token,
        apiRoot: telegram.apiRoot,
        dmPolicy: "open",
        allowFrom: ["*"],
      },
    },
    hooks: { enabled: true, token: canaries.webhook },
  };
  home = parts.use(await createHome(edge, pairing, file, { OTHER_KEY: variable }));
  core = await startCore({ ...home, token: gateway }, edge);
  parts.defer(async () => void (await core.stop()));
});
afterAll(() => parts.disposeAsync());

const POST = { method: "POST", headers: { "Content-Type": "application/json" } } as const;

async function ask(base: string | URL, path: string, init: RequestInit = {}): Promise<void> {
  const answer = await fetch(new URL(path, base), init);
  const headers = JSON.stringify([...answer.headers]);
  said.push({ where: `${init.method ?? "GET"} ${path}`, text: headers + (await answer.text()) });
}

function chatBody(model_: string): string {
  return JSON.stringify({ model: model_, messages: [{ role: "user", content: "Hi" }] });
}

async function httpTraffic(base: string | URL): Promise<void> {
  const { gateway, webhook, pairing } = canaries;
  const mine = bearer(gateway);
  for (const path of [
    "/health",
    "/ready",
    "/startup",
    "/metrics",
    "/api/status",
    "/openapi.json",
    "/v1/models",
    "/control-ui-config.json",
    "/nothing",
  ]) {
    await ask(base, path, { headers: mine });
    await ask(base, `${path}?token=${gateway}`);
    await ask(base, path, { headers: { Authorization: gateway, Cookie: `sallyport=${gateway}` } });
  }
  await ask(base, `/hooks/wake?token=${webhook}`, { ...POST, body: '{"text":"x"}' });
  await ask(base, "/hooks/agent", {
    ...POST,
    headers: { ...POST.headers, ...bearer(webhook) },
    body: "{",
  });
  await ask(base, `/tunnel`, { headers: bearer(pairing) });
  for (const body of [
    `{"${gateway}":`,
    `"${gateway}`,
    JSON.stringify({ model: gateway }),
    chatBody("openclaw"),
  ]) {
    await ask(base, "/v1/chat/completions", {
      ...POST,
      headers: { ...POST.headers, ...mine },
      body,
    });
    await ask(base, "/v1/responses", { ...POST, headers: { ...POST.headers, ...mine }, body });
  }
  // A provider that quotes the key it was shown.
  const quoted = JSON.stringify({
    error: { message: `Incorrect API key: ${canaries.model}`, type: "x" },
  });
  for (const status of [400, 401, 403, 404, 422]) {
    model.next(fail(status, { "x-echo": canaries.model }, quoted));
    await ask(base, "/v1/chat/completions", {
      ...POST,
      headers: { ...POST.headers, ...mine },
      body: chatBody("openclaw"),
    });
  }
}

async function rpcTraffic(base: string | URL): Promise<void> {
  const { gateway } = canaries;
  using client = await openGatewaySocket(base);
  await client.frame({ event: "connect.challenge" });
  client.send(connectFrame({ auth: { token: gateway }, scopes: ["operator.admin"] }));
  await client.frame({ type: "res", id: "1", ok: true });
  const looks = [...PUBLISHED_SCOPES].flatMap(([name, scope]) =>
    scope === "operator.read" ? [name] : [],
  );
  const calls: readonly (readonly [string, object])[] = [
    ...[...looks, "health", "device.pair.list", "exec.approvals.get", "config.schema"].map(
      (name) => [name, {}] as const,
    ),
    ["config.patch", { raw: `{"gateway":{"auth":{"token":{"${gateway}":1}}}}`, baseHash: "x" }],
    ["config.set", { raw: `{ "gateway": "${gateway}`, baseHash: gateway }],
    ["models.probe", { provider: "fake" }],
    ["models.probe", { provider: "other" }],
    [gateway, { [gateway]: gateway }],
    ["chat.send", { [gateway]: 1 }],
  ];
  for (const [index, [method, params]] of calls.entries()) {
    client.send({ type: "req", id: `c${index}`, method, params });
    const answer = await client.frame({ id: `c${index}` });
    // What a client has said itself it may be told again.
    if (!JSON.stringify([method, params]).includes(gateway)) {
      said.push({ where: method, text: JSON.stringify(answer) });
    }
  }
}

async function commands(): Promise<void> {
  const env = {
    ...home.env,
    OPENCLAW_GATEWAY_URL: core.url,
    OPENCLAW_GATEWAY_TOKEN: canaries.gateway,
  };
  for (const words of [
    ["status"],
    ["doctor"],
    ["logs", "--limit", "200"],
    ["config", "show"],
    ["config", "validate"],
    ["channels", "status"],
    ["models", "status"],
    ["gateway", "probe"],
    ["gateway", "--port", "1"],
  ]) {
    const { out, err } = await runProgram([...words, "--json"], { cwd: home.dir, env });
    said.push({ where: `sallyport ${words.join(" ")}`, text: out + err });
  }
}

/** Files that are wrong in ways that would be easy to quote. */
async function brokenConfigs(): Promise<void> {
  const path = join(home.dir, "openclaw.json");
  const good = await readFile(path, "utf8");
  for (const bad of [
    good.replace('"}', ""),
    good.replace('"token":', '"token" '),
    JSON.stringify({ ...file, gateway: { auth: { token: [canaries.gateway] } } }),
    JSON.stringify({ ...file, secret: canaries.gateway }),
    JSON.stringify({ ...file, hooks: { enabled: canaries.webhook, token: canaries.webhook } }),
  ]) {
    const before = core.log.length;
    await writeFile(path, bad);
    await expect.poll(() => core.log.length).toBeGreaterThan(before);
    const { out, err } = await runProgram(["config", "validate", "--json"], {
      cwd: home.dir,
      env: home.env,
    });
    said.push({ where: "config validate of a broken file", text: out + err });
  }
  await writeFile(path, good);
}

test("no secret is in a log, an answer, an error or what a command prints", async () => {
  for (const base of [core.url, edge.url]) {
    await httpTraffic(base);
    await rpcTraffic(base);
  }
  await commands();
  await brokenConfigs();
  for (const line of core.log) said.push({ where: "the log of the core", text: line });
  for (const line of edgeLines) said.push({ where: "the log of the edge", text: line });

  expect(said.length).toBeGreaterThan(200);
  const secrets = Object.entries({ ...canaries, telegram: telegram.token });
  const found = said.flatMap(({ where, text }) =>
    secrets.flatMap(([name, secret]) => {
      const forms = [
        secret,
        encodeURIComponent(secret),
        Buffer.from(secret).toString("base64").slice(0, -4),
      ];
      return forms.some((form) => text.includes(form))
        ? [`${name} in ${where}: ${text.slice(0, 400)}`]
        : [];
    }),
  );
  expect(found).toEqual([]);
}, 180_000);

test("a start that fails quotes nothing either", async () => {
  const taken = createServer();
  taken.listen(0, "127.0.0.1");
  await once(taken, "listening");
  const address = taken.address();
  const port = typeof address === "object" ? String(address?.port) : "";
  const { out, err, code } = await runProgram(["gateway", "--json"], {
    cwd: home.dir,
    env: {
      ...home.env,
      OPENCLAW_STATE_DIR: join(home.dir, "other"),
      OPENCLAW_CONFIG_PATH: join(home.dir, "openclaw.json"),
      OPENCLAW_GATEWAY_PORT: port,
    },
  });
  taken.close();
  expect(code).not.toBe(0);
  for (const secret of Object.values(canaries)) expect(out + err).not.toContain(secret);
});

test("nobody but the owner may read what the gateway keeps", async () => {
  for (const entry of await readdir(home.dir, { recursive: true })) {
    // Of the test itself, and of Node: compiled code.
    if (/^(?:other|openclaw\.json$|\.cache)/.test(entry)) continue;
    const { mode } = await stat(join(home.dir, entry)).catch(() => ({ mode: 0o700 }));
    expect((mode & 0o077).toString(8), entry).toBe("0");
  }
});
