import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pino from "pino";
import { expect, test } from "vitest";
import { Secret } from "../../../shared/secret.ts";
import { openGateway } from "../../cli/client.ts";
import { configErrorText } from "../../config/issues/error.ts";
import { loadSettings } from "../../config/resolve.ts";
import { until } from "../../../test/support/until.ts";
import { startGateway } from "./start.ts";

const TOKEN = "a-gateway-token-of-some-length";

/** A gateway that follows its config, which takes its log level from another file. */
async function world() {
  const parts = new AsyncDisposableStack();
  const home = await mkdtemp(join(tmpdir(), "sallyport-changed-"));
  parts.defer(() => rm(home, { recursive: true, force: true }));
  const folder = join(home, ".openclaw");
  await mkdir(folder, { mode: 0o700 });
  const text = "{ gateway: { mode: 'local' }, logging: { $include: 'log.json5' } }";
  await writeFile(join(folder, "openclaw.json"), text);
  await writeFile(join(folder, "log.json5"), "{ level: 'info' } // calm");
  const env = { OPENCLAW_GATEWAY_TOKEN: TOKEN, OPENCLAW_GATEWAY_PORT: "0" };
  const load = () => loadSettings({ env, cwd: home, home, uid: process.getuid?.(), flags: {} });
  const loaded = await load();
  if (!loaded.ok) throw new Error(configErrorText(loaded.error));
  const log = pino({ level: "silent" });
  const gateway = parts.use(await startGateway(loaded.value, log, load));
  return {
    folder,
    log,
    /** What its own port tells whoever has the token. */
    async health() {
      const headers = { Authorization: `Bearer ${TOKEN}` };
      return Object(await (await fetch(`${gateway.url}/health`, { headers })).json());
    },
    /** A client, and what it was told. */
    async client(scopes?: readonly string[]) {
      const told: { readonly event: string; readonly payload: unknown }[] = [];
      const onEvent = (event: string, payload: unknown): void => void told.push({ event, payload });
      const target = { url: gateway.url, token: new Secret(TOKEN), timeoutMs: 10_000 };
      const line = await openGateway(target, { onEvent, ...(scopes && { scopes }) });
      if (line === undefined) throw new Error("nothing listens");
      parts.use(line);
      const changes = () => told.filter(({ event }) => event === "config.changed");
      return {
        call: (method: string, params: object = {}) => line.call(method, params),
        changes,
        /** Asks for something again and again, which is when it hears what happened. */
        async hear(count: number) {
          while (changes().length < count) await line.call("health", {});
        },
      };
    },
    [Symbol.asyncDispose]: () => parts.disposeAsync(),
  };
}

test("a write by a client is in effect when it is answered, and told once to those who may know", async () => {
  await using it = await world();
  const [writer, admin, reader] = [
    await it.client(),
    await it.client(),
    await it.client(["operator.read"]),
  ];
  const got = Object(await writer.call("config.get"));
  const done = Object(
    await writer.call("config.patch", {
      raw: "{ logging: { level: 'debug' } }",
      baseHash: got.hash,
    }),
  );
  expect(done).toMatchObject({ ok: true, changedPaths: ["logging.level"] });
  const now = Object(await writer.call("config.get"));
  expect([now.hash, now.appliedConfigHash]).toEqual([done.hash, done.hash]);
  expect(await readFile(join(it.folder, "log.json5"), "utf8")).toBe('{ level: "debug" } // calm');
  await admin.hear(1);
  await reader.call("health");
  const payload = {
    path: join(it.folder, "openclaw.json"),
    hash: done.hash,
    ts: expect.any(Number),
  };
  expect(admin.changes()).toEqual([{ event: "config.changed", payload }]);
  expect(reader.changes()).toEqual([]);
});

test("an included file that somebody edits is taken over, told, and kept as the last good one", async () => {
  await using it = await world();
  const admin = await it.client();
  await writeFile(join(it.folder, "log.json5"), "{ level: 'warn' }");
  await admin.hear(1);
  const now = Object(await admin.call("config.get"));
  expect(now.appliedConfigHash).toBe(now.hash);
  expect(now.runtimeConfig.logging.level).toBe("warn");
  const good = await readFile(join(it.folder, "openclaw.json.last-good"), "utf8");
  expect(good).toContain("$include");
});

test("a config that is refused is named wherever one asks, until it is right again", async () => {
  await using it = await world();
  const admin = await it.client();
  const file = join(it.folder, "openclaw.json");
  const before = await readFile(file, "utf8");
  const refused = async (): Promise<unknown> => Object(await admin.call("health")).configRefused;
  expect(await refused()).toBeUndefined();
  const model = "agents: { defaults: { model: 'custom/x' } }";
  const provider = "models: { providers: { custom: { apiKey: 'k-0123456789' } } }";
  await writeFile(file, `{ gateway: { mode: 'local' }, ${model}, ${provider} }`);
  await until(async () => (await refused()) !== undefined);
  const reason = expect.stringContaining("models.providers.custom.baseUrl: is needed");
  expect(await refused()).toEqual({ file, reason });
  expect(await admin.call("status")).toMatchObject({ configRefused: { file, reason } });
  expect(await it.health()).toMatchObject({ configRefused: { file, reason } });
  expect(await admin.call("config.get")).toMatchObject({
    valid: false,
    issues: [{ path: "models.providers.custom.baseUrl" }],
  });
  await writeFile(file, before);
  await until(async () => (await refused()) === undefined);
  expect(await it.health()).not.toHaveProperty("configRefused");
});

test("a client without the right may read, and may not write", async () => {
  await using it = await world();
  const reader = await it.client(["operator.read"]);
  expect(await reader.call("config.get")).toMatchObject({ valid: true });
  const refused = "missing scope: operator.admin";
  await expect(reader.call("config.patch", { raw: "{}", baseHash: "x" })).rejects.toThrow(refused);
  expect(await reader.call("config.schema")).toMatchObject({ schema: expect.anything() });
});
