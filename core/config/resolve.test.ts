import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inspect } from "node:util";
import { expect, test } from "vitest";
import { configErrorText } from "./issues/error.ts";
import type { Flags } from "./environment/overrides.ts";
import type { Environment } from "./paths.ts";
import { loadSettings } from "./resolve.ts";
import type { Settings } from "./settings.ts";

const LONG_TOKEN = "0123456789abcdef0123456789abcdef";

interface Home extends AsyncDisposable {
  readonly path: string;
  readonly stateDir: string;
  load(env?: Environment, flags?: Flags): Promise<Settings>;
  refusal(env?: Environment, flags?: Flags): Promise<string>;
}

/** An empty home with, if given, a config in it. */
async function home(config?: string): Promise<Home> {
  const path = await mkdtemp(join(tmpdir(), "sallyport-home-"));
  const stateDir = join(path, ".openclaw");
  if (config !== undefined) {
    await mkdir(stateDir, { mode: 0o700 });
    await writeFile(join(stateDir, "openclaw.json"), config);
  }
  const load = (env: Environment = {}, flags: Flags = {}) =>
    loadSettings({ env, cwd: path, home: path, flags, uid: process.getuid?.() });
  return {
    path,
    stateDir,
    async load(env, flags) {
      const settings = await load(env, flags);
      if (!settings.ok) throw new Error(configErrorText(settings.error));
      return settings.value;
    },
    async refusal(env, flags) {
      const settings = await load(env, flags);
      return settings.ok ? "accepted" : configErrorText(settings.error);
    },
    [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }),
  };
}

test("a first start makes its folder and its tokens, and webhooks are on", async () => {
  await using h = await home();
  const settings = await h.load();
  expect(settings).toMatchObject({
    configExists: false,
    stateDir: h.stateDir,
    gateway: { host: "127.0.0.1", port: 18_789, token: { source: "file" } },
    hooks: { path: "/hooks", token: { source: "file" } },
    modelChain: ["demo/echo"],
    telegram: undefined,
    edge: undefined,
    warnings: [],
  });
  expect((await stat(h.stateDir)).mode & 0o777).toBe(0o700);
  const folder = join(h.stateDir, "credentials");
  expect((await readdir(folder)).toSorted()).toEqual(["gateway-token", "hooks-token"]);
  for (const name of await readdir(folder)) {
    expect((await stat(join(folder, name))).mode & 0o777).toBe(0o600);
  }
  const text = (await readFile(join(folder, "gateway-token"), "utf8")).trim();
  expect(text).toMatch(/^[A-Za-z0-9_-]{43}$/);
  expect(settings.gateway.token.secret.reveal()).toBe(text);
  expect(settings.hooks?.token.secret.reveal()).not.toBe(text);
});

test("many first starts at once agree on one token", async () => {
  await using h = await home();
  const all = await Promise.all(Array.from({ length: 20 }, () => h.load()));
  expect(new Set(all.map(({ gateway }) => gateway.token.secret.reveal())).size).toBe(1);
  expect((await h.load()).gateway.token).toMatchObject({
    source: "file",
    file: join(h.stateDir, "credentials", "gateway-token"),
  });
});

test("the gateway token comes from flag, variable, config, file, in this order", async () => {
  await using h = await home("{ gateway: { auth: { token: 'config-config-config' } } }");
  const env = { OPENCLAW_GATEWAY_TOKEN: "env-env-env-env-env" };
  const { token: fromFlag } = (await h.load(env, { token: "flag-flag-flag-flag" })).gateway;
  const { token: fromEnv } = (await h.load(env)).gateway;
  const { token: fromConfig } = (await h.load()).gateway;
  expect([fromFlag.source, fromFlag.secret.reveal()]).toEqual(["flag", "flag-flag-flag-flag"]);
  expect([fromEnv.source, fromEnv.secret.reveal()]).toEqual(["env", "env-env-env-env-env"]);
  expect([fromConfig.source, fromConfig.secret.reveal()]).toEqual([
    "config",
    "config-config-config",
  ]);
  expect(await readdir(h.stateDir)).toEqual(["openclaw.json"]);
});

test("with a config, webhooks are on when it says so", async () => {
  await using off = await home("{}");
  expect((await off.load()).hooks).toBeUndefined();
  await using on = await home(`{ hooks: { enabled: true, token: '${LONG_TOKEN}', path: '/in' } }`);
  const { hooks } = await on.load();
  expect(hooks).toMatchObject({ path: "/in", token: { source: "config" } });
  await using unset = await home("{ hooks: { enabled: true, token: '${NOT_SET}' } }");
  expect((await unset.load()).hooks).toBeUndefined();
});

test("variables and flags win over the config", async () => {
  await using h = await home(
    "{ gateway: { port: 1, bind: 'loopback' }, sallyport: { edge: { url: 'https://a.example' } } }",
  );
  const env = {
    OPENCLAW_GATEWAY_PORT: "0",
    OPENCLAW_GATEWAY_BIND: "*",
    SALLYPORT_EDGE_URL: "https://b.example",
    SALLYPORT_EDGE_PAIRING: LONG_TOKEN,
  };
  expect((await h.load()).edge).toEqual({
    url: "https://a.example",
    pairing: undefined,
    access: undefined,
    tls: undefined,
    proxy: undefined,
    proxyVariables: {},
  });
  const settings = await h.load(env);
  expect(settings.gateway).toMatchObject({ port: 0, host: "0.0.0.0" });
  expect(settings.edge?.url).toBe("https://b.example");
  expect(settings.edge?.pairing?.reveal()).toBe(LONG_TOKEN);
  expect((await h.load(env, { port: "9", bind: "loopback" })).gateway).toMatchObject({
    port: 9,
    host: "127.0.0.1",
  });
});

test.each([
  [{}, ["demo/echo"]],
  [{ OPENAI_API_KEY: "o" }, ["openai/gpt-5.5"]],
  [{ OPENAI_API_KEY: "o", ANTHROPIC_API_KEY: "a" }, ["anthropic/claude-sonnet-5-5"]],
  [{ ANTHROPIC_BASE_URL: "http://127.0.0.1:1" }, ["demo/echo"]],
  [{ ANTHROPIC_API_KEY: "" }, ["demo/echo"]],
])("with the variables %o the model is %j", async (env, chain) => {
  await using h = await home();
  expect((await h.load(env)).modelChain).toEqual(chain);
});

test("a provider has what the config says, and what it leaves out from the variables", async () => {
  await using h = await home(`{
    agents: { defaults: { model: { primary: "local/llama", fallbacks: ["openai/x"] } } },
    models: { providers: {
      local: { baseUrl: "http://127.0.0.1:1/v1", models: [{ id: "llama", contextWindow: 8192 }] },
      anthropic: { apiKey: "from-config" } } } }`);
  const { providers, modelChain } = await h.load({
    ANTHROPIC_API_KEY: "from-env",
    ANTHROPIC_BASE_URL: "http://127.0.0.1:2",
    OPENAI_API_KEY: "from-env",
  });
  expect(modelChain).toEqual(["local/llama", "openai/x"]);
  expect(providers["local"]).toEqual({
    api: "openai-completions",
    apiKey: undefined,
    baseUrl: "http://127.0.0.1:1/v1",
    models: ["llama"],
  });
  expect(providers["anthropic"]?.apiKey?.reveal()).toBe("from-config");
  expect(providers["anthropic"]).toMatchObject({
    api: "anthropic-messages",
    baseUrl: "http://127.0.0.1:2",
  });
  expect(providers["openai"]?.apiKey?.reveal()).toBe("from-env");
});

test("the bot token may come from a variable, and a bot that is off stays off", async () => {
  await using h = await home("{ channels: { telegram: { dmPolicy: 'open' } } }");
  const { telegram } = await h.load({ TELEGRAM_BOT_TOKEN: "1:abc" });
  expect(telegram?.botToken.reveal()).toBe("1:abc");
  expect(telegram).toMatchObject({ dmPolicy: "open", apiRoot: "https://api.telegram.org" });
  await using off = await home("{ channels: { telegram: { enabled: false, botToken: 'x' } } }");
  expect((await off.load()).telegram).toBeUndefined();
  await using none = await home("{}");
  expect((await none.load({ TELEGRAM_BOT_TOKEN: "1:abc" })).telegram).toBeUndefined();
});

test("variables may stand in .env files", async () => {
  await using h = await home("{}");
  await writeFile(join(h.stateDir, ".env"), "OPENCLAW_GATEWAY_PORT=4000\nOPENAI_API_KEY=state");
  await writeFile(join(h.path, ".env"), "OPENCLAW_GATEWAY_PORT=5000\nOPENAI_API_KEY=cwd");
  const { gateway, providers, warnings } = await h.load();
  expect(gateway.port).toBe(4000);
  expect(providers["openai"]?.apiKey?.reveal()).toBe("cwd");
  expect(warnings).toEqual([
    `OPENCLAW_GATEWAY_PORT is not taken from ${join(h.path, ".env")}: set it in the environment or in ${join(h.stateDir, ".env")}`,
  ]);
});

test.each([
  [{ OPENCLAW_GATEWAY_PORT: "80a" }, "OPENCLAW_GATEWAY_PORT: must be a number from 0 to 65535"],
  [{ OPENCLAW_GATEWAY_PORT: "99999" }, "OPENCLAW_GATEWAY_PORT: must be a number from 0 to 65535"],
  [{ OPENCLAW_GATEWAY_PORT: "-1" }, "OPENCLAW_GATEWAY_PORT: must be a number from 0 to 65535"],
  [
    { OPENCLAW_GATEWAY_BIND: "wan" },
    /^OPENCLAW_GATEWAY_BIND: must be "loopback", "lan" \("\*" and "0\.0\.0\.0" mean the same\)/,
  ],
  [{ OPENCLAW_GATEWAY_TOKEN: "two words" }, /^OPENCLAW_GATEWAY_TOKEN: must not be empty/],
  [{ ANTHROPIC_API_KEY: "key\n" }, /^ANTHROPIC_API_KEY: /],
  [{ OPENAI_BASE_URL: "localhost:1" }, /^OPENAI_BASE_URL: must be an http/],
  [{ SALLYPORT_EDGE_URL: "edge.example" }, /^SALLYPORT_EDGE_URL: must be an http/],
])("the variables %o are refused", async (env, expected) => {
  await using h = await home();
  const text = await h.refusal(env);
  if (typeof expected === "string") expect(text).toBe(expected);
  else expect(text).toMatch(expected);
  expect(await readdir(h.path)).toEqual([]);
});

test("a broken config is refused with its place, and nothing is made", async () => {
  await using h = await home("{ gateway: { port: } }");
  const file = join(h.stateDir, "openclaw.json");
  expect(await h.refusal()).toBe(`${file}:1:20: not JSON5: invalid character '}'`);
  expect(await readdir(h.stateDir)).toEqual(["openclaw.json"]);
});

test("a config that is a folder, or far too large, is refused", async () => {
  await using h = await home();
  expect(await h.refusal({ OPENCLAW_CONFIG_PATH: h.path })).toBe(
    `${h.path} cannot be read: it is not a file`,
  );
  const large = join(h.path, "large.json");
  await writeFile(large, " ".repeat(2 * 1024 * 1024 + 1));
  expect(await h.refusal({ OPENCLAW_CONFIG_PATH: large })).toMatch(/has 2097153 bytes/);
});

test("a state folder that is a file is refused", async () => {
  await using h = await home();
  const file = join(h.path, "state");
  await writeFile(file, "");
  expect(await h.refusal({ OPENCLAW_STATE_DIR: file })).toBe(
    `the state folder ${file} is not a folder: move that file away, or set OPENCLAW_STATE_DIR`,
  );
  expect(await h.refusal({ OPENCLAW_STATE_DIR: join(file, "below") })).toMatch(/is not a folder/);
});

test("a state folder that cannot be made is refused at once", async () => {
  await using h = await home();
  expect(await h.refusal({ OPENCLAW_STATE_DIR: "/proc/nowhere" })).toMatch(
    /^the state folder \/proc\/nowhere cannot be used: .+; fix that, or set OPENCLAW_STATE_DIR$/,
  );
});

test("a state folder that everybody can write to is refused", async () => {
  await using h = await home("{}");
  await chmod(h.stateDir, 0o777);
  expect(await h.refusal()).toBe(
    `the state folder ${h.stateDir} can be written by every user: run chmod 700 on it`,
  );
});

test("a folder of the state that is missing is made, with those above it", async () => {
  await using h = await home();
  const stateDir = join(h.path, "a", "b", "c");
  expect((await h.load({ OPENCLAW_STATE_DIR: stateDir })).stateDir).toBe(stateDir);
});

test("an emptied token file is refused and says what to do", async () => {
  await using h = await home();
  await h.load();
  const file = join(h.stateDir, "credentials", "gateway-token");
  await writeFile(file, "\n");
  expect(await h.refusal()).toBe(
    `${file} cannot be read: no token in it; delete it to get a new one`,
  );
});

test("a short token is warned of, without showing it", async () => {
  await using h = await home();
  const { warnings } = await h.load({ OPENCLAW_GATEWAY_TOKEN: "hunter2" });
  expect(warnings).toHaveLength(1);
  expect(warnings.join(" ")).not.toContain("hunter2");
});

test("settings can be printed without giving a credential away", async () => {
  await using h = await home(`{ channels: { telegram: { botToken: "${LONG_TOKEN}" } } }`);
  const settings = await h.load({
    ANTHROPIC_API_KEY: LONG_TOKEN,
    OPENCLAW_GATEWAY_TOKEN: LONG_TOKEN,
  });
  expect(inspect(settings, { depth: null }) + JSON.stringify(settings)).not.toContain(LONG_TOKEN);
});

test("how the edge is reached is read with the paths and variables it needs", async () => {
  await using h = await home(
    `{ sallyport: { edge: {
         url: 'https://a.example',
         access: { clientId: 'id.access', clientSecret: '\${ACCESS}' },
         tls: { certFile: 'tls/core.pem', keyFile: '/etc/core.key' },
         proxy: 'http://proxy.example:3128',
       } } }`,
  );
  const { edge } = await h.load({ ACCESS: LONG_TOKEN, https_proxy: "http://p", NO_PROXY: "*" });
  expect(edge).toMatchObject({
    access: { clientId: "id.access" },
    tls: { certFile: join(h.stateDir, "tls/core.pem"), keyFile: "/etc/core.key" },
    proxy: new URL("http://proxy.example:3128"),
    proxyVariables: { https_proxy: "http://p", NO_PROXY: "*" },
  });
  expect(edge?.access?.clientSecret.reveal()).toBe(LONG_TOKEN);
  expect(inspect(edge)).not.toContain(LONG_TOKEN);

  const unset = await h.load();
  expect(unset.edge?.access).toBeUndefined();
  expect(unset.warnings).toEqual([expect.stringContaining("needs the variable ACCESS")]);
});

test("a proxy can be switched off", async () => {
  await using h = await home("{ sallyport: { edge: { url: 'https://a.example', proxy: false } } }");
  expect((await h.load()).edge?.proxy).toBe(false);
});

test("a core leads unless the config or a flag says that it stands by", async () => {
  await using plain = await home();
  expect((await plain.load()).mode).toBe("leader");
  expect((await plain.load({}, { standby: true })).mode).toBe("standby");
  await using configured = await home("{ sallyport: { core: { mode: 'standby' } } }");
  expect((await configured.load()).mode).toBe("standby");
});
