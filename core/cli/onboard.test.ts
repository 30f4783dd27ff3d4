import { mkdir, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parseEnv } from "node:util";
import { expect, onTestFinished, test } from "vitest";
import { type CommandHome, createCommandHome, typed } from "../../test/support/command-home.ts";
import { startFakeOpenAi } from "../../test/support/fake-openai.ts";
import { separated } from "../config/secrets/separate.ts";
import { configure } from "./configure.ts";
import { onboard } from "./onboard.ts";

const KEY = "sk-fake-0123456789abcdef";
const BOT = "42:abcdefghijklmnopqrstuvwxyz";

async function home(env: Record<string, string> = {}): Promise<CommandHome> {
  // Where this machine has a service manager, it is left alone.
  const made = await createCommandHome({ XDG_RUNTIME_DIR: "/nowhere", ...env });
  onTestFinished(() => made[Symbol.asyncDispose]());
  return made;
}

async function provider() {
  const fake = await startFakeOpenAi({ apiKey: KEY });
  onTestFinished(() => fake[Symbol.asyncDispose]());
  const url = ["--custom-base-url", fake.baseUrl, "--custom-model-id", "gpt-x"];
  return { fake, args: ["--non-interactive", "--accept-risk", ...url] };
}

test("flags alone set up a gateway: the key is tried, and put where keys belong", async () => {
  const it = await home();
  const { fake, args } = await provider();
  const more = ["--custom-api-key", KEY, "--gateway-port", "19777", "--workspace", "/srv/agent"];
  const run = await it.run(onboard, [...args, ...more, "--json"]);
  expect(run).toMatchObject({ code: 0, err: "" });
  expect(JSON.parse(run.out)).toMatchObject({
    ok: true,
    mode: "local",
    workspace: "/srv/agent",
    model: "custom/gpt-x",
    keyCheck: { status: "ok" },
    gateway: { port: 19_777, bind: "loopback", tokenSource: "file" },
    daemon: { installed: false, reason: "not_asked" },
    written: { variables: ["CUSTOM_API_KEY"] },
  });
  expect(fake.requestCount).toBe(1);
  expect(JSON.parse(await it.read("openclaw.json"))).toEqual({
    gateway: { mode: "local", port: 19_777 },
    agents: { defaults: { workspace: "/srv/agent", model: { primary: "custom/gpt-x" } } },
    models: {
      providers: {
        custom: { apiKey: "${CUSTOM_API_KEY}", baseUrl: fake.baseUrl, api: "openai-completions" },
      },
    },
  });
  expect(parseEnv(await it.read(".env"))).toEqual({ CUSTOM_API_KEY: KEY });
  expect((await stat(join(it.stateDir, ".env"))).mode & 0o777).toBe(0o600);
  expect(run.out).not.toContain(KEY);
});

test("a key that the provider refuses is not written, nor anything else", async () => {
  const it = await home();
  const { args } = await provider();
  const run = await it.run(onboard, [...args, "--custom-api-key", "sk-wrong-key", "--json"]);
  expect(run.code).not.toBe(0);
  expect(JSON.parse(run.out)).toMatchObject({ ok: false });
  expect(run.out).toContain("refuses that key");
  expect([await it.read("openclaw.json"), await it.read(".env")]).toEqual(["", ""]);
});

test("a key in a variable is used and stays there", async () => {
  const it = await home({ MY_KEY: KEY });
  const { fake, args } = await provider();
  const run = await it.run(onboard, [...args, "--api-key-env", "MY_KEY"]);
  expect(run.code).toBe(0);
  expect(fake.requestCount).toBe(1);
  expect(await it.read("openclaw.json")).toContain('"${MY_KEY}"');
  expect(await it.read(".env")).toBe("");
});

test("a variable that is not set is named, and nothing is written or asked", async () => {
  const it = await home();
  const { fake, args } = await provider();
  const run = await it.run(onboard, [...args, "--api-key-env", "MY_KEY"]);
  expect(run.code).not.toBe(0);
  expect(run.err).toContain("MY_KEY is not set");
  expect(fake.requestCount).toBe(0);
  expect(await it.read("openclaw.json")).toBe("");
});

test("a token that works is not made anew, however often it is repeated", async () => {
  const it = await home();
  const { args } = await provider();
  await it.run(onboard, [...args, "--custom-api-key", KEY]);
  const token = await it.read("credentials/gateway-token");
  expect(token).not.toBe("");
  const again = await it.run(onboard, [...args, "--custom-api-key", KEY]);
  expect(again.out).toContain("is like that already");
  expect(await it.read("credentials/gateway-token")).toBe(token);

  await it.run(onboard, [
    ...args,
    "--skip-health",
    "--gateway-token",
    "a-token-of-my-own-0123456789",
  ]);
  const config = await it.read("openclaw.json");
  expect(config).toContain('"${OPENCLAW_GATEWAY_TOKEN}"');
  await it.run(onboard, [...args, "--skip-health"]);
  expect(await it.read("openclaw.json")).toBe(config);
  expect(parseEnv(await it.read(".env"))["OPENCLAW_GATEWAY_TOKEN"]).toBe(
    "a-token-of-my-own-0123456789",
  );
});

test.each([
  ["nobody has accepted the risk", ["--non-interactive"], "--accept-risk"],
  [
    "a key is missing",
    ["--non-interactive", "--accept-risk", "--provider", "anthropic"],
    "--api-key-env",
  ],
  ["a sign-in is asked for", ["--auth-choice", "setup-token"], "by keys alone"],
  [
    "the model is of another provider",
    ["--openai-api-key", "k1234567", "--model", "anthropic/x"],
    "--model",
  ],
  ["a model is nobody's", ["--auth-choice", "ollama"], "which model"],
  ["the address of the gateway is missing", ["--mode", "remote"], "--remote-url"],
  ["a channel has no token", ["--channel", "telegram"], "--channel-token"],
  ["a channel is not there", ["--channel", "irc", "--channel-token", "x"], "--channel"],
  ["a port is none", ["--gateway-port", "99999"], "--gateway-port"],
  ["a provider is nobody's", ["--provider", "nope"], 'unknown provider "nope"'],
  ["a model is of nobody", ["--model", "nope/x"], 'unknown provider "nope"'],
  [
    "a provider has a key and no address",
    "--non-interactive --accept-risk --skip-health --provider nope --api-key k1 --model nope/x".split(
      " ",
    ),
    'unknown provider "nope"',
  ],
  ["a flag is nobody's", ["--prot", "1"], "--prot"],
])("when %s, that is said and nothing is written", async (_name, args, word) => {
  const it = await home();
  const run = await it.run(onboard, args);
  expect(run.code).toBe(1);
  expect(run.err).toContain(word);
  expect(await it.read("openclaw.json")).toBe("");
});

test("a config that would be refused leaves no secret behind", async () => {
  const it = await home();
  const { args } = await provider();
  const run = await it.run(onboard, [...args, "--custom-api-key", KEY, "--gateway-bind", "moon"]);
  expect(run).toMatchObject({ code: 1, err: expect.stringContaining("gateway.bind") });
  expect([await it.read("openclaw.json"), await it.read(".env")]).toEqual(["", ""]);
});

test("a service is asked for, and the answer is what there is", async () => {
  const it = await home();
  const { args } = await provider();
  const run = await it.run(onboard, [
    ...args,
    "--custom-api-key",
    KEY,
    "--install-daemon",
    "--json",
  ]);
  expect(JSON.parse(run.out)).toMatchObject({
    daemon: { installed: false, reason: "not_available" },
  });
});

test("a client of a gateway elsewhere gets its address, and its token into .env", async () => {
  const it = await home();
  const flags = [
    "--mode",
    "remote",
    "--remote-url",
    "wss://gw.example",
    "--remote-token",
    "t-0123456789",
  ];
  const run = await it.run(onboard, ["--non-interactive", "--accept-risk", ...flags]);
  expect(run.code).toBe(0);
  expect(JSON.parse(await it.read("openclaw.json"))).toEqual({
    gateway: {
      mode: "remote",
      remote: { url: "wss://gw.example", token: "${SALLYPORT_REMOTE_TOKEN}" },
    },
  });
});

test("the questions are answered line by line, and nothing is written before the last yes", async () => {
  const it = await home();
  const answers = ["y", "local", "5", "1", "https://edge.example", "", "n"];
  const first = await it.run(onboard, [], { input: typed(...answers) });
  expect(first.code).toBe(0);
  expect(await it.read("openclaw.json")).toBe("");
  const second = await it.run(onboard, [], { input: typed(...answers.slice(0, -1), "yes") });
  expect(second.out).toContain("sallyport gateway");
  expect(JSON.parse(await it.read("openclaw.json"))).toEqual({
    gateway: { mode: "local" },
    sallyport: { edge: { url: "https://edge.example" } },
  });
});

test("whoever goes away in the middle has changed nothing", async () => {
  const it = await home();
  const run = await it.run(onboard, [], { input: typed("y", "local") });
  expect(run).toMatchObject({ code: 1, err: expect.stringContaining("called off") });
  expect(await it.read("openclaw.json")).toBe("");
  const nobody = await it.run(onboard, []);
  expect(nobody.err).toContain("--non-interactive");
});

test("with --json the questions are on stderr, and stdout has one document", async () => {
  const it = await home();
  const run = await it.run(onboard, ["--json"], { input: typed("n") });
  expect(run).toMatchObject({ code: 1, err: expect.stringContaining("Go on?") });
  expect(JSON.parse(run.out)).toMatchObject({ ok: false, error: { message: "it was called off" } });
  const remote = [
    "--json",
    "--accept-risk",
    "--mode",
    "remote",
    "--remote-url",
    "https://x.example",
  ];
  const done = await it.run(onboard, [...remote, "--remote-token", "t0ken-t0ken-t0ken-t0ken"], {
    input: typed(""),
  });
  expect(done).toMatchObject({ code: 0, out: '{"ok":true}' });
});

test("one part is set up anew, and the others stay with their comments", async () => {
  const it = await home();
  await mkdir(it.stateDir, { mode: 0o700 });
  const before = `{ // mine\n  gateway: { port: 19001 },\n  channels: { telegram: { botToken: "\${B}" } },\n}\n`;
  await writeFile(join(it.stateDir, "openclaw.json"), before);
  const run = await it.run(configure, ["--section", "gateway"], { input: typed("19002", "") });
  expect(run.code).toBe(0);
  const after = await it.read("openclaw.json");
  expect(after).toContain("// mine");
  expect(after).toContain("port: 19002");
  expect(after).toContain('"${B}"');
  const unknown = await it.run(configure, ["--section", "moon"]);
  expect(unknown.err).toContain("model, channels, edge");
});

test("a part that is set up for a program is told to it on stdout alone", async () => {
  const it = await home();
  const how = { input: typed("19002", "") };
  const run = await it.run(configure, ["--section", "gateway", "--json"], how);
  expect(run.code).toBe(0);
  expect(JSON.parse(run.out)).toMatchObject({
    ok: true,
    sections: ["gateway"],
    written: [{ changed: true, variables: [] }],
  });
  expect(run.err).toContain("ort");
});

test("secrets of a change are taken out of it, references and all else stay", () => {
  const change = {
    channels: { telegram: { enabled: true, botToken: BOT } },
    gateway: { auth: { token: "${MINE}" }, port: 1 },
    models: { providers: { google: { apiKey: KEY, baseUrl: "http://x" } } },
  };
  const { config, variables } = separated(change);
  expect(config).toEqual({
    channels: { telegram: { enabled: true, botToken: "${TELEGRAM_BOT_TOKEN}" } },
    gateway: { auth: { token: "${MINE}" }, port: 1 },
    models: { providers: { google: { apiKey: "${GEMINI_API_KEY}", baseUrl: "http://x" } } },
  });
  expect([...variables].map(([name, value]) => [name, value.reveal()])).toEqual([
    ["TELEGRAM_BOT_TOKEN", BOT],
    ["GEMINI_API_KEY", KEY],
  ]);
});
