import { readFileSync } from "node:fs";
import { inspect } from "node:util";
import { expect, test } from "vitest";
import { configErrorText } from "../issues/error.ts";
import { interpret } from "./interpret.ts";

const FILE = "openclaw.json";

/** The refusal as people see it, without the name of the file. */
function refusal(text: string, environment: Readonly<Record<string, string>> = {}): string {
  const result = interpret(text, FILE, environment);
  return result.ok
    ? "accepted"
    : configErrorText(result.error)
        .slice(FILE.length + 1)
        .trim();
}

function accept(text: string, environment: Readonly<Record<string, string>> = {}) {
  const result = interpret(text, FILE, environment);
  if (!result.ok) throw new Error(configErrorText(result.error));
  return result.value;
}

test("an empty config has every default", () => {
  const { config, warnings } = accept("{}");
  expect(warnings).toEqual([]);
  expect(config.gateway).toMatchObject({ port: 18_789, bind: "loopback" });
  expect(config.hooks.enabled).toBe(false);
  expect(config.sallyport.limits.rate).toEqual({ perSecond: 100, burst: 500 });
});

test("the sample of OpenClaw's first guide starts, with a warning for each thing it gets wrong", () => {
  const sample = readFileSync("test/fixtures/config/guide-sample.json", "utf8");
  const set = {
    TELEGRAM_BOT_TOKEN: "1:abc",
    OPENCLAW_GATEWAY_TOKEN: "a-token",
  };
  const { config, warnings } = accept(sample, set);
  expect(warnings.toSorted()).toEqual([
    "agents.defaults.sandbox is known, but not used by this version",
    "channels.discord is known, but not used by this version",
    "channels.telegram.token is an old name: call it botToken",
    "channels.whatsapp is known, but not used by this version",
  ]);
  expect(config.channels.telegram?.botToken?.reveal()).toBe("1:abc");
  expect(config.gateway.auth.token?.reveal()).toBe("a-token");
  expect(config.agents.defaults.model).toEqual({
    primary: "anthropic/claude-opus-4-20250514",
    fallbacks: [],
  });

  const bare = accept(sample);
  expect(bare.config.gateway.auth.token).toBeUndefined();
  expect(bare.config.channels.telegram?.botToken).toBeUndefined();
  expect(bare.warnings).toContain(
    "gateway.auth.token needs the variable OPENCLAW_GATEWAY_TOKEN, which is not set, so it counts as left out",
  );
});

test("comments, single quotes and trailing commas are fine", () => {
  expect(
    accept("{ // mine\n gateway: { port: 0x1000, bind: '*', }, }").config.gateway,
  ).toMatchObject({
    port: 4096,
    bind: "lan",
  });
});

test("ids may be numbers, also those of groups", () => {
  const text =
    "{ channels: { telegram: { botToken: 'x', allowFrom: [7, '8'], groupAllowFrom: [-100123] } } }";
  expect(accept(text).config.channels.telegram).toMatchObject({
    allowFrom: ["7", "8"],
    groupAllowFrom: ["-100123"],
  });
});

test("the config's own variables count where nothing else set them", () => {
  const text =
    "{ env: { vars: { T: 'from vars ${X}' }, P: 'flat' }, agents: { defaults: { systemPromptOverride: '${T} ${P}' } } }";
  expect(accept(text, { X: "x" }).config.agents.defaults.systemPromptOverride).toBe(
    "from vars x flat",
  );
  expect(accept(text, { T: "set", P: "too" }).config.agents.defaults.systemPromptOverride).toBe(
    "set too",
  );
});

// Each row is a mistake somebody makes, and what they are told.
test.each([
  ["{ gatewya: {} }", 'gatewya: is not a setting; did you mean "gateway"?'],
  ["{ gateway: { prot: 1 } }", 'gateway.prot: is not a setting; did you mean "port"?'],
  [
    "{ gateway: { controlUI: {} } }",
    'gateway.controlUI: is not a setting; did you mean "controlUi"?',
  ],
  ["{ channels: { telegrm: {} } }", 'channels.telegrm: is not a setting; did you mean "telegram"?'],
  [
    "{ models: { providers: { x: { apikey: 'k' } } } }",
    'models.providers.x.apikey: is not a setting; did you mean "apiKey"?',
  ],
  ["{ zzz: 1 }", "zzz: is not a setting"],
  ['{ "a\\nb": 1 }', '"a\\nb": is not a setting'],
  ['{ "__proto__": { x: 1 } }', "__proto__: is not a setting"],
  ["{ constructor: {} }", "constructor: is not a setting"],
  ["{ gateway: { port: '80' } }", "gateway.port: must be a number"],
  ["{ gateway: { port: 70000 } }", "gateway.port: must be at most 65535"],
  ["{ gateway: { port: 1.5 } }", "gateway.port: must be an int"],
  [
    "{ gateway: { bind: 'wan' } }",
    'gateway.bind: must be "loopback", "lan" ("*" and "0.0.0.0" mean the same), "tailnet", "auto" or "custom"',
  ],
  [
    "{ gateway: { auth: { mode: 'magic' } } }",
    'gateway.auth.mode: must be one of "token", "password", "none", "trusted-proxy"',
  ],
  [
    "{ gateway: { tls: { enabled: true } } }",
    "gateway.tls.enabled: is not supported by this version: leave TLS to the edge or to a proxy",
  ],
  ["{ gateway: [] }", "gateway: must be an object"],
  [
    "{ agents: { defaults: { model: 'claude' } } }",
    'agents.defaults.model.primary: must be written "provider/model"',
  ],
  ["{ hooks: { enabled: true } }", "hooks.token: is needed when hooks.enabled is true"],
  ["{ hooks: { path: 'hooks' } }", 'hooks.path: must be a path like "/hooks"'],
  [
    "{ channels: { telegram: {} } }",
    "channels.telegram.botToken: is needed, or the variable TELEGRAM_BOT_TOKEN, or enabled: false",
  ],
  [
    "{ channels: { telegram: { botToken: 'x', dmPolicy: 'allowlist' } } }",
    'channels.telegram.allowFrom: must name somebody when dmPolicy is "allowlist"',
  ],
  [
    "{ channels: { telegram: { botToken: 'x', allowFrom: [1.5] } } }",
    "channels.telegram.allowFrom[0]: must be an id: text or a whole number",
  ],
  [
    "{ sallyport: { edge: { url: 'ftp://x' } } }",
    "sallyport.edge.url: must be an http:// or https:// address without credentials in it",
  ],
  [
    "{ sallyport: { edge: { url: 'https://me:pw@x' } } }",
    "sallyport.edge.url: must be an http:// or https:// address without credentials in it",
  ],
  [
    "{ sallyport: { edge: { url: 'https://x', access: { clientId: 'a' } } } }",
    "sallyport.edge.access.clientSecret: is needed beside clientId",
  ],
  [
    "{ sallyport: { edge: { url: 'https://x', tls: { certFile: 'a.pem' } } } }",
    "sallyport.edge.tls.keyFile: must be a string",
  ],
  [
    "{ sallyport: { edge: { url: 'https://x', proxy: 'http://me:pw@proxy' } } }",
    "sallyport.edge.proxy: must be an http:// or https:// address without credentials in it",
  ],
  [
    "{ sallyport: { core: { mode: 'follower' } } }",
    'sallyport.core.mode: must be one of "leader", "standby"',
  ],
  [
    "{ sallyport: { limits: { rate: { perSecond: 1, burst: 11 } } } }",
    "sallyport.limits.rate.burst: burst may be at most 10 times perSecond",
  ],
  ["{ env: { shellEnv: { enable: true } } }", "env.shellEnv.enable: is not a setting"],
  [
    "{ sallyport: { config: { strictVariables: true } }, gateway: { publicOrigin: '${NOT_SET}' } }",
    "gateway.publicOrigin: needs the variable NOT_SET, which is not set",
  ],
  [
    "{ gateway: { auth: { token: { source: 'vault', provider: 'default', id: 'X' } } } }",
    'gateway.auth.token: source must be "env", "file", "exec" or "store"',
  ],
  [
    "{ gateway: { auth: { token: { source: 'env', provider: 'Vault', id: 'X' } } } }",
    "gateway.auth.token: provider is no name for a provider of secrets",
  ],
  [
    "{ gateway: { auth: { token: { source: 'exec', provider: 'vault', id: 'a/../b' } } } }",
    "gateway.auth.token: id is none of that source",
  ],
  [
    "{ gateway: { auth: { token: { source: 'file', provider: 'vault', id: '/a' } } } }",
    'gateway.auth.token: refers to the provider "vault", which is not in secrets.providers',
  ],
  [
    "{ secrets: { providers: { v: { source: 'vault' } } } }",
    'secrets.providers.v.source: source must be "env", "file", "exec" or "store"',
  ],
  ["{ env: { A: 1 } }", "env.A: must be a string"],
  ["[]", "a config is an object: { … }"],
  ["null", "a config is an object: { … }"],
  ['"text"', "a config is an object: { … }"],
  ["{ a: 1,\n  b: }", "2:6: not JSON5: invalid character '}'"],
  ["", "1:1: not JSON5: invalid end of input"],
])("%s is refused in one line", (text, expected) => {
  expect(refusal(text)).toBe(expected);
});

test("a variable may hold a number or a switch where one is wanted", () => {
  const text =
    "{ gateway: { port: '${P}', controlUi: { enabled: '${ON}' }, auth: { token: '${T}' } } }";
  const { config, source } = accept(text, { P: "21896", ON: "false", T: "123456789012345678" });
  expect(config.gateway).toMatchObject({ port: 21_896, controlUi: { enabled: false } });
  expect(config.gateway.auth.token?.reveal()).toBe("123456789012345678");
  expect(JSON.parse(source.reveal())).toMatchObject({ gateway: { port: 21_896 } });
});

test.each<[string, Record<string, string>, string]>([
  ["is not set", {}, "gateway.port: needs the variable P, which is not set"],
  ["is no number", { P: "https" }, "gateway.port: must be a number, and the variable P holds none"],
  ["is one in other words", { P: "0x50" }, "gateway.port: must be a number"],
  ["is too high", { P: "99999" }, "gateway.port: must be at most 65535"],
])("a number in a variable that %s is refused with its name", (_name, env, expected) => {
  expect(refusal("{ gateway: { port: '${P}' } }", env)).toContain(expected);
});

test("a config nested too deeply is refused, however deep it is", () => {
  for (const levels of [32, 50_000]) {
    expect(refusal(`{ x: ${"[".repeat(levels)}${"]".repeat(levels)} }`)).toBe(
      "it is nested too deeply",
    );
  }
});

test("many mistakes make one line that names the first three", () => {
  expect(refusal("{ a: 1, b: 2, c: 3, d: 4, e: 5 }")).toMatch(/^a: .+; b: .+; c: .+; and 2 more$/);
});

test.each(["two words", "tab\there", "new\nline", "ünicode", ""])(
  "a token that no header can carry (%j) is refused without showing it",
  (token) => {
    const text = refusal(`{ gateway: { auth: { token: ${JSON.stringify(token)} } } }`);
    expect(text).toMatch(/^gateway\.auth\.token: must not be empty/);
    if (token !== "") expect(text).not.toContain(token);
  },
);

test("a refused config never shows the value of a setting", () => {
  const secret = "hunter2-hunter2";
  for (const text of [
    `{ gateway: { auth: { token: ["${secret}"] } } }`,
    `{ gateway: { bind: "${secret}" } }`,
    `{ channels: { telegram: { botToken: { id: "${secret}" } } } }`,
    `{ models: { providers: { x: { baseUrl: "${secret}", api: "${secret}" } } } }`,
    `{ logging: { level: "${secret}" } }`,
  ]) {
    const result = interpret(text, FILE, {});
    expect(result.ok).toBe(false);
    expect(inspect(result, { depth: null }), text).not.toContain(secret);
  }
});

test("a credential in the config cannot be printed", () => {
  const { config } = accept("{ gateway: { auth: { token: 'hunter2-hunter2' } } }");
  expect(JSON.stringify(config) + inspect(config, { depth: null })).not.toContain("hunter2");
});

test("a feature whose variable is not set is off, and the rest goes on", () => {
  const { config, warnings } = accept("{ hooks: { enabled: true, token: '${HOOKS_TOKEN}' } }");
  expect(config.hooks).toMatchObject({ enabled: true, path: "/hooks" });
  expect(config.hooks.token).toBeUndefined();
  expect(warnings).toEqual([
    "hooks.token needs the variable HOOKS_TOKEN, which is not set, so it counts as left out",
  ]);
});
