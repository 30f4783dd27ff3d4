import { chmod, mkdir, readdir, stat, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import { parseEnv } from "node:util";
import { expect, onTestFinished, test } from "vitest";
import { type CommandHome, createCommandHome } from "../../test/support/command-home.ts";
import { secrets } from "./secrets.ts";

const KEY = "sk-fake-0123456789abcdef";
const BOT = "42:abcdefghijklmnopqrstuvwxyz";
const CONFIG = `{ // mine
  gateway: { mode: 'local', port: 19001 },
  models: { providers: { openai: { apiKey: '${KEY}' /* the key */ } } },
  channels: { telegram: { botToken: '${BOT}' }, discord: { token: 'unused-discord-token' } },
}
`;

async function home(config?: string, env: Record<string, string> = {}): Promise<CommandHome> {
  const made = await createCommandHome(env);
  onTestFinished(() => made[Symbol.asyncDispose]());
  await mkdir(made.stateDir, { mode: 0o700 });
  if (config !== undefined) await writeFile(join(made.stateDir, "openclaw.json"), config);
  return made;
}

const piped = (text: string): { input: Readable } => ({
  input: Readable.from([Buffer.from(text)]),
});
const STORE = "credentials/secrets.json";

test("a secret is stored from a pipe, listed without its value, and never shown again", async () => {
  const it = await home();
  const set = await it.run(secrets, ["store", "set", "OPENAI_API_KEY"], piped(`${KEY}\n`));
  expect(set).toMatchObject({ code: 0, err: "" });
  expect((await stat(join(it.stateDir, STORE))).mode & 0o777).toBe(0o600);
  expect(JSON.parse(await it.read(STORE))).toMatchObject({
    entries: { OPENAI_API_KEY: { value: KEY, kind: "secret" } },
  });
  const list = await it.run(secrets, ["store", "list", "--json"]);
  expect(JSON.parse(list.out)).toMatchObject({
    entries: [{ name: "OPENAI_API_KEY", kind: "secret" }],
  });
  const others = [
    await it.run(secrets, ["store", "list"]),
    await it.run(secrets, ["store", "list", "--plain"]),
    await it.run(secrets, ["store", "get", "OPENAI_API_KEY"]),
  ];
  expect(others.map(({ code }) => code)).toEqual([0, 0, 2]);
  expect(JSON.stringify([set, list, ...others])).not.toContain(KEY);
});

test("a value of several lines is kept as it is, and what is no secret can be read", async () => {
  const it = await home();
  const pem = "-----BEGIN X-----\nabc\n-----END X-----\n";
  await it.run(secrets, ["store", "set", "TLS_PRIVATE_KEY"], piped(pem));
  expect(JSON.parse(await it.read(STORE))).toMatchObject({
    entries: { TLS_PRIVATE_KEY: { value: pem } },
  });
  await it.run(secrets, ["store", "set", "LOG_NAME", "--value", "debug"]);
  expect(await it.run(secrets, ["store", "get", "LOG_NAME"])).toMatchObject({
    code: 0,
    out: "debug",
  });
  expect((await it.run(secrets, ["store", "get", "NOT_THERE"])).code).toBe(3);
});

test.each([
  ["a secret as an argument", ["set", "A_KEY", "--value", KEY], "", 2, "--value is for --kind env"],
  ["a second word", ["set", "A_KEY", KEY], "", 2, "pipe its value in"],
  ["a name in lower case", ["set", "a_key"], KEY, 2, "is no name"],
  ["an empty secret", ["set", "A_KEY"], "\n", 2, "there is no value for A_KEY"],
  ["a pipe with nothing in it", ["set", "X"], "", 2, "there is no value for X"],
  ["a hidden value", ["set", "A_KEY"], "__OPENCLAW_REDACTED__", 2, "the mark of a secret"],
  ["too much", ["set", "A_KEY"], "x".repeat(65_539), 1, "more than"],
  ["another scope", ["list", "--scope", "me"], "", 2, "Identity scope is not supported yet"],
  ["a kind there is not", ["set", "A_KEY", "--kind", "x"], KEY, 2, "--kind is secret or env"],
  ["removing without a word", ["remove", "A_KEY"], "", 0, ""],
])("%s is refused: %j", async (_name, args, input, code, words) => {
  const it = await home();
  const run = await it.run(secrets, ["store", ...args], piped(input));
  expect(run.code).toBe(code);
  expect(run.err).toContain(words);
  expect(run.out + run.err).not.toContain(KEY);
  expect(await it.read(STORE)).toBe("");
});

test("a store that is open to others, or a link, is refused", async () => {
  const it = await home();
  await it.run(secrets, ["store", "set", "A_KEY"], piped(KEY));
  await chmod(join(it.stateDir, STORE), 0o640);
  const open = await it.run(secrets, ["store", "set", "B_KEY"], piped(KEY));
  expect(open).toMatchObject({ code: 78, err: expect.stringContaining("run chmod 600") });
  const linked = await home();
  await mkdir(join(linked.stateDir, "credentials"));
  await symlink(join(it.stateDir, STORE), join(linked.stateDir, STORE));
  for (const args of [["list"], ["set", "B_KEY"]]) {
    const run = await linked.run(secrets, ["store", ...args], piped(KEY));
    expect(run.err).toContain("link");
  }
});

test("a file of variables is taken over, and entries are removed", async () => {
  const it = await home();
  const text = `A_KEY='${KEY}'\nexport NAME="two\nlines"\n`;
  const refused = await it.run(secrets, ["store", "import"], piped(text));
  expect(refused.err).toContain("say --yes");
  const run = await it.run(secrets, ["store", "import", "--yes"], piped(text));
  expect(run).toMatchObject({ code: 0, out: "stored: A_KEY, NAME" });
  const dry = await it.run(secrets, ["store", "remove", "A_KEY", "NOT_THERE", "--dry-run"]);
  expect(dry.out).toBe("would be removed: A_KEY");
  const gone = await it.run(secrets, ["store", "rm", "A_KEY", "--yes", "--json"]);
  expect(JSON.parse(gone.out)).toEqual({ ok: true, removed: ["A_KEY"], dryRun: false });
  expect(Object.keys(JSON.parse(await it.read(STORE)).entries)).toEqual(["NAME"]);
});

test("an audit finds what stands in clear and what leads nowhere, and tells no secret", async () => {
  const it = await home(CONFIG);
  await writeFile(join(it.stateDir, ".env"), `OTHER_TOKEN=${KEY}\nNAME=x\n`);
  const plain = await it.run(secrets, ["audit", "--json"]);
  expect(plain.code).toBe(0);
  expect(JSON.parse(plain.out)).toMatchObject({
    version: 1,
    status: "findings",
    resolution: { refsChecked: 0, skippedExecRefs: 0, resolvabilityComplete: true },
    filesScanned: expect.arrayContaining([join(it.stateDir, "openclaw.json")]),
    summary: {
      plaintextCount: 4,
      unresolvedRefCount: 0,
      shadowedRefCount: 0,
      storeResidueCount: 0,
      legacyResidueCount: 0,
    },
    findings: expect.arrayContaining([
      expect.objectContaining({
        code: "PLAINTEXT_FOUND",
        severity: "warn",
        jsonPath: "models.providers.openai.apiKey",
      }),
    ]),
  });
  expect((await it.run(secrets, ["audit", "--check"])).code).toBe(1);
  const reference = "{ source: 'store', provider: 'default', id: 'NOT_THERE' }";
  const broken = await home(`{ hooks: { enabled: true, token: ${reference} } }`);
  const unresolved = await broken.run(secrets, ["audit"]);
  expect(unresolved.code).toBe(2);
  expect(unresolved.out).toContain("[REF_UNRESOLVED]");
  expect(plain.out).not.toContain(KEY);
});

test("configure says first what it would do, and writes when it is told to", async () => {
  const it = await home(CONFIG);
  await writeFile(join(it.stateDir, "openclaw.json.bak"), CONFIG);
  const dry = await it.run(secrets, ["configure"]);
  expect(dry).toMatchObject({ code: 0 });
  expect(dry.out).toContain("models.providers.openai.apiKey -> store:OPENAI_API_KEY");
  expect(dry.out).toContain("channels.discord.token stays");
  expect(dry.out).toContain("Nothing was written");
  expect(await it.read("openclaw.json")).toBe(CONFIG);

  const run = await it.run(secrets, ["configure", "--apply", "--yes"]);
  expect(run).toMatchObject({ code: 0, err: "" });
  const written = await it.read("openclaw.json");
  expect(written).toContain("// mine");
  expect(written).not.toContain(KEY);
  expect(JSON.parse(await it.read(STORE))).toMatchObject({
    entries: { OPENAI_API_KEY: { value: KEY }, TELEGRAM_BOT_TOKEN: { value: BOT } },
  });
  const names = await readdir(it.stateDir);
  expect(names.filter((name) => name.includes(".bak"))).toEqual([]);
  const after = await it.run(secrets, ["audit", "--json"]);
  expect(JSON.parse(after.out)).toMatchObject({
    resolution: { refsChecked: 2 },
    summary: { plaintextCount: 1, unresolvedRefCount: 0 },
  });
  expect(dry.out + run.out + after.out).not.toContain(KEY);
});

test("configure can use variables, and takes over what they have to the store", async () => {
  const it = await home(CONFIG, { TELEGRAM_BOT_TOKEN: "7:another-bot-of-the-environment" });
  await it.run(secrets, ["configure", "--to", "env", "--apply", "--yes"]);
  const variables = parseEnv(await it.read(".env"));
  expect(variables).toMatchObject({
    OPENAI_API_KEY: KEY,
    // The name that the environment has taken would give another bot.
    TELEGRAM_BOT_TOKEN_2: BOT,
    CHANNELS_DISCORD_TOKEN: "unused-discord-token",
  });
  expect(await it.read("openclaw.json")).toContain("${CHANNELS_DISCORD_TOKEN}");
  expect((await it.run(secrets, ["configure", "--apply", "--yes"])).code).toBe(0);
  expect(Object.keys(parseEnv(await it.read(".env")))).toEqual(["CHANNELS_DISCORD_TOKEN"]);
  expect(await it.read("openclaw.json")).not.toContain("${OPENAI_API_KEY}");
  expect(JSON.parse(await it.read(STORE))).toMatchObject({
    entries: { OPENAI_API_KEY: { value: KEY }, TELEGRAM_BOT_TOKEN_2: { value: BOT } },
  });
});

test("a plan holds no secret, is checked before it is done, and done once", async () => {
  const it = await home(CONFIG);
  const file = join(it.path, "plan.json");
  await it.run(secrets, ["configure", "--dry-run", "--plan-out", file]);
  const dry = await it.run(secrets, ["apply", "--from", file, "--dry-run", "--json"]);
  expect(JSON.parse(dry.out)).toMatchObject({
    ok: true,
    mode: "dry-run",
    changed: true,
    refsChecked: 2,
    skippedExecRefs: 0,
    checks: { resolvabilityComplete: true },
  });
  expect(await it.read("openclaw.json")).toBe(CONFIG);
  expect((await it.run(secrets, ["apply", "--from", file])).code).toBe(0);
  expect(await it.read(STORE)).toContain(KEY);
  const again = await it.run(secrets, ["apply", "--from", file]);
  expect(again).toMatchObject({ code: 0, out: "Nothing to change." });
});

const target = (path: string, ref: object, type = path): object => ({
  version: 1,
  targets: [{ type, path, ref }],
});
const env = (id: string): object => ({ source: "env", provider: "default", id });

test.each([
  ["another path", target("models.providers.openai.baseUrl", env("X"), "models.providers.apiKey")],
  ["a path of the language", target("models.__proto__.apiKey", env("X"))],
  ["a setting that is none", target("gateway.port", env("X"))],
  [
    "another type",
    target("models.providers.openai.apiKey", env("X"), "channels.telegram.botToken"),
  ],
])("a plan with %s changes nothing", async (_name, plan) => {
  const it = await home(CONFIG);
  const file = join(it.path, "plan.json");
  await writeFile(file, JSON.stringify(plan));
  const run = await it.run(secrets, ["apply", "--from", file]);
  expect(run).toMatchObject({ code: 1, err: expect.stringContaining("Invalid plan target path") });
  expect(await it.read("openclaw.json")).toBe(CONFIG);
});

test("a plan that leads nowhere, or starts programs unasked, changes nothing", async () => {
  const it = await home("{ gateway: { mode: 'local' } }");
  const file = join(it.path, "plan.json");
  await writeFile(file, JSON.stringify(target("hooks.token", env("NOT_SET"))));
  const nowhere = await it.run(secrets, ["apply", "--from", file]);
  expect(nowhere.err).toContain("hooks.token cannot be resolved: the variable NOT_SET is not set");
  const exec = { source: "exec", provider: "vault", id: "x" };
  const vault = { source: "exec", command: "/bin/true" };
  const plan = { ...target("hooks.token", exec), providerUpserts: { vault } };
  await writeFile(file, JSON.stringify(plan));
  expect((await it.run(secrets, ["apply", "--from", file])).err).toContain("--allow-exec");
  const dry = await it.run(secrets, ["apply", "--from", file, "--dry-run", "--json"]);
  expect(JSON.parse(dry.out)).toMatchObject({
    skippedExecRefs: 1,
    checks: { resolvabilityComplete: false },
  });
  expect(await it.read("openclaw.json")).toBe("{ gateway: { mode: 'local' } }");
});

test("a config that is managed elsewhere is not touched, nor is anything else", async () => {
  const it = await home(CONFIG, { OPENCLAW_CONFIG_READONLY: "1" });
  const run = await it.run(secrets, ["configure", "--apply", "--yes"]);
  expect(run.err).toContain("OPENCLAW_CONFIG_READONLY=1");
  expect([await it.read("openclaw.json"), await it.read(STORE)]).toEqual([CONFIG, ""]);
});
