import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { compose } from "./compose.ts";
import { configErrorText } from "../issues/error.ts";

/** A folder with files in it; the config is `state/openclaw.json`. */
async function folder(files: Readonly<Record<string, string>>) {
  const root = await mkdtemp(join(tmpdir(), "sallyport-include-"));
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(root, name)), { recursive: true });
    await writeFile(join(root, name), text);
  }
  const file = join(root, "state", "openclaw.json");
  return {
    root,
    async compose(text: string, roots?: string) {
      await mkdir(dirname(file), { recursive: true });
      return compose(text, file, { roots });
    },
    async value(text: string, roots?: string) {
      const composed = await this.compose(text, roots);
      if (!composed.ok) throw new Error(configErrorText(composed.error));
      return composed.value.value;
    },
    async refusal(text: string, roots?: string) {
      const composed = await this.compose(text, roots);
      return composed.ok
        ? "accepted"
        : configErrorText(composed.error)
            .replaceAll(root, "")
            .replace(/^[^:]*: /, "");
    },
    [Symbol.asyncDispose]: () => rm(root, { recursive: true, force: true }),
  };
}

test.each([
  [
    "one file is the object",
    "{ a: { $include: './a.json5' } }",
    { a: { x: 1, y: [1], z: { p: 1 } } },
  ],
  [
    "files of a list are merged, lists one after the other, and the later one wins",
    "{ a: { $include: ['a.json5', 'b.json5'] } }",
    { a: { x: 2, y: [1, 2], z: { p: 1, q: 2 } } },
  ],
  [
    "what stands beside it wins",
    "{ a: { $include: 'a.json5', x: 9, z: { p: 3 } } }",
    { a: { x: 9, y: [1], z: { p: 3 } } },
  ],
  ["an empty list is an empty object", "{ a: { $include: [] } }", { a: {} }],
  [
    "a file in a list of things",
    "{ a: [{ $include: 'b.json5' }] }",
    { a: [{ x: 2, y: [2], z: { q: 2 } }] },
  ],
  ["files include files, from where they are", "{ $include: 'sub/c.json5' }", { d: { e: 5 } }],
  ["a file may be a list", "{ a: { $include: 'list.json5' } }", { a: [1, 2] }],
])("%s", async (_name, text, expected) => {
  await using f = await folder({
    "state/a.json5": "{ x: 1, y: [1], z: { p: 1 } } // mine",
    "state/b.json5": "{ x: 2, y: [2], z: { q: 2 } }",
    "state/sub/c.json5": "{ d: { $include: '../e.json5' } }",
    "state/e.json5": "{ e: 5 }",
    "state/list.json5": "[1, 2]",
  });
  expect(await f.value(text)).toEqual(expected);
});

test.each([
  [
    "a file that is not there",
    "{ a: { $include: './no.json5' } }",
    /^a\.\$include: Failed to read include file: \.\/no\.json5/,
  ],
  ["a folder", "{ a: { $include: './sub' } }", /^a\.\$include: Failed to read include file/],
  [
    "the way out of the folder",
    "{ a: { $include: '../etc/passwd' } }",
    /^a\.\$include: Include path escapes config directory: \.\.\/etc\/passwd$/,
  ],
  [
    "an absolute path elsewhere",
    "{ a: { $include: '/etc/passwd' } }",
    /Include path escapes config directory: \/etc\/passwd$/,
  ],
  [
    "a link that leads out",
    "{ a: { $include: 'link.json5' } }",
    /Include path escapes config directory: link\.json5$/,
  ],
  [
    "a folder that is a link and leads out",
    "{ a: { $include: 'way/out.json5' } }",
    /Include path escapes/,
  ],
  ["the folder itself", "{ a: { $include: '.' } }", /Include path escapes/],
  [
    "a file that includes itself",
    "{ a: { $include: 'self.json5' } }",
    /Circular include detected: openclaw\.json -> self\.json5 -> self\.json5$/,
  ],
  [
    "two that include each other",
    "{ $include: 'ping.json5' }",
    /Circular include detected: openclaw\.json -> ping\.json5 -> pong\.json5 -> ping\.json5$/,
  ],
  [
    "a number",
    "{ a: { $include: 1 } }",
    /^a\.\$include: must be the path of a file, or a list of such paths$/,
  ],
  [
    "a list with something else",
    "{ a: { $include: ['e.json5', {}] } }",
    /must be the path of a file/,
  ],
  ["an empty path", "{ a: { $include: '' } }", /must be the path of a file/],
  ["a null byte", "{ a: { $include: 'e\\0.json5' } }", /must be the path of a file/],
  [
    "a path without an end",
    `{ a: { $include: '${"x".repeat(5_000)}' } }`,
    /must be the path of a file/,
  ],
  ["what is no JSON5", "{ a: { $include: 'broken.json5' } }", /broken\.json5:1:2: not JSON5/],
  [
    "a text beside which something stands",
    "{ a: { $include: 'text.json5', b: 1 } }",
    /Sibling keys require included content to be an object$/,
  ],
  [
    "eleven levels",
    "{ $include: 'deep0.json5' }",
    /Maximum include depth \(10\) exceeded at: deep10\.json5$/,
  ],
  ["a file too deep in itself", "{ a: { $include: 'nested.json5' } }", /it is nested too deeply$/],
  ["a huge file", "{ a: { $include: 'huge.json5' } }", /a config may have 2097152$/],
  ["a tree of lists of files", "{ $include: 'bomb0.json5' }", /includes more than 256 files$/],
])("%s is refused", async (_name, text, expected) => {
  const deep = Array.from({ length: 12 }, (_, level): [string, string] => [
    `state/deep${level}.json5`,
    `{ $include: 'deep${level + 1}.json5' }`,
  ]);
  const bombs = Array.from({ length: 9 }, (_, level): [string, string] => [
    `state/bomb${level}.json5`,
    level === 8 ? "{}" : `{ $include: [${`'bomb${level + 1}.json5',`.repeat(4)}] }`,
  ]);
  await using f = await folder({
    ...Object.fromEntries([...deep, ...bombs]),
    "outside.json5": "{ secret: 1 }",
    "state/sub/x.json5": "{}",
    "state/e.json5": "{}",
    "state/self.json5": "{ $include: './self.json5' }",
    "state/ping.json5": "{ $include: 'pong.json5' }",
    "state/pong.json5": "{ $include: 'ping.json5' }",
    "state/broken.json5": "{",
    "state/text.json5": "'only a text'",
    "state/nested.json5": "[".repeat(40) + "]".repeat(40),
    "state/huge.json5": `'${"x".repeat(2 * 1024 * 1024)}'`,
    "elsewhere/out.json5": "{}",
  });
  await symlink(join(f.root, "outside.json5"), join(f.root, "state", "link.json5"));
  await symlink(join(f.root, "elsewhere"), join(f.root, "state", "way"));
  expect(await f.refusal(text)).toMatch(expected);
});

test("further roots may be named, and nothing beside them", async () => {
  await using f = await folder({ "shared/a.json5": "{ x: 1 }", "other/b.json5": "{}" });
  const root = join(f.root, "shared");
  expect(await f.value("{ $include: '../shared/a.json5' }", `relative:${root}`)).toEqual({ x: 1 });
  expect(await f.refusal("{ $include: '../other/b.json5' }", root)).toMatch(/escapes/);
  expect(await f.refusal("{ $include: '../shared/a.json5' }", "shared")).toMatch(/escapes/);
});

test("a key of an included file cannot reach the prototype of anything", async () => {
  await using f = await folder({ "state/p.json5": '{ "__proto__": { polluted: true }, x: 1 }' });
  const value = await f.value("{ a: { $include: 'p.json5', b: 1 } }");
  expect(Reflect.get({}, "polluted")).toBeUndefined();
  expect(JSON.stringify(value)).toBe('{"a":{"__proto__":{"polluted":true},"x":1,"b":1}}');
});

test("who reads it learns which files it is made of, and where they stand in it", async () => {
  await using f = await folder({
    "state/a.json5": "{ b: { $include: 'b.json5' } }",
    "state/b.json5": "{}",
  });
  const composed = await f.compose("{ x: { $include: 'a.json5' }, y: { $include: ['b.json5'] } }");
  if (!composed.ok) throw new Error(configErrorText(composed.error));
  const names = [...composed.value.included.keys()].map((file) => file.replace(/.*\//, ""));
  expect(names).toEqual(["a.json5", "b.json5"]);
  expect(composed.value.boundaries.map(({ path, isWhole }) => [path.join("."), isWhole])).toEqual([
    ["x.b", true],
    ["x", true],
    ["y", false],
  ]);
});
