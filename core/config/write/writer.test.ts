import {
  chmod,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  stat,
  symlink,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { configErrorText } from "../issues/error.ts";
import type { Environment } from "../paths.ts";
import { REDACTED } from "../file/redact.ts";
import { type ConfigChange, ConfigWriter, type WriteRequest } from "./writer.ts";

const SECRET = "s3cret-s3cret-s3cret";

async function home(files: Readonly<Record<string, string>>, env: Environment = {}) {
  const path = await mkdtemp(join(tmpdir(), "sallyport-write-"));
  const folder = join(path, ".openclaw");
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), text);
  }
  const writer = new ConfigWriter({ env, cwd: path, home: path });
  return {
    path,
    folder,
    writer,
    file: join(folder, "openclaw.json"),
    text: (name = "openclaw.json") => readFile(join(folder, name), "utf8"),
    async names() {
      return (await readdir(folder)).toSorted();
    },
    async write(change: ConfigChange, more: Omit<WriteRequest, "change"> = {}) {
      const written = await writer.write({ change, ...more });
      if (!written.ok) throw new Error(said(written.error));
      return written.value;
    },
    async refusal(change: ConfigChange, more: Omit<WriteRequest, "change"> = {}) {
      const written = await writer.write({ change, ...more });
      return written.ok ? "accepted" : said(written.error).replaceAll(folder, "");
    },
    [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }),
  };
}

type Fault = Extract<Awaited<ReturnType<ConfigWriter["write"]>>, { ok: false }>["error"];

function said(fault: Fault): string {
  if (fault.reason === "conflict") return "conflict";
  return fault.reason === "refused" ? fault.message : configErrorText(fault);
}

const set = (path: string, value: unknown): ConfigChange => ({
  kind: "set",
  path: path.split("."),
  value,
});

test("a change keeps comments, references and all it does not mean", async () => {
  const text = `// mine\n{\n  gateway: { port: 1, auth: { token: '\${T}' } }, // here\n  $schema: 'x',\n}\n`;
  await using h = await home({ "openclaw.json": text }, { T: SECRET });
  const outcome = await h.write(set("gateway.port", 2));
  expect(outcome).toMatchObject({ changed: true, paths: [["gateway", "port"]], warnings: [] });
  expect(await h.text()).toBe(text.replace("port: 1", "port: 2"));
  expect(await h.text("openclaw.json.bak")).toBe(text);
  for (const name of await h.names()) {
    expect((await stat(join(h.folder, name))).mode & 0o777).toBe(0o600);
  }
  expect(await h.write(set("gateway.port", 2))).toMatchObject({ changed: false, paths: [] });
});

test("a first change makes folder and file", async () => {
  await using h = await home({});
  await h.write(set("gateway.port", 2));
  expect(await h.text()).toBe('{\n  "gateway": {\n    "port": 2\n  }\n}\n');
  expect(await h.names()).toEqual(["openclaw.json", "openclaw.json.lock"]);
});

test("five earlier versions are kept, the newest first", async () => {
  await using h = await home({ "openclaw.json": "{ gateway: { port: 1 } }" });
  for (let port = 2; port <= 8; port += 1) await h.write(set("gateway.port", port));
  const kept = [".bak", ".bak.1", ".bak.2", ".bak.3", ".bak.4"];
  const ports = await Promise.all(
    kept.map(async (end) => /\d+/.exec(await h.text(`openclaw.json${end}`))?.[0]),
  );
  expect(ports).toEqual(["7", "6", "5", "4", "3"]);
  expect((await h.names()).filter((name) => name.includes(".bak"))).toHaveLength(5);
});

test.each<[string, ConfigChange, RegExp]>([
  [
    "is not a setting",
    set("gateway.prot", 2),
    /gateway\.prot: is not a setting; did you mean "port"\?$/,
  ],
  [
    "has the wrong type",
    set("gateway.port", "many"),
    /gateway\.port: must be a number|gateway\.port/,
  ],
  ["is no object", { kind: "text", text: "[]" }, /a config is an object/],
  ["is no JSON5", { kind: "text", text: "{" }, /not JSON5/],
  [
    "has a mark with nothing behind it",
    set("hooks.token", REDACTED),
    /hooks\.token: holds the mark of a value/,
  ],
  [
    "includes what is not there",
    { kind: "text", text: "{ $include: 'x' }" },
    /Failed to read include file: x/,
  ],
])("a change that %s writes nothing", async (_name, change, why) => {
  const text = "{ gateway: { port: 1 } }";
  await using h = await home({ "openclaw.json": text });
  expect(await h.refusal(change)).toMatch(why);
  expect(await h.text()).toBe(text);
  expect(await h.names()).toEqual(["openclaw.json", "openclaw.json.lock"]);
});

test("a change for another config than there is writes nothing", async () => {
  await using h = await home({ "openclaw.json": "{ gateway: { port: 1 } }" });
  const { hash } = await h.writer.snapshot();
  const next = await h.write(set("gateway.port", 2), { baseHash: hash });
  expect(await h.refusal(set("gateway.port", 3), { baseHash: hash })).toBe("conflict");
  expect(await h.refusal(set("gateway.port", 3), { baseHash: next.hash })).toBe("accepted");
  expect((await h.writer.snapshot()).hash).not.toBe(next.hash);
});

test("a dry run does everything but writing", async () => {
  await using h = await home({ "openclaw.json": "{}" });
  const planned = await h.write(set("gateway.port", 2), { dryRun: true });
  expect(planned).toMatchObject({ changed: true, paths: [["gateway"]] });
  expect(await h.text()).toBe("{}");
  expect(planned.hash).toBe((await h.write(set("gateway.port", 2))).hash);
});

const LONG = `{ gateway: { mode: 'local' }, agents: { defaults: { systemPromptOverride: '${"x".repeat(2_000)}' } } }`;

test.each<[string, ConfigChange, string]>([
  [
    "drops gateway.mode",
    { kind: "text", text: LONG.replace("mode: 'local'", "") },
    "this would drop gateway.mode",
  ],
  [
    "drops most of it",
    { kind: "text", text: "{ gateway: { mode: 'local' } }" },
    "this would drop more than half of the config",
  ],
  [
    "takes out most of it",
    { kind: "unset", path: ["agents"] },
    "this would drop more than half of the config",
  ],
])("a change that %s is put aside unless it is meant", async (_name, change, why) => {
  await using h = await home({ "openclaw.json": LONG });
  const refusal = await h.refusal(change);
  expect(refusal).toContain(`${why}: nothing was written`);
  expect(await h.text()).toBe(LONG);
  const rejected = (await h.names()).filter((name) => name.includes(".rejected."));
  expect(rejected).toHaveLength(1);
  expect(refusal).toContain(rejected[0]);
  for (let turn = 0; turn < 12; turn += 1) await h.refusal(change);
  expect((await h.names()).filter((name) => name.includes(".rejected.")).length).toBeLessThan(11);
  expect(await h.refusal(change, { force: true })).toBe("accepted");
});

test("a config that is a link is not written, nor what it leads to", async () => {
  await using h = await home({ "real.json": "{}" });
  await symlink(join(h.folder, "real.json"), h.file);
  expect(await h.refusal(set("gateway.port", 2))).toContain("is a link or no file");
  expect(await h.text("real.json")).toBe("{}");
});

test("a broken config can be replaced, and nothing else", async () => {
  await using h = await home({ "openclaw.json": "{ gateway: " });
  expect(await h.refusal(set("gateway.port", 2))).toContain("not JSON5");
  expect(await h.refusal({ kind: "text", text: "{ gateway: { port: 2 } }" })).toBe("accepted");
  expect(await h.text()).toBe("{ gateway: { port: 2 } }");
});

test("what was not shown comes back as it is written, and variables stay variables", async () => {
  const text = `{
  // kept
  gateway: { auth: { token: "\${T}" }, publicOrigin: "https://\${HOST}" },
  hooks: { enabled: true, token: "${SECRET}-hooks" },
  models: { providers: { x: { baseUrl: "http://127.0.0.1", apiKey: { source: "env", id: "KEY" } } } },
}`;
  await using h = await home(
    { "openclaw.json": text },
    { T: SECRET, HOST: "a.example", KEY: "k-k-k-k" },
  );
  const { resolved, hash } = await h.writer.snapshot();
  expect(resolved).toMatchObject({
    gateway: { auth: { token: REDACTED }, publicOrigin: "https://a.example" },
    hooks: { token: REDACTED },
  });
  const edited = { ...Object(resolved), logging: { level: "debug" } };
  await h.write({ kind: "text", text: JSON.stringify(edited, null, 2) }, { baseHash: hash });
  const now: unknown = JSON.parse(await h.text());
  expect(now).toMatchObject({
    gateway: { auth: { token: "${T}" }, publicOrigin: "https://${HOST}" },
    hooks: { token: `${SECRET}-hooks` },
    models: { providers: { x: { apiKey: { source: "env", id: "KEY" } } } },
    logging: { level: "debug" },
  });
  expect(await h.text()).not.toContain(REDACTED);
});

test("a list that lost an entry does not get the secrets of another one", async () => {
  const text = `{ sallyport: { ingress: { routes: { hook: { secrets: ["${SECRET}-1", "${SECRET}-2"], wake: true } } } } }`;
  await using h = await home({ "openclaw.json": text });
  const change = set("sallyport.ingress.routes.hook.secrets", [REDACTED]);
  expect(await h.refusal(change)).toContain("holds the mark of a value that is not shown");
});

test.each([
  ["of one file goes to that file", "logging.level", "debug", "logging.json5"],
  [
    "of a file deeper down goes there",
    "agents.defaults.systemPromptOverride",
    "hi",
    "sub/defaults.json5",
  ],
  ["of the config itself stays there", "gateway.port", 2, "openclaw.json"],
])("a change %s", async (_name, path, value, name) => {
  const files = {
    "openclaw.json":
      "{ gateway: { port: 1 }, logging: { $include: 'logging.json5' }, agents: { $include: 'agents.json5' } }",
    "logging.json5": "{ level: 'info' /* calm */ }",
    "agents.json5": "{ defaults: { $include: 'sub/defaults.json5' } }",
    "sub/defaults.json5": "{ systemPromptOverride: 'x', }",
  };
  await using h = await home(files);
  const outcome = await h.write(set(path, value));
  expect(outcome.file).toBe(join(h.folder, name));
  expect(await h.writer.read()).toMatchObject({});
  for (const [other, text] of Object.entries(files)) {
    if (other === name) expect(await h.text(other)).not.toBe(text);
    else expect(await h.text(other)).toBe(text);
  }
  expect(await h.text(`${name}.bak`)).toBe(Reflect.get(files, name));
});

test.each([
  ["a list of files", "{ logging: { $include: ['a.json5'] } }", "logging.level"],
  ["something beside it", "{ logging: { $include: 'a.json5', level: 'warn' } }", "logging.level"],
  [
    "one file in two places",
    "{ logging: { $include: 'a.json5' }, agents: { defaults: { $include: 'b.json5' } }, $include: 'c.json5' }",
    "logging.level",
  ],
  ["the whole config in another file", "{ $include: 'root.json5' }", "logging.level"],
  [
    "a file elsewhere in the list",
    "{ agents: { list: [{ $include: 'agent.json5' }] } }",
    "agents.list.0.name",
  ],
])("a change of what comes from %s writes nothing", async (_name, text, path) => {
  const files = {
    "openclaw.json": text,
    "a.json5": "{ level: 'info' }",
    "b.json5": "{}",
    "c.json5": "{}",
    "root.json5": "{ logging: { level: 'info' } }",
    "agent.json5": "{ id: 'one' }",
  };
  await using h = await home(files);
  expect(await h.refusal(set(path, "debug"))).toContain("edit the files");
  for (const [name, before] of Object.entries(files)) expect(await h.text(name)).toBe(before);
});

test("a whole config without its includes changes what it can, and flattens nothing", async () => {
  const files = {
    "openclaw.json": "{ gateway: { port: 1 }, logging: { $include: 'a.json5' } }",
    "a.json5": "{ level: 'info' }",
  };
  await using h = await home(files);
  const text = "{ gateway: { port: 2 }, logging: { level: 'info' } }";
  await h.write({ kind: "text", text });
  expect(await h.text()).toBe("{ gateway: { port: 2 }, logging: { $include: 'a.json5' } }");
  expect(
    await h.refusal({ kind: "text", text: "{ gateway: { port: 3 }, logging: { level: 'warn' } }" }),
  ).toContain("edit the files");
});

test("the last good one is kept beside it, if it is that still", async () => {
  await using h = await home({ "openclaw.json": "{ gateway: { port: 1 } }" });
  const { hash } = await h.writer.snapshot();
  await h.writer.keepLastGood("another");
  expect(await h.names()).toEqual(["openclaw.json"]);
  await h.writer.keepLastGood(hash);
  expect(await h.text("openclaw.json.last-good")).toBe("{ gateway: { port: 1 } }");
  expect((await stat(`${h.file}.last-good`)).mode & 0o777).toBe(0o600);
});

test("a folder that cannot be written is an error that leaves everything as it was", async () => {
  await using h = await home({ "openclaw.json": "{}" });
  await h.write(set("gateway.port", 2));
  if (process.getuid?.() === 0) return; // root writes everywhere
  await chmod(h.folder, 0o500);
  await expect(h.writer.write({ change: set("gateway.port", 3) })).rejects.toThrow(/EACCES/);
  await chmod(h.folder, 0o700);
  expect(await h.text()).toContain('"port": 2');
});

test("the last good one is kept while others write, who sweep up what is half written", async () => {
  await using h = await home({ "openclaw.json": "{}" });
  for (let round = 0; round < 20; round += 1) {
    const { hash } = await h.write(set("logging.level", round % 2 === 0 ? "debug" : "info"));
    const both = [h.writer.keepLastGood(hash), h.write(set("gateway.port", 20_000 + round))];
    await expect(Promise.all(both)).resolves.toHaveLength(2);
  }
});
