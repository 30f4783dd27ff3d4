import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  validateConfigApplyParams,
  validateConfigPatchParams,
  validateConfigSchemaLookupResult,
  validateConfigSetParams,
} from "@openclaw/gateway-protocol";
import { ConfigSchemaResponseSchema } from "@openclaw/gateway-protocol/schema";
import { expect, test } from "vitest";
import * as z from "zod";
import { GatewayError } from "../../../shared/errors.ts";
import { beginsAnew, reloadKind } from "../../gateway/lifecycle/reload-kind.ts";
import { loadSettings } from "../../config/resolve.ts";
import type { Settings } from "../../config/settings.ts";
import { commandLineContext } from "../command-line.ts";
import { type CallContext, MethodError } from "../method.ts";
import { CONFIG_CHANGED, type RestartFacts } from "../system/restart.ts";
import { configMethods } from "./lazy.ts";

const TOKEN = "s3cret-s3cret-s3cret-s3cret";
const Answer = z.looseObject({
  ok: z.boolean().optional(),
  noop: z.boolean().optional(),
  hash: z.string().optional(),
  changedPaths: z.array(z.string()).optional(),
});

/** The methods over a real file, of a gateway that takes over what is written at once. */
async function world(config: string) {
  const home = await mkdtemp(join(tmpdir(), "sallyport-rpc-"));
  await mkdir(join(home, ".openclaw"), { mode: 0o700 });
  const file = join(home, ".openclaw", "openclaw.json");
  await writeFile(file, config);
  const load = async (): Promise<Settings> => {
    const loaded = await loadSettings({ env: {}, cwd: home, home, flags: {}, uid: undefined });
    if (!loaded.ok) throw new Error(JSON.stringify(loaded.error));
    return loaded.value;
  };
  let settings = await load();
  let now = 1_000_000;
  const told: string[] = [];
  let reloads = 0;
  let pending: RestartFacts | undefined;
  const methods = new Map(
    configMethods({
      settings: () => settings,
      reload: async () => {
        reloads += 1;
        settings = await load();
      },
      reloadKind,
      beginsAnew,
      announce: (hash) => told.push(hash),
      pendingRestart: () => pending,
      version: "0.1.0",
      now: () => now,
    }),
  );
  const context = commandLineContext(new AbortController().signal);
  return {
    file,
    told,
    reloads: () => reloads,
    pass: (ms: number) => (now += ms),
    pend(reason: string) {
      const phase = "deferred";
      pending = { reasons: [reason], since: now, deadline: undefined, phase, waitsFor: "a turn" };
    },
    text: () => readFile(file, "utf8"),
    call: async (name: string, params: unknown, from: CallContext = context) =>
      Answer.parse(await methods.get(name)?.call(params, from)),
    refusal: async (name: string, params: unknown): Promise<unknown> => {
      try {
        await methods.get(name)?.call(params, context);
        return "accepted";
      } catch (error) {
        if (error instanceof MethodError) return `${error.code} ${error.message}`;
        if (error instanceof GatewayError) return `${error.code} ${error.message}`;
        if (error instanceof z.ZodError) return "bad params";
        throw error;
      }
    },
    [Symbol.asyncDispose]: () => rm(home, { recursive: true, force: true }),
  };
}

const CONFIG = `{ // mine
  gateway: { mode: 'local', auth: { token: '${TOKEN}' } },
}`;

test("config.get shows all there is but secrets, as clients of the contract read it", async () => {
  await using w = await world(CONFIG);
  const got = await w.call("config.get", {});
  expect(got).toMatchObject({
    path: w.file,
    exists: true,
    valid: true,
    issues: [],
    raw: null,
    parsed: { gateway: { mode: "local", auth: { token: "__OPENCLAW_REDACTED__" } } },
    runtimeConfig: { gateway: { port: 18_789 } },
  });
  const keys = [
    "sourceConfig",
    "resolved",
    "config",
    "hash",
    "configRevisionHash",
    "appliedConfigHash",
  ];
  expect(Object.keys(got)).toEqual(expect.arrayContaining(keys));
  expect(JSON.stringify(got)).not.toContain(TOKEN);
  expect(await w.refusal("config.get", { bad: 1 })).toBe("bad params");
});

test.each([
  ["gateway.port", '{"gateway":{"port":4321}}', { restart: { phase: "scheduled" } }],
  ["logging.file, which only a new process opens", '{"logging":{"file":"/tmp/x.log"}}', {}],
  ["logging.level", '{"logging":{"level":"warn"}}', {}],
  ["a section anew of which all is live", '{"sallyport":{"limits":{"drainTimeoutMs":9000}}}', {}],
  ["hooks.path", '{"hooks":{"path":"/in"}}', { restart: { phase: "scheduled" } }],
])("whoever changes %s is told of a restart where there will be one", async (_name, raw, told) => {
  await using w = await world(CONFIG);
  const { hash: baseHash } = await w.call("config.get", {});
  const { restart } = await w.call("config.patch", { raw, baseHash });
  expect(restart === undefined ? {} : { restart }).toEqual(told);
});

test("a config that waits for a restart is not said to run", async () => {
  await using w = await world(CONFIG);
  w.pend("somebody wants one");
  const { hash } = await w.call("config.get", {});
  expect(await w.call("config.get", {})).toMatchObject({ appliedConfigHash: hash });
  w.pend(CONFIG_CHANGED);
  expect(await w.call("config.get", {})).not.toHaveProperty("appliedConfigHash");
});

test("a patch is merged, taken over and told", async () => {
  await using w = await world(CONFIG);
  const { hash } = await w.call("config.get", {});
  const params = { raw: "{ logging: { level: 'debug' } }", baseHash: hash };
  expect(validateConfigPatchParams(params)).toBe(true);
  const done = await w.call("config.patch", params);
  expect(done).toMatchObject({ ok: true, changedPaths: ["logging"] });
  expect(JSON.stringify(done)).not.toContain(TOKEN);
  expect(await w.text()).toContain("// mine");
  expect(w.told).toEqual([done.hash]);
  const now = await w.call("config.get", {});
  expect(now).toMatchObject({ hash: done.hash, appliedConfigHash: done.hash });
  const again = await w.call("config.patch", { ...params, baseHash: done.hash });
  expect(again).toMatchObject({ ok: true, noop: true, changedPaths: [] });
  expect(w.told).toHaveLength(1);
});

test("a whole config is set, with what was not shown put back", async () => {
  await using w = await world(CONFIG);
  const { hash, config } = await w.call("config.get", {});
  const raw = JSON.stringify({ ...Object(config), logging: { level: "warn" } });
  for (const [name, isValid] of [
    ["config.set", validateConfigSetParams],
    ["config.apply", validateConfigApplyParams],
  ] as const) {
    const { hash: base } = await w.call("config.get", {});
    const params = { raw, baseHash: base };
    expect(isValid(params)).toBe(true);
    expect(await w.call(name, params)).toMatchObject({ ok: true });
  }
  expect(await w.text()).toContain(TOKEN);
  expect(await w.refusal("config.set", { raw, baseHash: hash })).toBe(
    "INVALID_REQUEST config changed since last load; re-run config.get and retry",
  );
});

test.each([
  ["config.set", { raw: "{}" }, /^INVALID_REQUEST config base hash required/],
  ["config.patch", { raw: "{}" }, /^INVALID_REQUEST config base hash required/],
  [
    "config.apply",
    { raw: "{}", baseHash: "old" },
    /^INVALID_REQUEST config changed since last load/,
  ],
  ["config.patch", { raw: "{", baseHash: "old" }, /^INVALID_REQUEST raw:1:2: not JSON5/],
  ["config.set", { raw: "", baseHash: "x" }, /^bad params$/],
  ["config.set", { raw: "{}", note: "no" }, /^bad params$/],
  ["config.patch", { raw: "{}", replacePaths: ["__proto__"] }, /no setting is called __proto__/],
])("%s with %j is refused", async (name, params, why) => {
  await using w = await world(CONFIG);
  expect(await w.refusal(name, params)).toMatch(why);
  expect(await w.text()).toBe(CONFIG);
});

test("what is invalid is said with path and remedy, and not written", async () => {
  await using w = await world(CONFIG);
  const { hash: baseHash } = await w.call("config.get", {});
  expect(await w.refusal("config.patch", { raw: "{ gateway: { prot: 1 } }", baseHash })).toBe(
    'INVALID_REQUEST invalid config: gateway.prot: is not a setting; did you mean "port"?',
  );
  expect(await w.refusal("config.apply", { raw: "{}", baseHash })).toContain(
    "would drop gateway.mode",
  );
  expect(await w.text()).toBe(CONFIG);
});

test("a caller writes thirty times a minute, and others still may", async () => {
  await using w = await world(CONFIG);
  const params = { raw: "{}", baseHash: "old" };
  for (let turn = 0; turn < 30; turn += 1) await w.refusal("config.patch", params);
  const limited = "rate_limited rate limit exceeded for config.patch; retry after 60s";
  expect(await w.refusal("config.patch", params)).toBe(limited);
  expect(await w.refusal("config.set", params)).toContain("config changed");
  const context = commandLineContext(new AbortController().signal);
  const other = { ...context, client: { ...context.client, ip: "10.0.0.9" } };
  await expect(w.call("config.patch", params, other)).rejects.toThrow("config changed");
  w.pass(60_000);
  expect(await w.refusal("config.patch", params)).toContain("config changed");
});

test("config.schema and its look-ups are as the protocol publishes them", async () => {
  await using w = await world(CONFIG);
  const schema = await w.call("config.schema", {});
  expect(Object.keys(schema).toSorted()).toEqual(
    Object.keys(ConfigSchemaResponseSchema.properties).toSorted(),
  );
  expect(schema).toMatchObject({ uiHints: { "gateway.auth.token": { sensitive: true } } });
  for (const path of [
    "gateway",
    "gateway.port",
    "gateway.auth.token",
    "models.providers.*",
    "channels.telegram.allowFrom",
  ]) {
    const found = await w.call("config.schema.lookup", { path });
    expect(validateConfigSchemaLookupResult(found), path).toBe(true);
  }
  expect(await w.call("config.schema.lookup", { path: "gateway.port" })).toMatchObject({
    path: "gateway.port",
    schema: { type: "integer", maximum: 65_535 },
    reloadKind: "restart",
    children: [],
  });
  expect(await w.refusal("config.schema.lookup", { path: "gateway.nope" })).toBe(
    "INVALID_REQUEST config schema path not found",
  );
  expect(await w.refusal("config.schema.lookup", { path: "a b" })).toBe("bad params");
});
