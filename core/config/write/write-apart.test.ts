import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseEnv } from "node:util";
import { expect, test } from "vitest";
import type { Environment } from "../paths.ts";
import { freeName, secretNameFor } from "../secrets/names.ts";
import { takenOut, writeApart } from "./write-apart.ts";
import { ConfigWriter } from "./writer.ts";

const KEY = "sk-fake-0123456789abcdef";
const OTHER = "sk-fake-another-one";

async function home(env: Environment = {}, text = "{} // mine\n") {
  const path = await mkdtemp(join(tmpdir(), "sallyport-apart-"));
  const folder = join(path, ".openclaw");
  await mkdir(folder, { mode: 0o700 });
  await writeFile(join(folder, "openclaw.json"), text);
  const writer = new ConfigWriter({ env, cwd: path, home: path });
  const read = (name: string) => readFile(join(folder, name), "utf8").catch(() => "");
  return {
    write: (change: object) => writeApart(writer, { ...change }),
    config: () => read("openclaw.json"),
    variables: async () => parseEnv(await read(".env")),
    [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }),
  };
}

const openai = (apiKey: string | null): object => ({
  models: { providers: { openai: { apiKey } } },
});

test("a secret goes into .env, and a word on it into the config", async () => {
  await using it = await home();
  expect(await it.write(openai(KEY))).toMatchObject({
    ok: true,
    value: { changed: true, variables: ["OPENAI_API_KEY"] },
  });
  expect(await it.config()).toContain('"${OPENAI_API_KEY}"');
  expect(await it.config()).toContain("// mine");
  expect(await it.variables()).toEqual({ OPENAI_API_KEY: KEY });
});

test("a variable that would win gets a neighbour", async () => {
  await using it = await home({ OPENAI_API_KEY: OTHER });
  await it.write(openai(KEY));
  expect(await it.config()).toContain('"${OPENAI_API_KEY_2}"');
  expect(await it.variables()).toEqual({ OPENAI_API_KEY_2: KEY });
});

test("a change that is refused leaves no secret behind", async () => {
  await using it = await home();
  const refused = await it.write({ ...openai(KEY), gateway: { bind: "moon" } });
  expect(refused.ok).toBe(false);
  expect(await it.variables()).toEqual({});
  await using managed = await home({ OPENCLAW_CONFIG_READONLY: "1" });
  expect(await managed.write(openai(KEY))).toMatchObject({ error: { reason: "refused" } });
  expect(await managed.variables()).toEqual({});
});

test("a credential that is taken out takes its variable along, and no other", async () => {
  await using it = await home();
  await it.write({ ...openai(KEY), channels: { telegram: { botToken: "42:abc_abc_abc" } } });
  await it.write(openai(null));
  expect(await it.variables()).toEqual({ TELEGRAM_BOT_TOKEN: "42:abc_abc_abc" });
});

test("a variable that is used elsewhere stays", () => {
  const before = { hooks: { token: "${T}" }, gateway: { auth: { token: "${T}" } } };
  expect([...takenOut(before, { gateway: before.gateway })]).toEqual([]);
  const reference = { token: { source: "env", provider: "default", id: "T" } };
  expect([...takenOut(before, { gateway: { auth: reference } })]).toEqual([]);
  expect([...takenOut(before, {})]).toEqual(["T"]);
});

test.each([
  ["models.providers.openai.apiKey", "OPENAI_API_KEY"],
  ["models.providers.2captcha.apiKey", "KEY_2CAPTCHA_API_KEY"],
  ["channels.telegram.botToken", "TELEGRAM_BOT_TOKEN"],
  ["sallyport.edge.access.clientSecret", "SALLYPORT_EDGE_ACCESS_CLIENT_SECRET"],
  ["sallyport.ingress.routes.git-hub.secrets.0", "SALLYPORT_INGRESS_ROUTES_GIT_HUB_SECRETS_0"],
  [`a.${"x".repeat(300)}`, `A_${"X".repeat(126)}`],
])("the secret of %s is called %s", (path, name) => {
  expect(secretNameFor(path.split("."))).toBe(name);
});

test("a name that is taken gets a number, and stays as short as names are", () => {
  const taken = new Set(["A", "A_2"]);
  expect(freeName("A", (name) => !taken.has(name))).toBe("A_3");
  const long = "A".repeat(128);
  expect(freeName(long, (name) => name !== long)).toBe(`${"A".repeat(126)}_2`);
});

test("a secret takes no variable that another setting goes by", async () => {
  await using it = await home();
  await it.write({ skills: { entries: { "a-b": { apiKey: KEY } } } });
  await it.write({ skills: { entries: { "a b": { apiKey: OTHER } } } });
  const name = "SKILLS_ENTRIES_A_B_API_KEY";
  expect(await it.variables()).toEqual({ [name]: KEY, [`${name}_2`]: OTHER });
  await it.write({ skills: { entries: { "a-b": { apiKey: "sk-fake-rotated" } } } });
  expect(await it.variables()).toEqual({ [name]: "sk-fake-rotated", [`${name}_2`]: OTHER });
});
