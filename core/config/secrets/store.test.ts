import {
  chmod,
  link,
  mkdir,
  mkdtemp,
  readFile,
  rm,
  stat,
  symlink,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { Secret } from "../../../shared/secret.ts";
import { configErrorText } from "../issues/error.ts";
import { loadConfig } from "../file/load.ts";
import { SecretMemory } from "./resolve.ts";
import { type EntryKind, kindOf, SecretStore } from "./store.ts";

const VALUE = "s3cret-s3cret-s3cret";

async function home(config = "{}") {
  const path = await mkdtemp(join(tmpdir(), "sallyport-store-"));
  const stateDir = join(path, ".openclaw");
  await mkdir(stateDir, { mode: 0o700 });
  await writeFile(join(stateDir, "openclaw.json"), config);
  const store = new SecretStore(stateDir, process.getuid?.());
  const memory = new SecretMemory();
  return {
    path,
    store,
    memory,
    set: (name: string, value: string, kind: EntryKind = "secret", now = 1) =>
      store.set([{ name, value: new Secret(value), kind, updatedBy: "test" }], now),
    async load() {
      const surroundings = { env: {}, cwd: path, home: path };
      const loaded = await loadConfig(surroundings, { uid: process.getuid?.(), memory });
      if (!loaded.ok) throw new Error(configErrorText(loaded.error));
      return loaded.value;
    },
    [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }),
  };
}

const reference = (more: string, secrets = ""): string =>
  `{ ${secrets} hooks: { enabled: true, token: { source: 'store', ${more} } } }`;

test.each([
  ["the default provider", reference("provider: 'default', id: 'T'")],
  ["no provider", reference("id: 'T'")],
  [
    "a provider of its own",
    reference(
      "provider: 'team', id: 'T'",
      "secrets: { providers: { team: { source: 'store' } } },",
    ),
  ],
  [
    "the default of the config",
    reference("provider: 'kept', id: 'T'", "secrets: { defaults: { store: 'kept' } },"),
  ],
  [
    "a name that another source has",
    reference(
      "provider: 'default', id: 'T'",
      "secrets: { providers: { default: { source: 'env' } } },",
    ),
  ],
])("a reference to the store by %s is filled in", async (_name, config) => {
  await using it = await home(config);
  await it.set("T", VALUE);
  const { config: loaded, warnings } = await it.load();
  expect(loaded.hooks.token?.reveal()).toBe(VALUE);
  expect(warnings).toEqual([]);
});

test("a store that is not there, and an entry that is not in it, leave the setting out", async () => {
  await using it = await home(reference("id: 'T'"));
  const first = await it.load();
  expect(first.missingSecrets.get("hooks.token")).toBe("it is not there");
  await it.set("OTHER", VALUE);
  expect((await it.load()).missingSecrets.get("hooks.token")).toBe("it is not there");
  expect([...it.memory.faults.keys()]).toEqual(["hooks.token"]);
});

test("an entry that is taken out counts no more; a store that cannot be read goes on to", async () => {
  await using it = await home(reference("id: 'T'"));
  await it.set("T", VALUE);
  await it.load();
  await chmod(it.store.file, 0o644);
  const kept = await it.load();
  expect(kept.config.hooks.token?.reveal()).toBe(VALUE);
  expect(kept.warnings[0]).toContain("run chmod 600 on it: the one from before is kept");
  await chmod(it.store.file, 0o600);
  expect(await it.store.remove(["T", "NONE"])).toEqual(["T"]);
  expect((await it.load()).missingSecrets.has("hooks.token")).toBe(true);
});

test.each([
  ["a link", async (file: string, other: string) => symlink(other, file), "is a link"],
  ["a second name", async (file: string, other: string) => link(other, file), "second name"],
  ["a folder", async (file: string) => mkdir(file), "not a file"],
  ["no JSON", async (file: string) => writeFile(file, VALUE, { mode: 0o600 }), "not what we wrote"],
  [
    "another document",
    async (file: string) => writeFile(file, '{"version":2,"entries":{}}', { mode: 0o600 }),
    "not what we wrote",
  ],
])("a store that is %s is used by nobody, and not written over", async (_name, make, why) => {
  await using it = await home(reference("id: 'T'"));
  const other = join(it.path, "other.json");
  await writeFile(other, '{"version":1,"entries":{}}', { mode: 0o600 });
  await mkdir(dirname(it.store.file), { recursive: true });
  await make(it.store.file, other);
  expect((await it.load()).missingSecrets.get("hooks.token")).toContain(why);
  await expect(it.store.list()).rejects.toThrow(why);
  await expect(it.set("T", VALUE)).rejects.toMatchObject({ code: "forbidden" });
  expect(await readFile(other, "utf8")).toBe('{"version":1,"entries":{}}');
});

test("entries that come at once are all kept, by us alone, and remember when they began", async () => {
  await using it = await home();
  const names = Array.from({ length: 20 }, (_one, index) => `NAME_${index}_KEY`);
  await Promise.all(names.map((name) => it.set(name, VALUE)));
  await it.set("NAME_0_KEY", "other-value", "secret", 2);
  await it.set("PLAIN", "", "env", 3);
  const entries = await it.store.list();
  expect(entries).toHaveLength(21);
  expect(entries.find(({ name }) => name === "NAME_0_KEY")).toMatchObject({
    createdAtMs: 1,
    updatedAtMs: 2,
    value: undefined,
  });
  expect(entries.find(({ name }) => name === "PLAIN")).toMatchObject({ value: "" });
  expect((await stat(it.store.file)).mode & 0o777).toBe(0o600);
  expect((await stat(dirname(it.store.file))).mode & 0o777).toBe(0o700);
});

const entry = (index: number) =>
  ({ name: `N${index}`, value: new Secret("x"), kind: "secret", updatedBy: "t" }) as const;

test("there is room for so many entries and no more, and what does not fit changes nothing", async () => {
  await using it = await home();
  await it.store.set(
    Array.from({ length: 256 }, (_one, index) => entry(index)),
    1,
  );
  await expect(it.store.set([entry(256)], 1)).rejects.toMatchObject({ code: "too_large" });
  expect(await it.store.list()).toHaveLength(256);
});

test.each([
  ["OPENAI_API_KEY", "secret"],
  ["TOKEN", "secret"],
  ["TLS_PRIVATE_KEY", "secret"],
  ["GOOGLE_CREDENTIALS", "secret"],
  ["LOG_LEVEL", "env"],
  ["MONKEY", "env"],
])("%s is taken for a %s", (name, kind) => {
  expect(kindOf(name)).toBe(kind);
});
