import { expect, test } from "vitest";
import { checkConfig } from "./check.ts";

async function issuesOf(text: string, env: NodeJS.ProcessEnv = {}): Promise<string[]> {
  const surroundings = { env, cwd: "/nowhere", home: "/nowhere" };
  const read = await checkConfig(surroundings, (file) =>
    Promise.resolve({ ok: true, value: file.endsWith(".json") ? text : undefined }),
  );
  if (!read.ok || read.value.checked.ok) return [];
  const { error } = read.value.checked;
  return error.reason === "invalid" ? error.issues.map(({ path }) => path) : [error.reason];
}

test.each([
  ['{ gateway: { bind: "lan", auth: { mode: "none" } } }', "gateway.bind"],
  ['{ gateway: { bind: "tailnet", auth: { mode: "none" } } }', "gateway.bind"],
  ['{ gateway: { bind: "custom" } }', "gateway.bind"],
  ['{ gateway: { auth: { mode: "password" } } }', "gateway.auth.password"],
  ['{ gateway: { auth: { mode: "trusted-proxy" } } }', "gateway.auth.trustedProxy"],
])("what no gateway would start with is not valid: %s", async (text, path) => {
  expect(await issuesOf(text)).toEqual([path]);
});

test.each([
  '{ gateway: { bind: "lan" } }',
  // It may be up by the time it counts.
  '{ gateway: { bind: "tailnet" } }',
  '{ gateway: { auth: { mode: "none" } } }',
  '{ gateway: { auth: { mode: "password", password: "a-long-one-of-mine" } } }',
])("what a gateway starts with is valid: %s", async (text) => {
  expect(await issuesOf(text)).toEqual([]);
});

test.each([
  ['{ agents: { defaults: { model: "acme/brain" } } }', "agents.defaults.model.primary"],
  [
    '{ agents: { defaults: { model: "custom/x" } }, models: { providers: { custom: { apiKey: "k" } } } }',
    "models.providers.custom.baseUrl",
  ],
])("what may be completed by the next change is told, and not refused: %s", async (text, path) => {
  expect(await issuesOf(text)).toEqual([]);
  const read = await checkConfig({ env: {}, cwd: "/nowhere", home: "/nowhere" }, (file) =>
    Promise.resolve({ ok: true, value: file.endsWith(".json") ? text : undefined }),
  );
  expect(read).toMatchObject({ value: { unfit: [{ path }] } });
});

test("the variables of the gateway count as they do at its start", async () => {
  const text = '{ gateway: { auth: { mode: "none" } } }';
  expect(await issuesOf(text, { OPENCLAW_GATEWAY_BIND: "lan" })).toEqual(["gateway.bind"]);
  expect(await issuesOf(text, { OPENCLAW_GATEWAY_PORT: "many" })).toEqual([]);
});
