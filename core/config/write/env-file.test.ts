import { chmod, mkdtemp, readFile, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseEnv } from "node:util";
import { expect, test } from "vitest";
import { Secret } from "../../../shared/secret.ts";
import { envLine, envNames, setVariables } from "./env-file.ts";

async function folder() {
  const dir = await mkdtemp(join(tmpdir(), "env-file-"));
  const file = join(dir, ".env");
  return {
    file,
    set: (values: Record<string, string>) =>
      setVariables(file, new Map(Object.entries(values).map(([k, v]) => [k, new Secret(v)]))),
    text: () => readFile(file, "utf8"),
    [Symbol.asyncDispose]: () => rm(dir, { recursive: true }),
  };
}

test.each([
  ["plain", "sk-abc_123.x/y+z=="],
  ["spaces", "a b  c"],
  ["a hash", "a#b"],
  ["single quotes", "it's"],
  ["double quotes", 'say "x"'],
  ["a dollar", "$HOME ${X}"],
  ["a backslash", "a\\nb"],
  ["lines", "-----BEGIN\nabc\n-----END"],
  ["a dash first", "-x"],
  ["umlauts", "Schlüssel"],
])("a value with %s comes back as it was", (_name, value) => {
  const line = envLine("KEY", value) ?? "";
  expect(parseEnv(`A=1\n${line}\nB=2\n`)).toEqual({ A: "1", KEY: value, B: "2" });
});

test.each([
  ["KEY", `'"\``],
  ["1KEY", "x"],
  ["A B", "x"],
  ["A=B", "x"],
])("what no line can hold is refused: %s", (name, value) => {
  expect(envLine(name, value)).toBeUndefined();
});

test("other lines stay, and what was set is set once", async () => {
  await using it = await folder();
  await writeFile(it.file, "# mine\nexport KEY=old\nOTHER='x y'\n\n");
  expect(await it.set({ KEY: "new", MORE: "m" })).toEqual(["KEY", "MORE"]);
  expect(await it.text()).toBe("# mine\nOTHER='x y'\nKEY=new\nMORE=m\n");
  expect(await it.set({ KEY: "new" })).toEqual([]);
});

test("the file is its owner's alone, also when it was open before", async () => {
  await using it = await folder();
  await writeFile(it.file, "A=1\n");
  await chmod(it.file, 0o644);
  await it.set({ KEY: "k" });
  expect((await stat(it.file)).mode & 0o777).toBe(0o600);
  expect(await envNames(it.file)).toEqual(
    new Map([
      ["A", "1"],
      ["KEY", "k"],
    ]),
  );
});

test("many that write at once lose nothing", async () => {
  await using it = await folder();
  const names = Array.from({ length: 20 }, (_, index) => `KEY_${index}`);
  await Promise.all(names.map((name) => it.set({ [name]: name })));
  expect([...(await envNames(it.file)).keys()].toSorted()).toEqual(names.toSorted());
});

test("a link in its place is not followed", async () => {
  await using it = await folder();
  await writeFile(`${it.file}.real`, "");
  await symlink(`${it.file}.real`, it.file);
  await expect(it.set({ KEY: "k" })).rejects.toMatchObject({ code: "forbidden" });
});

test("a file whose other lines would be lost stays as it is", async () => {
  await using it = await folder();
  await writeFile(it.file, "CERT='one\nKEY=not a variable\ntwo'\n");
  await expect(it.set({ KEY: "k" })).rejects.toMatchObject({ code: "invalid_request" });
  expect(await it.text()).toContain("KEY=not a variable");
});
