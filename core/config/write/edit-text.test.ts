import JSON5 from "json5";
import { expect, test } from "vitest";
import { changeTree, type Edit, editsBetween } from "./change.ts";
import { editText } from "./edit-text.ts";

function edit(text: string, path: readonly string[], value?: unknown): string | undefined {
  const tree: unknown = JSON5.parse(text);
  const change =
    value === undefined
      ? ({ kind: "unset", path } as const)
      : ({ kind: "set", path, value } as const);
  const wanted = changeTree(tree, change);
  if (!wanted.ok) throw new Error(wanted.error.message);
  const edits: Edit[] = [{ path, value }];
  return editText(text, edits, wanted.value);
}

const FILE = `// of the house
{
  gateway: {
    port: 1, // the usual
    // who may
    auth: { token: '\${T}' },
  },
  'agents': {}, /* all of them */
}
`;

test.each([
  ["a value", ["gateway", "port"], 2, FILE.replace("port: 1,", "port: 2,")],
  [
    "a new key, behind the comment of the last line",
    ["logging"],
    { level: "info" },
    FILE.replace("/* all of them */", '/* all of them */\n  logging: {\n    "level": "info"\n  },'),
  ],
  [
    "a key into an empty object",
    ["agents", "list"],
    [],
    FILE.replace("'agents': {}", "'agents': {\n    list: []\n  }"),
  ],
  [
    "a key into an object of one line",
    ["gateway", "auth", "mode"],
    "token",
    FILE.replace("{ token: '${T}' }", "{ token: '${T}', mode: \"token\" }"),
  ],
  [
    "nothing but the line that goes",
    ["gateway", "port"],
    undefined,
    FILE.replace("    port: 1, // the usual\n", ""),
  ],
  [
    "nothing but the key of a line that goes",
    ["gateway", "auth", "token"],
    undefined,
    FILE.replace("{ token: '${T}' }", "{ }"),
  ],
])("%s changes, and all else stays as it is written", (_name, path, value, expected) => {
  expect(edit(FILE, path, value)).toBe(expected);
});

test.each([
  ['{\n  "a": 1\n}\n', ["b"], 2, '{\n  "a": 1,\n  "b": 2\n}\n'],
  ['{\n  "a": 1 // x\n}', ["b"], 2, '{\n  "a": 1, // x\n  "b": 2\n}'],
  ['{\n  "a": 1,\n  "b": 2\n}', ["b"], undefined, '{\n  "a": 1\n}'],
  ['{"a":1,"b":2}', ["b"], undefined, '{"a":1}'],
  ['{"a":1,"b":2}', ["a"], undefined, '{"b":2}'],
  ["{}", ["a", "b"], 1, '{\n  "a": {\n    "b": 1\n  }\n}'],
  ["{ // empty\n}", ["a"], 1, '{\n  // empty\n  "a": 1\n}'],
  ["{ a: [1, 2] }", ["a", "2"], 3, "{ a: [1, 2, 3] }"],
  ["{ a: [\n  1,\n] }", ["a", "1"], 2, "{ a: [\n  1,\n  2,\n] }"],
  ["{ a: 1, a: 2 }", ["a"], 3, "{ a: 1, a: 3 }"],
  ["{ a: 1 }", ["x.y-z"], 3, '{ a: 1, "x.y-z": 3 }'],
  ["\uFEFF{ a: 1 }", ["a"], 3, "\uFEFF{ a: 3 }"],
  ["{\r\n  a: 1\r\n}", ["a"], 2, "{\r\n  a: 2\r\n}"],
  ["{ a: 0x10, b: +1, c: .5, d: 'x\\\ny' }", ["a"], 1, "{ a: 1, b: +1, c: .5, d: 'x\\\ny' }"],
])("%j with %j as %j is %j", (text, path, value, expected) => {
  expect(edit(text, path, value)).toBe(expected);
});

test("what cannot be edited in place is not given out", () => {
  expect(editText("{ a: 1 }", [{ path: ["b", "c"], value: 1 }], { a: 1 })).toBeUndefined();
  expect(editText("{ a: ", [{ path: ["a"], value: 1 }], { a: 1 })).toBeUndefined();
  const many = Array.from({ length: 201 }, () => ({ path: ["a"], value: 1 }));
  expect(editText("{ a: 1 }", many, { a: 1 })).toBeUndefined();
});

/** A small generator of numbers: the same seed gives the same trees. */
function numbers(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    return Math.floor((state / 2_147_483_648) * below);
  };
}

function randomTree(next: (below: number) => number, depth = 0): unknown {
  const kind = next(depth > 3 ? 3 : 5);
  if (kind === 0) return next(100);
  if (kind === 1)
    return ["plain", "it's", 'say "so"', "// no comment", "${X}", "tab\there"][next(6)];
  if (kind === 2) return next(2) === 0;
  if (kind === 3) return Array.from({ length: next(4) }, () => randomTree(next, depth + 1));
  const keys = ["a", "b-c", "d.e", "f", "9", "$include"];
  return Object.fromEntries(
    Array.from({ length: next(5) }, () => [keys[next(6)], randomTree(next, depth + 1)]),
  );
}

test("whatever is changed into whatever, the text means it or is not given out", () => {
  let edited = 0;
  for (let seed = 1; seed <= 400; seed += 1) {
    const next = numbers(seed);
    const [before, after] = [{ x: randomTree(next) }, { x: randomTree(next), y: randomTree(next) }];
    const indent = [0, 2, "\t"][next(3)];
    const text =
      next(2) === 0 ? JSON.stringify(before, null, indent) : JSON5.stringify(before, null, indent);
    const result = editText(text, editsBetween(before, after), after);
    if (result === undefined) continue;
    edited += 1;
    expect(JSON5.parse(result)).toEqual(after);
  }
  expect(edited).toBe(400);
});
