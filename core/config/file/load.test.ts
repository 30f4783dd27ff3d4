import {
  chmod,
  link,
  mkdir,
  mkdtemp,
  readFile,
  rename,
  rm,
  symlink,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { configErrorText } from "../issues/error.ts";
import { loadConfig } from "./load.ts";
import type { Environment } from "../paths.ts";
import { SecretMemory } from "../secrets/resolve.ts";

async function home(config: string) {
  const path = await mkdtemp(join(tmpdir(), "sallyport-load-"));
  const stateDir = join(path, ".openclaw");
  await mkdir(join(path, "cwd"), { recursive: true });
  await mkdir(stateDir);
  const file = join(stateDir, "openclaw.json");
  await writeFile(file, config);
  const load = (env: Environment = {}, memory?: SecretMemory) =>
    loadConfig({ env, cwd: join(path, "cwd"), home: path }, { uid: process.getuid?.(), memory });
  return {
    path,
    stateDir,
    file,
    /** A program in the home folder. */
    async program(name: string, text: string, mode = 0o700) {
      await writeFile(join(path, name), text);
      await chmod(join(path, name), mode);
      return join(path, name);
    },
    async load(env?: Environment, memory?: SecretMemory) {
      const loaded = await load(env, memory);
      if (!loaded.ok) throw new Error(configErrorText(loaded.error));
      return loaded.value;
    },
    refusal: async (env?: Environment) => {
      const loaded = await load(env);
      return loaded.ok ? "accepted" : configErrorText(loaded.error);
    },
    [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }),
  };
}

const PROMPT = "agents: { defaults: { systemPromptOverride: '${WHO}' } }";

test("a variable comes from the process, cwd, state folder, config and shell, in this order", async () => {
  await using h = await home(
    `{ env: { vars: { WHO: 'config' }, shellEnv: { enabled: true } }, ${PROMPT} }`,
  );
  const shell = await h.program(
    "shell",
    '#!/bin/sh\nWHO=shell; export WHO; exec /bin/sh -c "$3"\n',
  );
  const env: Environment = { SHELL: shell };
  const who = async (given: Environment): Promise<string | undefined> =>
    (await h.load(given)).config.agents.defaults.systemPromptOverride;
  await writeFile(join(h.stateDir, ".env"), "WHO=state\n");
  await writeFile(join(h.path, "cwd", ".env"), "WHO=cwd\n");
  expect(await who({ ...env, WHO: "process" })).toBe("process");
  expect(await who({ ...env, WHO: "" })).toBe("cwd");
  await rm(join(h.path, "cwd", ".env"));
  expect(await who(env)).toBe("state");
  await rm(join(h.stateDir, ".env"));
  expect(await who(env)).toBe("config");
  await writeFile(h.file, `{ env: { shellEnv: { enabled: true } }, ${PROMPT} }`);
  expect(await who(env)).toBe("shell");
  await writeFile(h.file, `{ ${PROMPT} }`);
  expect(await who(env)).toBe("${WHO}");
  expect(await who({ ...env, OPENCLAW_LOAD_SHELL_ENV: "1" })).toBe("shell");
});

test("of a shell only what is missing is taken, and only what somebody asks for", async () => {
  await using h = await home(`{ env: { shellEnv: { enabled: true } }, ${PROMPT} }`);
  const text =
    "#!/bin/sh\necho welcome, WHO=nobody\nWHO='two\nlines' OPENAI_API_KEY=k OTHER=x GIVEN=shell; export WHO OPENAI_API_KEY OTHER GIVEN\nexec /bin/sh -c \"$3\"\n";
  const shell = await h.program("shell", text);
  const { environment, config } = await h.load({ SHELL: shell, GIVEN: "process" });
  expect(config.agents.defaults.systemPromptOverride).toBe("two\nlines");
  expect(environment).toMatchObject({ OPENAI_API_KEY: "k", GIVEN: "process" });
  expect(environment).not.toHaveProperty("OTHER");
});

test.each([
  ["hangs", "#!/bin/sh\nsleep 60\n", "did not answer within 300 ms"],
  ["fails and tells a secret", "#!/bin/sh\necho s3cret-s3cret >&2; exit 3\n", "failed"],
  ["never stops talking", "#!/bin/sh\nyes s3cret-s3cret\n", "printed too much|did not answer"],
])("a shell that %s is passed over with a warning", async (_name, text, words) => {
  await using h = await home(`{ env: { shellEnv: { enabled: true, timeoutMs: 300 } }, ${PROMPT} }`);
  const shell = await h.program("shell", text);
  const { warnings } = await h.load({ SHELL: shell });
  expect(warnings[0]).toMatch(new RegExp(`^no variables are taken from the shell: .*(${words})`));
  expect(warnings.join()).not.toContain("s3cret");
});

test("a config that was named and is not there is told, and so is no other", async () => {
  await using h = await home("{}");
  const said = async (env: Environment): Promise<readonly string[]> => (await h.load(env)).warnings;
  expect(await said({})).toEqual([]);
  expect(await said({ OPENCLAW_CONFIG_PATH: h.file })).toEqual([]);
  const elsewhere = join(h.path, "nope.json");
  expect(await said({ OPENCLAW_CONFIG_PATH: elsewhere })).toEqual([
    `OPENCLAW_CONFIG_PATH names ${elsewhere}, which is not there: no other config is read`,
  ]);
  await rm(h.file);
  expect(await said({})).toEqual([]);
});

test("what is included counts, is named, and changes the hash", async () => {
  await using h = await home("{ logging: { $include: './logging.json5' } }");
  const included = join(h.stateDir, "logging.json5");
  await writeFile(included, "{ level: 'debug' }");
  const before = await h.load();
  expect(before.config.logging.level).toBe("debug");
  expect(before.files).toEqual([h.file, included]);
  await writeFile(included, "{ level: 'warn' }");
  const after = await h.load();
  expect(after.config.logging.level).toBe("warn");
  expect(after.hash).not.toBe(before.hash);
});

const fileRef = (id: string): string =>
  `{ secrets: { providers: { vault: { source: 'file', path: '~/vault.json' } } },
     gateway: { auth: { token: { source: 'file', provider: 'vault', id: '${id}' } } } }`;

test("a credential may be kept in the environment, in a private file, or with a program", async () => {
  await using h = await home(`{
    secrets: {
      providers: {
        vault: { source: "file", path: "~/vault.json" },
        one: { source: "file", path: "~/one.txt", mode: "singleValue" },
        helper: { source: "exec", command: "~/helper", passEnv: ["KEY_BASE"], env: { EXTRA: "!" } },
        few: { source: "env", allowlist: ["OTHER_KEY"] },
      },
      defaults: { file: "vault" },
    },
    gateway: { auth: { token: { source: "file", id: "/gateway/to~1ken" } } },
    hooks: { enabled: true, token: { source: "env", id: "HOOKS" } },
    channels: { telegram: { botToken: "$BOT" } },
    models: { providers: {
      a: { apiKey: { source: "exec", provider: "helper", id: "a/key" } },
      b: { apiKey: { source: "exec", provider: "helper", id: "b" } },
      c: { apiKey: { source: "file", provider: "one", id: "value" } },
      d: { apiKey: { source: "env", provider: "few", id: "HOOKS" } },
    } },
  }`);
  await h.program("vault.json", '{ "gateway": { "to/ken": "from-the-file" } }', 0o600);
  await h.program("one.txt", "the-only-one\n", 0o600);
  await h.program(
    "helper",
    `#!${process.execPath}
let text = "";
process.stdin.on("data", (chunk) => (text += chunk)).on("end", () => {
  const { ids, protocolVersion, provider } = JSON.parse(text);
  require("node:fs").appendFileSync("${h.path}/asked", JSON.stringify([ids, provider, Object.keys(process.env)]) + "\\n");
  const value = "key-" + process.env.KEY_BASE + process.env.EXTRA + process.env.OPENCLAW_CLI;
  console.log(JSON.stringify({ protocolVersion, values: { "a/key": value }, errors: { b: { code: "NOT_FOUND" } } }));
});
`,
  );
  const env = { HOOKS: "from-hooks-variable", BOT: "1:abc", KEY_BASE: "base" };
  const { config, warnings, missingSecrets } = await h.load(env);
  const { providers } = config.models;
  expect(config.gateway.auth.token?.reveal()).toBe("from-the-file");
  expect(config.hooks.token?.reveal()).toBe("from-hooks-variable");
  expect(config.channels.telegram?.botToken?.reveal()).toBe("1:abc");
  expect(providers["a"]?.apiKey?.reveal()).toBe("key-base!1");
  expect(providers["b"]?.apiKey).toBeUndefined();
  expect(providers["c"]?.apiKey?.reveal()).toBe("the-only-one");
  expect([...missingSecrets]).toEqual([
    ["models.providers.b.apiKey", "its program does not have it"],
    ["models.providers.d.apiKey", "its variable is not in the allowlist"],
  ]);
  expect(warnings.filter((one) => one.startsWith("models.providers.b.apiKey"))).toHaveLength(1);
  const asked = (await readFile(join(h.path, "asked"), "utf8")).trim().split("\n");
  expect(asked).toHaveLength(1);
  const [ids, provider, names] = JSON.parse(asked[0] ?? "");
  expect([ids, provider]).toEqual([["a/key", "b"], "helper"]);
  expect(names.toSorted()).toEqual(["EXTRA", "KEY_BASE", "OPENCLAW_CLI"]);
});

test.each([
  ["others may read it", 0o644, '{"t":"s3cret-s3cret"}', "open to others"],
  ["it has no such place", 0o600, '{"x":"s3cret-s3cret"}', "no text at that place"],
  ["it is not JSON", 0o600, "s3cret-s3cret", "is not JSON"],
  ["it holds no text there", 0o600, '{"t":{"s3cret-s3cret":1}}', "no text at that place"],
  [
    "it is too large",
    0o600,
    `{"t":"${"s3cret-s3cret".repeat(100_000)}"}`,
    "more than 1048576 bytes",
  ],
])("a secret of a file is not to be had when %s", async (_name, mode, text, words) => {
  await using h = await home(fileRef("/t"));
  await h.program("vault.json", text, mode);
  const { missingSecrets, warnings, config } = await h.load();
  expect(missingSecrets.get("gateway.auth.token")).toContain(words);
  expect(config.gateway.auth.token).toBeUndefined();
  expect(warnings.join()).not.toContain("s3cret");
});

test("a secret of a file with another name, or behind a link, is not to be had", async () => {
  await using h = await home(fileRef("/t"));
  const vault = await h.program("vault.json", '{"t":"x"}', 0o600);
  await link(vault, join(h.path, "second"));
  expect((await h.load()).missingSecrets.get("gateway.auth.token")).toContain("second name");
  await rm(join(h.path, "second"));
  await rename(vault, join(h.path, "real.json"));
  await symlink(join(h.path, "real.json"), vault);
  expect((await h.load()).missingSecrets.get("gateway.auth.token")).toContain("is a link");
  await rm(vault);
  expect((await h.load()).missingSecrets.get("gateway.auth.token")).toContain("is not there");
});

test("a secret that was learned goes on to count while its place cannot be reached", async () => {
  await using h = await home(fileRef("/t"));
  const vault = await h.program("vault.json", '{"t":"learned-once"}', 0o600);
  const memory = new SecretMemory();
  expect((await h.load({}, memory)).config.gateway.auth.token?.reveal()).toBe("learned-once");
  await chmod(vault, 0o644);
  const { config, warnings, missingSecrets } = await h.load({}, memory);
  expect(config.gateway.auth.token?.reveal()).toBe("learned-once");
  expect(missingSecrets.size).toBe(0);
  expect(warnings[0]).toContain("the one from before is kept");
});

const execRef = (more: string): string =>
  `{ secrets: { providers: { helper: { source: 'exec', command: '~/helper', timeoutMs: 400, ${more} } } },
     gateway: { auth: { token: { source: 'exec', provider: 'helper', id: 't' } } } }`;

test.each([
  ["hangs", "#!/bin/sh\nexec sleep 60\n", 0o700, "", "did not end in time|said nothing in time"],
  ["fails", "#!/bin/sh\necho s3cret-s3cret; exit 2\n", 0o700, "", "exit 2"],
  ["prints no JSON", "#!/bin/sh\necho s3cret-s3cret\n", 0o700, "", "did not answer as agreed"],
  [
    "prints too much",
    "#!/bin/sh\nyes s3cret-s3cret\n",
    0o700,
    "maxOutputBytes: 100",
    "more than 100 bytes",
  ],
  ["can be changed by others", "#!/bin/sh\n", 0o777, "", "can be changed by others"],
  ["cannot be run", "no program\n", 0o600, "", "cannot be started"],
  [
    "is in no trusted folder",
    "#!/bin/sh\n",
    0o700,
    "trustedDirs: ['/usr/bin']",
    "in none of the trustedDirs",
  ],
])("a secret of a program that %s is not to be had", async (_name, text, mode, more, words) => {
  await using h = await home(execRef(more));
  await h.program("helper", text, mode);
  const { missingSecrets, warnings } = await h.load();
  expect(missingSecrets.get("gateway.auth.token")).toMatch(new RegExp(words));
  expect(warnings.join()).not.toContain("s3cret");
});

test("a program may print the one secret it is asked for", async () => {
  await using h = await home(execRef("jsonOnly: false"));
  await h.program("helper", "#!/bin/sh\necho plain-secret\n");
  expect((await h.load()).config.gateway.auth.token?.reveal()).toBe("plain-secret");
});

test("a reference where no credential belongs is an ordinary mistake", async () => {
  await using h = await home("{ logging: { level: { source: 'env', id: 'LEVEL' } } }");
  expect(await h.refusal({ LEVEL: "debug" })).toContain("logging.level: ");
});
