import { mkdir, mkdtemp, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pino from "pino";
import { expect, test } from "vitest";
import { systemClock } from "../../channels/clock.ts";
import { loadSettings } from "../../config/resolve.ts";
import type { Settings } from "../../config/settings.ts";
import { prepare } from "./prepared.ts";

async function world() {
  const home = await mkdtemp(join(tmpdir(), "prepared-"));
  const stateDir = join(home, ".openclaw");
  await mkdir(stateDir, { mode: 0o700 });
  const lines: string[] = [];
  const log = pino({ base: null }, { write: (line: string) => void lines.push(line) });
  return {
    lines,
    parts: { clock: systemClock, random: Math.random, log },
    async settings(config: object): Promise<Settings> {
      await writeFile(join(stateDir, "openclaw.json"), JSON.stringify(config));
      const loaded = await loadSettings({ env: {}, cwd: home, home, uid: undefined, flags: {} });
      if (!loaded.ok) throw new Error(JSON.stringify(loaded.error));
      return loaded.value;
    },
    [Symbol.asyncDispose]: () => rm(home, { recursive: true, force: true }),
  };
}

const telegram = (token: string, over: object = {}): object => ({
  channels: { telegram: { botToken: `42:${token.repeat(26)}`, ...over } },
});

test("other settings are in effect at once: the model, the agents and the channels", async () => {
  await using it = await world();
  const prepared = await prepare(await it.settings({}), it.parts);
  const { model } = prepared;
  expect(model).toMatchObject({ id: "demo/echo", demo: true });
  expect(prepared.channels).toEqual([]);
  const stop = new AbortController();
  let told = 0;
  prepared.onChange(() => (told += 1), stop.signal);
  const fake = { baseUrl: "http://127.0.0.1:9/v1" };
  await prepared.apply(
    await it.settings({
      ...telegram("a"),
      models: { providers: { fake } },
      agents: { defaults: { model: "fake/x" }, list: [{ id: "ada" }] },
    }),
  );
  expect(model).toMatchObject({ id: "fake/x", demo: false });
  expect(prepared.directory.defaultId()).toBe("ada");
  expect(prepared.channels.map(({ id }) => id)).toEqual(["telegram"]);
  expect(prepared.bundle().routes).toMatchObject([{ name: "telegram" }]);
  stop.abort();
  await prepared.apply(await it.settings({}));
  expect(told).toBe(1);
});

test("every agent finds a folder of its own, and one that cannot be made stops nobody", async () => {
  await using it = await world();
  const agents = { list: [{ id: "main" }, { id: "b" }, { id: "c", workspace: "/proc/nowhere/c" }] };
  const prepared = await prepare(await it.settings({ agents }), it.parts);
  const folders = prepared.directory.list().map(({ workspace }) => workspace);
  const modes = folders.slice(0, 2).map(async (folder) => (await stat(folder)).mode & 0o777);
  expect(await Promise.all(modes)).toEqual([0o700, 0o700]);
  expect(it.lines.join("")).toContain("a workspace cannot be made");
});

test("a channel stays the same until its account is another one", async () => {
  await using it = await world();
  const prepared = await prepare(await it.settings(telegram("a")), it.parts);
  const [before] = prepared.channels;
  await prepared.apply(await it.settings(telegram("a", { dmPolicy: "open", allowFrom: ["*"] })));
  expect(prepared.channels[0]).toBe(before);
  await prepared.apply(await it.settings(telegram("b")));
  expect(prepared.channels[0]).not.toBe(before);
});

test.each([
  ["a model nobody provides", { agents: { defaults: { model: "acme/brain" } } }, "model_not_found"],
  [
    "a model nobody provides, of another agent",
    { agents: { list: [{ id: "main" }, { id: "b", model: "acme/brain" }] } },
    "model_not_found",
  ],
  ["a token that is none", { channels: { telegram: { botToken: "nonsense" } } }, "invalid_request"],
])("settings with %s change nothing", async (_name, config, code) => {
  await using it = await world();
  const running = await it.settings(telegram("a"));
  const prepared = await prepare(running, it.parts);
  const { channels } = prepared;
  const next = await it.settings(config);
  await expect(prepared.apply(next)).rejects.toMatchObject({ code });
  expect(prepared.settings()).toBe(running);
  expect(prepared.channels).toBe(channels);
});

test("a model without a key keeps no gateway from starting: its owner is told", async () => {
  await using it = await world();
  const config = { agents: { defaults: { model: "anthropic/claude-opus-4-20250514" } } };
  const prepared = await prepare(await it.settings(config), it.parts);
  expect(prepared.model.id).toBe("anthropic/claude-opus-4-20250514");
  expect(it.lines.join("")).toContain("a model cannot answer until it has a key");
});
