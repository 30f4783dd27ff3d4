import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { ConfigWriter } from "./writer.ts";

const CONFIG = "{ gateway: { port: 1 }, $include: 'session.json5' }";
const SESSION = "{ session: { dmScope: 'main' } }";

/** A config that is merged with a file that knows one section. */
async function world() {
  const home = await mkdtemp(join(tmpdir(), "sallyport-owner-"));
  const file = join(home, "openclaw.json");
  await writeFile(file, CONFIG);
  await writeFile(join(home, "session.json5"), SESSION);
  const writer = new ConfigWriter({ env: { OPENCLAW_STATE_DIR: home }, cwd: home, home });
  return {
    file,
    texts: () =>
      Promise.all(
        ["openclaw.json", "session.json5"].map((name) => readFile(join(home, name), "utf8")),
      ),
    set: (path: string, value: unknown) =>
      writer.write({ change: { kind: "set", path: path.split("."), value } }),
    [Symbol.asyncDispose]: () => rm(home, { recursive: true, force: true }),
  };
}

test("what stands beside the include of a whole is changed where it stands", async () => {
  await using it = await world();
  expect(await it.set("gateway.port", 2)).toMatchObject({ ok: true, value: { file: it.file } });
  expect(await it.texts()).toEqual([CONFIG.replace("1", "2"), SESSION]);
});

test("what neither file says yet goes into the config itself", async () => {
  await using it = await world();
  expect(await it.set("logging.level", "debug")).toMatchObject({
    ok: true,
    value: { file: it.file },
  });
  const [config, session] = await it.texts();
  expect(config).toContain("$include: 'session.json5'");
  expect(config).toContain('"debug"');
  expect(session).toBe(SESSION);
});

test.each([
  ["a section that the included file knows", "session.dmScope", "per-peer"],
  ["the include itself", "$include", "other.json5"],
])("%s is for people to edit", async (_name, path, value) => {
  await using it = await world();
  expect((await it.set(path, value)).ok).toBe(false);
  expect(await it.texts()).toEqual([CONFIG, SESSION]);
});
