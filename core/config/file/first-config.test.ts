import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { configErrorText } from "../issues/error.ts";
import { loadSettings } from "../resolve.ts";

const LONG_TOKEN = "0123456789abcdef0123456789abcdef";

async function home() {
  const dir = await mkdtemp(join(tmpdir(), "sallyport-home-"));
  const env = { OPENCLAW_STATE_DIR: dir };
  return {
    async load() {
      const settings = await loadSettings({ env, cwd: dir, home: dir, flags: {}, uid: undefined });
      if (!settings.ok) throw new Error(configErrorText(settings.error));
      return settings.value;
    },
    write: (config: string) => writeFile(join(dir, "openclaw.json"), config),
    [Symbol.asyncDispose]: () => rm(dir, { recursive: true, force: true }),
  };
}

const OFF = "webhooks to /hooks/agent and /hooks/wake are off since there is a config file";

test.each([
  ["says nothing of them", "{}", OFF],
  ["says other things of them", "{ hooks: { path: '/in' } }", "webhooks to /in/agent and /in/wake"],
  ["has mappings for them", "{ hooks: { mappings: [{}] } }", "hooks.mappings are off"],
])("a first config that %s ends webhooks, and that is told", async (_name, config, warning) => {
  await using h = await home();
  const { hooks } = await h.load();
  const token = hooks?.token.secret.reveal() ?? "";
  await h.write(config);
  const settings = await h.load();
  expect(settings.hooks).toBeUndefined();
  expect(settings.warnings).toEqual([expect.stringContaining(warning)]);
  expect(settings.warnings[0]).toContain("set hooks.enabled and hooks.token");
  expect(settings.warnings[0]).not.toContain(token);
});

test.each([
  ["were never on", false, "{}"],
  ["are off by choice", true, "{ hooks: { enabled: false } }"],
  ["are on", true, `{ hooks: { enabled: true, token: '${LONG_TOKEN}' } }`],
])("of webhooks that %s nothing is told", async (_name, wasStarted, config) => {
  await using h = await home();
  if (wasStarted) await h.load();
  await h.write(config);
  expect((await h.load()).warnings).toEqual([]);
});
