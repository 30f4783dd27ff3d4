import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { createCommandHome } from "../../test/support/command-home.ts";
import { startGatewayProcess } from "../../test/support/gateway-process.ts";
import { channels } from "./channels.ts";
import type { Command } from "./command.ts";
import { models } from "./models.ts";

const TOKEN = "a-gateway-token-of-some-length";
const BOT = "123:ABCDEFGHIJKLMNOPQRSTUVWXYZ";
const COMMANDS: Readonly<Record<string, Command>> = { channels, models };

/** A gateway, and another machine that is its client; or one that nothing is set up on. */
async function world(env: Record<string, string> = {}, more: object = {}) {
  const stateDir = await mkdtemp(join(tmpdir(), "there-"));
  onTestFinished(() => rm(stateDir, { recursive: true, force: true }));
  const there = join(stateDir, "openclaw.json");
  const fake = { baseUrl: "http://127.0.0.1:9/v1", apiKey: "sk-1234567", models: [] };
  const config = {
    models: { providers: { fake } },
    agents: { defaults: { model: "fake/x" } },
    ...more,
    gateway: { auth: { token: TOKEN } },
  };
  await writeFile(there, JSON.stringify(config), { mode: 0o600 });
  const gateway = await startGatewayProcess({ OPENCLAW_STATE_DIR: stateDir, ...env });
  onTestFinished(() => gateway[Symbol.asyncDispose]());
  const here = await createCommandHome();
  onTestFinished(() => here[Symbol.asyncDispose]());
  const run = (line: string) => {
    const [name = "", ...args] = line.split(" ");
    const command = COMMANDS[name];
    if (command === undefined) throw new Error(`no command ${name}`);
    return here.run(command, args);
  };
  return {
    gateway,
    here,
    run,
    flags: `--url ${gateway.url} --token ${TOKEN}`,
    read: () => readFile(there, "utf8"),
    async becomeClient() {
      await mkdir(here.stateDir, { mode: 0o700 });
      const remote = { url: gateway.url.replace("http", "ws"), token: TOKEN };
      const mine = { gateway: { mode: "remote", remote } };
      await writeFile(join(here.stateDir, "openclaw.json"), JSON.stringify(mine));
    },
  };
}

test("the models of a gateway elsewhere are shown and changed, and nothing is made here", async () => {
  const it = await world();
  const status = await it.run(`models status ${it.flags}`);
  expect(status).toEqual({ code: 0, out: "model: fake/x\nfake: key from config", err: "" });
  expect(await it.run(`models aliases add quick fake/small ${it.flags}`)).toMatchObject({
    code: 0,
  });
  expect((await it.run(`models aliases list ${it.flags}`)).out).toBe("quick: fake/small");
  await it.run(`models fallbacks add quick ${it.flags}`);
  await it.run(`models fallbacks add fake/y ${it.flags}`);
  await it.run(`models fallbacks remove quick ${it.flags}`);
  expect((await it.run(`models fallbacks list ${it.flags}`)).out).toBe("fake/y");
  expect(await it.run(`models set acme/brain ${it.flags}`)).toMatchObject({ code: 1 });
  expect(JSON.parse(await it.read())).toMatchObject({
    agents: { defaults: { model: { primary: "fake/x", fallbacks: ["fake/y"] } } },
  });
  expect(await readdir(it.here.path)).toEqual([]);
});

test("a key that a gateway elsewhere has from a variable is one", async () => {
  const it = await world({ ANTHROPIC_API_KEY: "sk-ant-1234567890" });
  const done = await it.run(`models set anthropic/claude-opus-4-20250514 ${it.flags}`);
  expect(done).toMatchObject({ code: 0, err: "" });
  expect((await it.run(`models status ${it.flags}`)).out).toContain("anthropic: key from env");
});

test("the client of a gateway elsewhere sets up that one", async () => {
  const apiRoot = "http://127.0.0.1:9";
  const it = await world({}, { channels: { telegram: { enabled: false, apiRoot } } });
  await it.becomeClient();
  const mine = await it.here.read("openclaw.json");
  expect((await it.run("models status")).out).toContain("model: fake/x");
  expect((await it.run("channels list")).out).toBe("telegram (Telegram): off");
  expect(await it.run("models set fake/z")).toMatchObject({ code: 0 });
  expect((await it.run("models status")).out).toContain("model: fake/z");
  expect(await it.run(`channels add --channel telegram --token ${BOT}`)).toMatchObject({ code: 0 });
  expect((await it.run("channels list")).out).toBe("telegram (Telegram): on");
  await it.run("channels remove telegram");
  expect((await it.run("channels list")).out).toBe("telegram (Telegram): off");
  expect(JSON.parse(await it.read())).toMatchObject({
    channels: { telegram: { enabled: false } },
    agents: { defaults: { model: { primary: "fake/z" } } },
  });
  expect(await it.here.read("openclaw.json")).toBe(mine);
  expect(await readdir(it.here.stateDir)).toEqual(["openclaw.json"]);
});

test("a gateway elsewhere that is away is not answered for from the files of this machine", async () => {
  const here = await createCommandHome();
  onTestFinished(() => here[Symbol.asyncDispose]());
  for (const command of [models, channels]) {
    const told = await here.run(command, ["list", "--url", "http://127.0.0.1:1", "--token", "x"]);
    expect(told).toMatchObject({ code: 1, out: "", err: expect.stringContaining("no gateway at") });
  }
  expect(await readdir(here.path)).toEqual([]);
});
