import { expect, test } from "vitest";
import { planRelays } from "./plan-relays.ts";
import { readWelcome } from "./welcome.ts";

test.each<[string, string, [string, boolean][]]>([
  ["one", "weur:1", [["weur:1", false]]],
  [
    "several, the first one first",
    "weur:2 enam:1 weur:1/draining",
    [
      ["weur:2", false],
      ["enam:1", false],
      ["weur:1", true],
    ],
  ],
  ["none", "", []],
  ["what would lead elsewhere", "../x weur:1/../y weur:1?z http://e:1 WEUR:1 weur:", []],
  ["one twice", "weur:1 weur:1", [["weur:1", false]]],
])("relays of WELCOME: %s", (_name, text, expected) => {
  const { relays } = readWelcome([[":relays", text]], "key");
  expect(relays.map(({ name, draining }) => [name, draining])).toEqual(expected);
});

test("a thousand relays are not dialled", () => {
  const names = Array.from({ length: 1_000 }, (_v, index) => `weur:${index}`).join(" ");
  expect(readWelcome([[":relays", names]], "key").relays).toHaveLength(16);
});

const featuresOf = (text: string | undefined): readonly string[] => [
  ...readWelcome(text === undefined ? [] : [[":features", text]], "key").features,
];

test("what an edge can do is read word by word, and of one that says nothing it is nothing", () => {
  expect(featuresOf("reattach  bundle.setupCodes ")).toEqual(["reattach", "bundle.setupCodes"]);
  expect(featuresOf(undefined)).toEqual([]);
  const many = Array.from({ length: 999 }, (_v, index) => `f${index}`).join(" ");
  expect(featuresOf(many)).toHaveLength(64);
});

const named = (text: string): ReturnType<typeof readWelcome>["relays"] =>
  readWelcome([[":relays", text]], "key").relays;

test.each<[string, (string | undefined)[], string, string | undefined, string, string[], string[]]>(
  [
    ["the first word", ["weur:1"], "weur:1", "weur:1", "weur:1 enam:1", [], ["enam:1"]],
    ["nothing new", ["weur:1", "enam:1"], "weur:1", "weur:1", "weur:1 enam:1", [], []],
    ["one gone", ["weur:1", "enam:1"], "weur:1", "weur:1", "weur:1", ["enam:1"], []],
    ["an edge without names", ["weur:1", "enam:1"], "weur:1", undefined, "", ["enam:1"], []],
    ["the teller itself gone", ["weur:1"], "weur:1", "weur:1", "enam:1", ["weur:1"], ["enam:1"]],
  ],
)("%s", (_name, dialled, by, relay, text, retire, dial) => {
  const dialers = dialled.map((name) => ({ name }));
  const teller = dialers.find(({ name }) => name === by) ?? { name: by };
  const plan = planRelays(dialers, teller, { relay, relays: named(text) });
  expect(plan.retire.map(({ name }) => name)).toEqual(retire);
  expect(plan.dial.map(({ name }) => name)).toEqual(dial);
});

test("of two connections to one relay the one that just opened stays", () => {
  const older = { name: "enam:1" };
  const teller = { name: "enam:1" };
  const plan = planRelays([teller, older], teller, { relay: "enam:1", relays: named("enam:1") });
  expect(plan.retire).toEqual([older]);
  expect(plan.retire[0]).toBe(older);
});
