import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { callerOf } from "../../../test/support/tool-callers.ts";
import { loadSettings } from "../../config/resolve.ts";
import { gatewayTool } from "./gateway-tool.ts";

test("the config is read with its secrets covered, and nothing that is not in it", async () => {
  const home = await mkdtemp(join(tmpdir(), "gateway-tool-"));
  try {
    const path = join(home, "openclaw.json");
    const apiKey = "sk-very-secret";
    const models = { providers: { fake: { baseUrl: "http://127.0.0.1:9/v1", apiKey } } };
    const skills = { entries: { a: { apiKey, env: { X: apiKey } } } };
    await writeFile(path, JSON.stringify({ models, skills, gateway: { auth: { token: apiKey } } }));
    const env = { OPENCLAW_CONFIG_PATH: path, OPENCLAW_STATE_DIR: home };
    const loaded = await loadSettings({ env, cwd: home, home, uid: undefined, flags: {} });
    if (!loaded.ok) throw new Error(JSON.stringify(loaded.error));
    const call = callerOf(gatewayTool({ settings: () => loaded.value }));
    const all = await call({ action: "config.get" });
    expect(all).toContain("http://127.0.0.1:9/v1");
    expect(all).not.toContain("very-secret");
    const part = JSON.parse(await call({ action: "config.get", path: "models.providers.fake" }));
    expect(part.config).toMatchObject({ baseUrl: "http://127.0.0.1:9/v1" });
    for (const nowhere of ["nobody", "models.constructor", "__proto__", ""]) {
      expect(await call({ action: "config.get", path: nowhere })).toMatch(/^Nothing is set/);
    }
    for (const input of [{}, { action: "config.patch", raw: "{}" }, { action: "restart" }]) {
      expect(await call(input)).toMatch(/^Bad input/);
    }
  } finally {
    await rm(home, { recursive: true, force: true });
  }
});
