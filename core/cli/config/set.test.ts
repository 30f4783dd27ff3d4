import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { type CommandHome, createCommandHome } from "../../../test/support/command-home.ts";
import { config } from "../config.ts";

const CONFIG = `{ // mine
  gateway: { mode: 'local', port: 19001 },
  models: { providers: { one: { baseUrl: 'http://a', models: [{ id: 'a' }] } } }, // kept
}
`;

async function home(text = CONFIG, env: Record<string, string> = {}): Promise<CommandHome> {
  const made = await createCommandHome(env);
  onTestFinished(() => made[Symbol.asyncDispose]());
  await mkdir(made.stateDir, { mode: 0o700 });
  await writeFile(join(made.stateDir, "openclaw.json"), text);
  return made;
}

const set = (it: CommandHome, ...args: readonly string[]) => it.run(config, ["set", ...args]);

test("a batch is written at once, and the comments stay", async () => {
  const it = await home();
  const batch = [
    { path: "secrets.providers.files", provider: { source: "file", path: "~/s.json" } },
    { path: "hooks.token", ref: { source: "file", provider: "files", id: "/hooks" } },
    { path: "gateway.port", value: 19_002 },
  ];
  const run = await set(it, "--batch-json", JSON.stringify(batch), "--json");
  expect(run).toMatchObject({ code: 0, err: "" });
  expect(JSON.parse(run.out)).toMatchObject({
    changed: true,
    changedPaths: ["gateway.port", "secrets", "hooks"],
  });
  const text = await it.read("openclaw.json");
  expect(text).toMatch(/^\{ \/\/ mine[^]*port: 19002[^]*\/\/ kept[^]*"\/hooks"/);
  expect(await it.read("openclaw.json.bak")).toBe(CONFIG);
  expect(await it.read("openclaw.json.bak.1")).toBe("");
});

test("a batch of a file with one wrong assignment changes nothing", async () => {
  const it = await home();
  const file = join(it.path, "batch.json");
  const batch = [
    { path: "gateway.port", value: 19_002 },
    { path: "gateway.bind", value: "moon" },
  ];
  await writeFile(file, JSON.stringify(batch));
  const run = await set(it, "--batch-file", file);
  expect(run).toMatchObject({ code: 1, err: expect.stringContaining("gateway.bind") });
  expect(await it.read("openclaw.json")).toBe(CONFIG);
});

test.each([
  [["--batch-json", ""], "is not JSON"],
  [["--batch-json", "[]"], "has no assignment"],
  [["--batch-json", '[{"path":"a"}]'], "one of value, ref and provider"],
  [["--batch-json", '[{"path":"a","value":1,"ref":{}}]'], "the batch"],
  [["--batch-json", '[{"path":"a.b","provider":{"source":"env"}}]'], "secrets.providers.NAME"],
  [["--batch-json", '[{"path":"__proto__.x","value":1}]'], "no setting is called __proto__"],
  [["gateway.port", "1", "--batch-json", "[]"], "a batch has its paths in it"],
  [["--batch-json", "[]", "--batch-file", "x"], "name one of"],
  [["gateway.port", "1", "--merge", "--replace"], "opposite things"],
  [["gateway.port", "1", "--merge"], "--merge takes an object or a list"],
  [["gateway.port", "1", "--allow-exec"], "--allow-exec is for --dry-run"],
  [["hooks.token", "--ref-source", "env"], "make no reference: source and id are needed"],
  [["hooks.token", "--ref-source", "moon", "--ref-id", "X"], "make no reference"],
  [["hooks.token", "x", "--ref-source", "env", "--ref-id", "X"], "a value or a reference"],
  [["hooks.token", "--provider-source", "env"], "secrets.providers.NAME"],
  [["secrets.providers.x", "--provider-path", "/x"], "--provider-source is"],
  [["secrets.providers.x", "--provider-source", "env", "--provider-path", "/x"], "is not for"],
  [["gateway.port", "{", "--strict-json"], "is not JSON"],
])("config set %j is refused", async (args, why) => {
  const it = await home();
  const run = await set(it, ...args);
  expect(run).toMatchObject({ code: 1, err: expect.stringContaining(why) });
  expect(await it.read("openclaw.json")).toBe(CONFIG);
});

test("what people gather is not lost by an assignment unless that is meant", async () => {
  const it = await home();
  const two = '{"two":{"baseUrl":"http://b"}}';
  const refused = await set(it, "models.providers", two);
  expect(refused).toMatchObject({ code: 1, err: expect.stringContaining("would lose one") });
  expect((await set(it, "models.providers", two, "--merge")).code).toBe(0);
  const list = '[{"id":"b"}]';
  expect((await set(it, "models.providers.one.models", list)).err).toContain("would lose a");
  expect((await set(it, "models.providers.one.models", list, "--merge")).code).toBe(0);
  const merged = await it.run(config, ["get", "models.providers", "--json"]);
  expect(JSON.parse(merged.out)).toEqual({
    one: { baseUrl: "http://a", models: [{ id: "a" }, { id: "b" }] },
    two: { baseUrl: "http://b" },
  });
  expect((await set(it, "models.providers", two, "--replace")).code).toBe(0);
  const replaced = await it.run(config, ["get", "models.providers", "--json"]);
  expect(Object.keys(JSON.parse(replaced.out))).toEqual(["two"]);
});

test("a reference is built of flags, and a rehearsal says whether it leads anywhere", async () => {
  const it = await home(CONFIG, { HOOKS: "s3cret-s3cret" });
  const reference = ["hooks.token", "--ref-source", "env", "--ref-provider", "default"];
  const dry = await set(it, ...reference, "--ref-id", "HOOKS", "--dry-run", "--json");
  expect(dry.code).toBe(0);
  expect(JSON.parse(dry.out)).toMatchObject({
    ok: true,
    operations: 1,
    configPath: join(it.stateDir, "openclaw.json"),
    inputModes: ["builder"],
    checks: { schema: true, resolvability: true, resolvabilityComplete: true },
    refsChecked: 1,
    skippedExecRefs: 0,
  });
  const missing = await set(it, ...reference, "--ref-id", "NOT_SET", "--dry-run", "--json");
  expect(missing.code).toBe(1);
  expect(JSON.parse(missing.out)).toMatchObject({
    ok: false,
    errors: [{ kind: "resolvability", ref: "env:default:NOT_SET" }],
  });
  expect(await it.read("openclaw.json")).toBe(CONFIG);
  expect((await set(it, ...reference, "--ref-id", "HOOKS")).code).toBe(0);
  expect((await it.run(config, ["get", "hooks.token.id"])).out).toBe("HOOKS");
  expect(dry.out + missing.out).not.toContain("s3cret");
});

test("a provider is built of flags, and its program is started only when that is asked for", async () => {
  const it = await home();
  const flags = ["--provider-source", "exec", "--provider-command", "/bin/false"];
  const more = ["--provider-arg", "", "--provider-timeout-ms", "500", "--provider-json-only"];
  expect((await set(it, "secrets.providers.vault", ...flags, ...more)).code).toBe(0);
  const vault = await it.run(config, ["get", "secrets.providers.vault", "--json"]);
  expect(JSON.parse(vault.out)).toEqual({
    source: "exec",
    command: "/bin/false",
    args: [""],
    timeoutMs: 500,
    jsonOnly: true,
  });
  const reference = ["hooks.token", "--ref-source", "exec", "--ref-provider", "vault"];
  const dry = [...reference, "--ref-id", "x", "--dry-run", "--json"];
  const skipped = await set(it, ...dry);
  expect(JSON.parse(skipped.out)).toMatchObject({ ok: true, refsChecked: 0, skippedExecRefs: 1 });
  const asked = await set(it, ...dry, "--allow-exec");
  expect(JSON.parse(asked.out)).toMatchObject({ ok: false, refsChecked: 1 });
});

test("a rehearsal of what would be refused says why, in the kinds of the contract", async () => {
  const it = await home();
  const run = await set(it, "gateway.bind", '"moon"', "--strict-json", "--dry-run", "--json");
  expect(run.code).toBe(1);
  expect(JSON.parse(run.out)).toMatchObject({ ok: false, errors: [{ kind: "schema" }] });
});

test("a setting is written only when it is what somebody takes it for", async () => {
  const it = await home();
  const wrong = await set(it, "gateway.port", "19002", "--expect-current-json", "1");
  expect(wrong).toMatchObject({ code: 1, err: expect.stringContaining("not what was expected") });
  expect((await set(it, "gateway.port", "19002", "--expect-current-absent")).code).toBe(1);
  expect(await it.read("openclaw.json")).toBe(CONFIG);
  expect((await set(it, "gateway.port", "19002", "--expect-current-json", "19001")).code).toBe(0);
  const token = ["hooks.token", "${HOOKS}", "--expect-current-absent"];
  expect((await set(it, ...token)).code).toBe(0);
});

test.each([
  ["set", ["gateway.port", "19002"]],
  ["set", ["--batch-json", '[{"path":"gateway.port","value":19002}]']],
  ["unset", ["gateway.port"]],
  ["patch", ["--file", "/dev/null"]],
])("config %s leaves a config alone that is managed elsewhere", async (name, args) => {
  for (const variable of ["OPENCLAW_CONFIG_READONLY", "OPENCLAW_NIX_MODE"]) {
    const it = await home(CONFIG, { [variable]: "1" });
    const patch = join(it.path, "patch.json");
    await writeFile(patch, "{ gateway: { port: 19002 } }");
    const run = await it.run(config, [
      name,
      ...args.map((arg) => (arg === "/dev/null" ? patch : arg)),
    ]);
    expect(run).toMatchObject({ code: 1, err: expect.stringContaining(`${variable}=1`) });
    expect(await it.read("openclaw.json")).toBe(CONFIG);
    expect((await it.run(config, ["get", "gateway.port"])).out).toBe("19001");
    expect((await it.run(config, ["validate"])).code).toBe(0);
  }
});

test.each(["0", "", "true"])("a config is not read-only by %j, nor by itself", async (value) => {
  const own = `{ env: { vars: { OPENCLAW_CONFIG_READONLY: '1' } }, gateway: { mode: 'local' } }`;
  const it = await home(own, { OPENCLAW_CONFIG_READONLY: value });
  expect((await set(it, "gateway.port", "19002")).code).toBe(0);
});
