import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { isCredential, isSensitive } from "../credentials.ts";
import { configJsonSchema, type JsonSchema, settingAt } from "./describe.ts";
import { keepReferences, redact, REDACTED, restoreRedacted, secretsIn } from "./redact.ts";
import { snapshotOf } from "./snapshot.ts";

/** Every secret of these tests begins like this, and nothing else does. */
const MARK = "s3cret-";

test.each([
  "gateway.auth.token",
  "gateway.auth.password",
  "gateway.remote.token",
  "models.providers.a.b.apiKey",
  "models.providers.x.headers.X-Whatever",
  "channels.discord.token",
  "channels.whatsapp.accounts.one.authToken",
  "channels.slack.signingSecret",
  "channels.x.client_secret",
  "env.vars.ANYTHING",
  "env.FLAT",
  "plugins.entries.x.config.webSearch.apiKey",
  "sallyport.ingress.routes.git.hub.secrets.0",
  "skills.entries.x.env.KEY",
  "talk.api_key",
  "secrets.providers.x.env.VAULT",
])("%s is not shown", (path) => {
  expect(isSensitive(path.split("."))).toBe(true);
});

test.each([
  "gateway.port",
  "agents.defaults.model.primary",
  "agents.defaults.maxTokens.x",
  "channels.telegram.tokenFile",
  "secrets.providers.vault.path",
  "secrets.defaults.env",
  "gateway.auth.token.provider",
  "hooks.path",
])("%s is shown", (path) => {
  expect(isSensitive(path.split("."))).toBe(false);
});

test("every setting of the schema that takes a credential is known as one", () => {
  const root = configJsonSchema();
  const found: string[] = [];
  const walk = (path: readonly string[]): void => {
    for (const { key, schema } of settingAt(path, root)?.children ?? []) {
      const at = [...path, key];
      if (at.length > 12) continue;
      if (isCredentialText(schema)) found.push(at.join("."));
      walk(at);
    }
  };
  walk([]);
  expect(found).toContain("gateway.auth.token");
  expect(found.length).toBeGreaterThan(8);
  // Entries of a list are counted; and one of them is a name, which only has to fit into a header.
  const missed = found.filter((path) => !isCredential(path.replace(/\.\*$/, ".0")));
  expect(missed).toEqual(["sallyport.edge.access.clientId"]);
});

/** The patterns that only texts with a credential in them have. */
function isCredentialText({ anyOf, ...schema }: JsonSchema): boolean {
  const patterns = [String.raw`^[\x21-\x7e]+$`, String.raw`^[\x20-\x7e]{1,4096}$`];
  return [schema, ...(anyOf ?? [])].some((one) => patterns.includes(one.pattern ?? ""));
}

test("the schema says of every credential that it may be kept elsewhere", () => {
  const setting = settingAt(["gateway", "auth", "token"], configJsonSchema());
  expect(setting?.schema).toMatchObject({ anyOf: [{ type: "string" }, { type: "object" }] });
});

test("a reference is shown, a secret is not, and not where it is repeated", () => {
  const tree = {
    gateway: { auth: { token: `${MARK}token`, password: "${PASSWORD}" } },
    hooks: { token: { source: "env", id: "HOOKS" } },
    agents: { defaults: { systemPromptOverride: `never say ${MARK}token` } },
    x: { password: 12345678, maxTokens: 5 },
  };
  expect(redact(tree, secretsIn(tree))).toEqual({
    gateway: { auth: { token: REDACTED, password: "${PASSWORD}" } },
    hooks: { token: { source: "env", id: "HOOKS" } },
    agents: { defaults: { systemPromptOverride: REDACTED } },
    x: { password: REDACTED, maxTokens: 5 },
  });
});

test("what was not shown comes back, by id or by place", () => {
  const before = {
    a: { token: "x" },
    l: [
      { id: "p", key: "1" },
      { id: "q", key: "2" },
    ],
    m: ["1", "2"],
  };
  const now = { a: { token: REDACTED }, l: [{ id: "q", key: REDACTED }], m: [REDACTED, "3"] };
  expect(restoreRedacted(now, before)).toEqual({
    value: { a: { token: "x" }, l: [{ id: "q", key: "2" }], m: ["1", "3"] },
    issues: [],
  });
  const lost = restoreRedacted({ m: [REDACTED], n: REDACTED }, before);
  expect(lost.issues.map(({ path }) => path)).toEqual(["m[0]", "n"]);
});

test("a variable stays one where its value comes back", () => {
  const authored = { a: "${X}/y", b: "${X}", c: "plain" };
  const filled = { a: "1/y", b: "1", c: "plain" };
  expect(keepReferences({ a: "1/y", b: "2", c: "1" }, authored, filled)).toEqual({
    a: "${X}/y",
    b: "2",
    c: "1",
  });
});

test("no secret is in any part of what is shown, wherever it comes from", async () => {
  const path = await mkdtemp(join(tmpdir(), "sallyport-shown-"));
  const folder = join(path, ".openclaw");
  await mkdir(folder);
  await writeFile(
    join(folder, "openclaw.json"),
    `{
  // once it was ${MARK}gateway
  env: { vars: { MINE: "${MARK}mine" }, FLAT: "${MARK}flat" },
  gateway: { auth: { token: "${MARK}gateway", password: "$PW" }, remote: { token: "${MARK}remote" } },
  hooks: { enabled: true, token: "\${HOOKS}" },
  channels: {
    telegram: { botToken: "${MARK}bot", allowFrom: ["1"] },
    discord: { token: "${MARK}discord", accounts: { a: { clientSecret: "${MARK}client" } } },
  },
  models: { providers: { $include: "providers.json5" } },
  agents: { defaults: { systemPromptOverride: "I know \${MINE} and \${HOOKS}" } },
  sallyport: {
    edge: { url: "https://edge.example", pairing: "${MARK}pairing" },
    ingress: { routes: { git: { verify: "github", secrets: ["${MARK}one", "${MARK}two"], forward: { url: "https://a.example/", headers: { authorization: "Bearer ${MARK}header" } } } } },
  },
}`,
  );
  await writeFile(
    join(folder, "providers.json5"),
    `{ x: { baseUrl: "http://127.0.0.1", apiKey: "${MARK}api" } }`,
  );
  const env = { HOOKS: `${MARK}hooks`, PW: `${MARK}password` };
  const snapshot = await snapshotOf({ env, cwd: path, home: path });
  expect(snapshot.issues).toEqual([]);
  expect(JSON.stringify(snapshot)).not.toContain(MARK);
  expect(snapshot.parsed).toMatchObject({ hooks: { token: "${HOOKS}" } });
  expect(snapshot.effective).toMatchObject({
    gateway: { port: 18_789, auth: { token: REDACTED } },
  });
  await writeFile(
    join(folder, "openclaw.json"),
    `{ gateway: { auth: { token: "${MARK}gateway" }, prot: 1 } }`,
  );
  const wrong = await snapshotOf({ env, cwd: path, home: path });
  expect(wrong).toMatchObject({ valid: false, issues: [{ path: "gateway.prot" }] });
  expect(JSON.stringify(wrong)).not.toContain(MARK);
  await writeFile(join(folder, "openclaw.json"), `{ gateway: { auth: { token: "${MARK}gateway"`);
  const broken = await snapshotOf({ env, cwd: path, home: path });
  expect(broken).toMatchObject({ exists: true, valid: false, raw: null });
  expect(JSON.stringify(broken)).not.toContain(MARK);
  await rm(path, { recursive: true, force: true });
});

test.each([
  ["a password", ["proxy"], "http://me:s3cret-a@proxy.example"],
  ["a token in its query", ["channels", "x", "url"], "https://a.example/?token=s3cret-b"],
  [
    "a path that nobody else knows",
    ["hooks", "internal", "entries", "x", "action", "url"],
    "https://chat.example/services/s3cret-c",
  ],
])("an address with %s is not shown, and comes back", (_name, path, url) => {
  const tree = (value: unknown): unknown => path.reduceRight((at, key) => ({ [key]: at }), value);
  const shown = redact(tree(url), new Set());
  expect(shown).toEqual(tree(REDACTED));
  expect(restoreRedacted(shown, tree(url)).value).toEqual(tree(url));
});

test("an address without a secret is shown", () => {
  const urls = { a: "https://a.example/v1?api-version=2024-10-21", b: "ws://127.0.0.1:1/" };
  expect(redact(urls, new Set())).toEqual(urls);
});
