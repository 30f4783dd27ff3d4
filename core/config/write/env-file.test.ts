import { chmod, mkdtemp, readFile, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseEnv } from "node:util";
import { expect, test } from "vitest";
import { Secret } from "../../../shared/secret.ts";
import { envLine, envNames, removeVariables, setVariables } from "./env-file.ts";

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

test("of a value of several lines nothing is left, and none of them becomes a variable", async () => {
  await using it = await folder();
  const key = "-----BEGIN\nEVIL=1\nTAIL\n-----END";
  await it.set({ A: "1", KEY: key, B: "it's\nB2=2" });
  await it.set({ KEY: "new", C: "3" });
  expect(parseEnv(await it.text())).toEqual({ A: "1", B: "it's\nB2=2", KEY: "new", C: "3" });
  expect(await it.text()).not.toContain("TAIL");
  await it.set({ KEY: key });
  expect(await removeVariables(it.file, new Set(["KEY", "B"]))).toEqual(["KEY", "B"]);
  expect(await it.text()).toBe("A=1\nC=3\n");
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

test("what looks like a line within another value is not one", async () => {
  await using it = await folder();
  await writeFile(it.file, "CERT='one\nKEY=not a variable\ntwo'\n");
  expect(await it.set({ KEY: "k" })).toEqual(["KEY"]);
  expect(parseEnv(await it.text())).toEqual({ CERT: "one\nKEY=not a variable\ntwo", KEY: "k" });
});

test("a file whose other lines would be lost stays as it is", async () => {
  await using it = await folder();
  await writeFile(it.file, "CERT='nobody closes this\n");
  await expect(it.set({ KEY: "k k" })).rejects.toMatchObject({ code: "invalid_request" });
  expect(await it.text()).toBe("CERT='nobody closes this\n");
});
