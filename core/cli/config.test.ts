import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { Io } from "./command.ts";
import { config } from "./config.ts";
import { explain } from "./explain.ts";

const TOKEN = "s3cret-s3cret-s3cret-s3cret";

async function home(text?: string, env: Io["env"] = {}) {
  const path = await mkdtemp(join(tmpdir(), "sallyport-cli-"));
  const file = join(path, ".openclaw", "openclaw.json");
  await mkdir(join(path, ".openclaw"), { mode: 0o700 });
  if (text !== undefined) await writeFile(file, text);
  return {
    path,
    file,
    text: () => readFile(file, "utf8"),
    /** As a shell sees it. */
    async run(...args: readonly string[]) {
      const out: string[] = [];
      const err: string[] = [];
      const io: Io = {
        env,
        cwd: path,
        home: path,
        uid: process.getuid?.(),
        pid: process.pid,
        colours: false,
        out: (line) => void out.push(line),
        err: (line) => void err.push(line),
        log: { write: () => undefined },
        stop: new AbortController().signal,
        supervised: false,
      };
      let code: number;
      try {
        code = await config.run(args, io);
      } catch (error) {
        const { line, exitCode } = explain(error);
        err.push(line);
        code = exitCode;
      }
      return { code, out: out.join("\n"), err: err.join("\n") };
    },
    [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }),
  };
}

const CONFIG = `{ // mine
  gateway: { mode: 'local', port: 19001, auth: { token: '\${T}' } },
  agents: { defaults: { model: { primary: 'demo/echo' } } },
}
`;

test.each([
  [["gateway.port"], "19001"],
  [["gateway.mode"], "local"],
  [["gateway.mode", "--json"], '"local"'],
  [["gateway.auth"], '{\n  "token": "__OPENCLAW_REDACTED__"\n}'],
  [["agents.defaults.model", "--json"], '{"primary":"demo/echo"}'],
  [["agents['defaults'].model.primary"], "demo/echo"],
])("config get %j prints %s", async (args, expected) => {
  await using h = await home(CONFIG, { T: TOKEN });
  expect(await h.run("get", ...args)).toEqual({ code: 0, out: expected, err: "" });
});

test.each([
  [["gateway.port"], "18789", "gateway.port"],
  [["gateway.bind"], "loopback", "gateway.bind"],
  [["gateway.bind", "--json"], '"loopback"', "gateway.bind"],
])("config get %j prints the default of what nobody has set", async (args, value, name) => {
  await using h = await home();
  const err = `${name} is not set: this is the default`;
  expect(await h.run("get", ...args)).toEqual({ code: 0, out: value, err });
});

test.each([
  ["gateway.publicOrigin", "sallyport: gateway.publicOrigin is not set"],
  ["nope.nothing", "sallyport: nope.nothing is not a setting; try sallyport config schema"],
  ["channels.discord", "sallyport: channels.discord is not set"],
  ["__proto__", "sallyport: no setting is called __proto__; try --help"],
])("config get %s fails and says why", async (path, why) => {
  await using h = await home(CONFIG);
  expect(await h.run("get", path)).toEqual({ code: 1, out: "", err: why });
});

test("a failure with --json is told on stdout", async () => {
  await using h = await home(CONFIG);
  const { code, out } = await h.run("get", "nope", "--json");
  expect(code).toBe(1);
  expect(JSON.parse(out)).toMatchObject({ ok: false, error: { type: "cli_error" } });
});

test.each([
  ["a plain text", ["agents.defaults.model", "anthropic/claude-x"], 'model: "anthropic/claude-x"'],
  [
    "an object",
    ["agents.defaults.model", "{primary: 'openai/x', fallbacks: ['demo/echo']}"],
    '"openai/x"',
  ],
  ["a number", ["gateway.port", "19002"], "port: 19002"],
  [
    "a text that looks like a number and a unit",
    ["agents.defaults.heartbeat.every", "30m"],
    '"30m"',
  ],
  ["JSON that must be JSON", ["gateway.port", "19003", "--strict-json"], "port: 19003"],
])("config set takes %s", async (_name, args, expected) => {
  await using h = await home(CONFIG, { T: TOKEN });
  expect(await h.run("set", ...args)).toMatchObject({
    code: 0,
    out: expect.stringContaining("Updated "),
  });
  const text = await h.text();
  expect(text).toContain(expected);
  expect(text).toContain("// mine");
  expect(text).toContain("token: '${T}'");
  expect(text).not.toContain(TOKEN);
});

test.each([
  [
    "what is not a setting",
    ["gateway.prot", "1"],
    'gateway.prot: is not a setting; did you mean "port"?',
  ],
  ["what does not fit", ["gateway.port", "many"], "gateway.port: must be a"],
  ["what is no JSON, when it must be", ["gateway.mode", "local", "--strict-json"], "is not JSON"],
  ["a path alone", ["gateway.port"], "name the value as well"],
  ["an argument too many", ["gateway.port", "1", "2"], '"2" is one argument too many'],
  ["a flag that nobody knows", ["gateway.port", "1", "--nope"], "--nope"],
])("config set refuses %s and writes nothing", async (_name, args, why) => {
  await using h = await home(CONFIG);
  const { code, err } = await h.run("set", ...args);
  expect([code, err]).toEqual([1, expect.stringContaining(why)]);
  expect(await h.text()).toBe(CONFIG);
});

test("config set --dry-run and --json tell the outcome", async () => {
  await using h = await home(CONFIG);
  const dry = await h.run("set", "gateway.port", "2", "--dry-run", "--json");
  expect(JSON.parse(dry.out)).toMatchObject({
    ok: true,
    dryRun: true,
    changed: true,
    changedPaths: ["gateway.port"],
  });
  expect(await h.text()).toBe(CONFIG);
  expect((await h.run("set", "gateway.port", "19001")).out).toBe("Nothing to change.");
});

test("config unset takes out one setting, and gateway.mode only when that is meant", async () => {
  await using h = await home(CONFIG);
  expect(await h.run("unset", "agents.defaults.model")).toMatchObject({ code: 0 });
  expect(await h.text()).not.toContain("demo/echo");
  expect(await h.run("unset", "agents.defaults.model")).toMatchObject({ code: 1 });
  expect((await h.run("unset", "gateway.mode")).err).toContain("would drop gateway.mode");
  expect(await h.run("unset", "gateway.mode", "--force")).toMatchObject({ code: 0 });
});

test("config patch merges a file", async () => {
  await using h = await home(CONFIG);
  const file = join(h.path, "patch.json5");
  await writeFile(
    file,
    "{ gateway: { port: null, bind: 'lan' }, logging: { level: 'debug' } } // x",
  );
  expect(await h.run("patch", "--file", file)).toMatchObject({ code: 0 });
  expect(await h.run("get", "gateway.bind")).toMatchObject({ out: "lan" });
  expect(await h.run("get", "gateway.port")).toMatchObject({ code: 0, out: "18789" });
  expect((await h.run("patch", "--file", join(h.path, "no"))).err).toContain("cannot be read");
  expect((await h.run("patch")).err).toContain("name one of --file FILE and --stdin");
});

test("config show prints everything in effect, and no secret", async () => {
  await using h = await home(CONFIG, { T: TOKEN });
  const { code, out } = await h.run("show");
  expect(code).toBe(0);
  expect(JSON.parse(out)).toMatchObject({
    gateway: { port: 19_001, bind: "loopback", auth: { token: "__OPENCLAW_REDACTED__" } },
  });
  expect(out).not.toContain(TOKEN);
});

test("config validate says what is wrong, for people and for programs", async () => {
  await using good = await home(CONFIG, { T: TOKEN });
  expect(await good.run("validate")).toEqual({ code: 0, out: `${good.file} is valid`, err: "" });
  await using bad = await home("{ gateway: { prot: 1 } }");
  const told = await bad.run("validate");
  expect([told.code, told.err]).toEqual([1, expect.stringContaining('did you mean "port"?')]);
  const { code, out } = await bad.run("validate", "--json");
  expect(code).toBe(1);
  expect(JSON.parse(out)).toMatchObject({ valid: false, issues: [{ path: "gateway.prot" }] });
});

test("config file and schema need no config", async () => {
  await using h = await home();
  expect(await h.run("file")).toMatchObject({ code: 0, out: h.file });
  expect(await h.run("file", "--json")).toMatchObject({ out: JSON.stringify({ path: h.file }) });
  const { properties } = JSON.parse((await h.run("schema")).out);
  expect(Object.keys(properties)).toEqual(
    expect.arrayContaining(["gateway", "agents", "$include", "env"]),
  );
  expect(JSON.parse((await h.run("schema", "gateway.port")).out)).toMatchObject({
    type: "integer",
  });
  expect(await h.run("schema", "gateway.prot")).toMatchObject({ code: 1 });
});

test.each([[[]], [["nope"]]])("config %j says what there is", async (args) => {
  await using h = await home();
  expect(await h.run(...args)).toMatchObject({
    code: 1,
    err: expect.stringContaining("config knows get"),
  });
});
