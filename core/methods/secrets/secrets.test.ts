import { chmod, mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as schemas from "@openclaw/gateway-protocol/schema";
import { Check } from "typebox/value";
import { expect, test } from "vitest";
import { callGateway } from "../../cli/client.ts";
import { configErrorText } from "../../config/issues/error.ts";
import { loadSettings } from "../../config/resolve.ts";
import { SecretMemory } from "../../config/secrets/resolve.ts";
import { startGateway } from "../../gateway/lifecycle/start.ts";
import { createLog } from "../../log.ts";

const KEY = "sk-fake-0123456789abcdef";
const REFERENCE = { source: "store", provider: "default", id: "OPENAI_API_KEY" };

/** A gateway whose config refers to the store. */
async function world(config: object = {}) {
  await using guard = new AsyncDisposableStack();
  const dir = await mkdtemp(join(tmpdir(), "secrets-"));
  guard.defer(() => rm(dir, { recursive: true, force: true }));
  const gateway = { mode: "local", port: 0, reload: { debounceMs: 10 } };
  const models = { providers: { openai: { apiKey: REFERENCE } } };
  const file = join(dir, "openclaw.json");
  await writeFile(file, JSON.stringify({ gateway, models, ...config }));
  const memory = new SecretMemory();
  const load = () =>
    loadSettings({
      env: { OPENCLAW_STATE_DIR: dir },
      cwd: dir,
      home: dir,
      flags: {},
      uid: process.getuid?.(),
      memory,
    });
  const first = await load();
  if (!first.ok) throw new Error(configErrorText(first.error));
  const lines: string[] = [];
  const log = createLog("info", { write: (line) => void lines.push(line) });
  const running = guard.use(await startGateway(first.value, log, load));
  const { secret: token } = first.value.gateway.token;
  const stack = guard.move();
  return {
    dir,
    file,
    lines,
    stored: join(dir, "credentials", "secrets.json"),
    async call(method: string, params: object = {}): Promise<unknown> {
      const target = { url: running.url, token, timeoutMs: 10_000 };
      return (await callGateway(target, method, params))?.payload;
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

test("a secret that is stored counts when the answer is there, and is told nobody again", async () => {
  await using it = await world();
  expect(await it.call("secrets.reload")).toEqual({ ok: true, warningCount: 1 });
  expect(await it.call("models.authStatus")).not.toMatchObject({ providers: [{ status: "ok" }] });

  const entry = { name: "OPENAI_API_KEY", value: KEY, kind: "secret" };
  const set = await it.call("secrets.store.set", entry);
  expect(set).toEqual({ ok: true, reloaded: true, warningCount: 0 });
  expect(Check(schemas.SecretsStoreMutationResultSchema, set)).toBe(true);
  expect((await stat(it.stored)).mode & 0o777).toBe(0o600);
  expect(await readFile(it.stored, "utf8")).toContain(KEY);

  const answers = [
    await it.call("secrets.store.list"),
    await it.call("config.get"),
    await it.call("secrets.resolve", {
      commandName: "models",
      targetIds: ["models.providers.*.apiKey"],
    }),
    await it.call("models.authStatus"),
  ];
  expect(Check(schemas.SecretsStoreListResultSchema, answers[0])).toBe(true);
  expect(answers[0]).toMatchObject({ entries: [{ name: "OPENAI_API_KEY", kind: "secret" }] });
  expect(Check(schemas.SecretsResolveResultSchema, answers[2])).toBe(true);
  expect(answers[2]).toMatchObject({
    assignments: [],
    diagnostics: [
      "models.providers.openai.apiKey: resolved in the gateway, which gives no secret out",
    ],
  });
  expect(JSON.stringify(answers)).not.toContain(KEY);
  expect(it.lines.join()).not.toContain(KEY);

  expect(await it.call("secrets.store.delete", { name: "OPENAI_API_KEY" })).toEqual({
    ok: true,
    reloaded: true,
    warningCount: 1,
  });
});

test("what nothing refers to changes nothing, and may be read when it is no secret", async () => {
  await using it = await world();
  const entry = { name: "LOG_NAME", value: "debug", kind: "env" };
  expect(await it.call("secrets.store.set", entry)).toEqual({ ok: true, reloaded: false });
  expect(await it.call("secrets.store.list")).toMatchObject({
    entries: [{ name: "LOG_NAME", kind: "env", value: "debug", updatedBy: expect.any(String) }],
  });
});

test.each([
  ["a name in lower case", { name: "openai", value: "x", kind: "secret" }, "is no name"],
  ["an empty secret", { name: "A_KEY", value: "", kind: "secret" }, "must not be empty"],
  [
    "the mark of a hidden one",
    { name: "A_KEY", value: "__OPENCLAW_REDACTED__", kind: "secret" },
    "the mark of a secret",
  ],
  ["too much", { name: "A_KEY", value: "x".repeat(65_537), kind: "secret" }, "more than 65536"],
  [
    "hosts of a proxy there is not",
    { name: "A_KEY", value: "x", kind: "secret", allowedHosts: ["a.example"] },
    "egress proxy",
  ],
])("%s is not stored", async (_name, params, why) => {
  await using it = await world();
  await expect(it.call("secrets.store.set", params)).rejects.toThrow(why);
  expect(await it.call("secrets.store.list")).toEqual({ entries: [] });
});

test("a store that others can read is used by nobody", async () => {
  await using it = await world();
  await it.call("secrets.store.set", { name: "A_KEY", value: KEY, kind: "secret" });
  await chmod(it.stored, 0o644);
  await expect(it.call("secrets.store.list")).rejects.toThrow("run chmod 600");
  expect(await it.call("secrets.reload")).toEqual({ ok: true, warningCount: 1 });
});

test("a reload of a config that is broken says so, and changes nothing", async () => {
  await using it = await world();
  await writeFile(it.file, "{ gateway: { mode: 'local', port: 'x' } }");
  await expect(it.call("secrets.reload")).rejects.toThrow("secrets.reload failed: gateway.port");
});

test("a gateway that does not follow its files does not say that it did", async () => {
  await using it = await world({ gateway: { mode: "local", port: 0, reload: { mode: "off" } } });
  await expect(it.call("secrets.reload")).rejects.toThrow("gateway.reload.mode is off");
});
