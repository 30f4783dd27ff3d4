import { expect, test } from "vitest";
import type { Definition } from "./definition.ts";
import { plistText } from "./plist.ts";
import { standingOf } from "./seal.ts";
import { unitText } from "./unit.ts";

const DEFINITION: Definition = {
  node: "/usr/bin/node",
  entry: "/opt/--> <b>/sallyport.mjs",
  args: ["gateway", "run", "--port", "1"],
  variables: { TZ: "UTC" },
  envFile: "/s/service.env",
  stateDir: "/s",
  stopSec: 35,
  notify: false,
  user: null,
};

const texts: readonly [string, string][] = [
  ["a unit", unitText(DEFINITION)],
  ["a property list", plistText(DEFINITION, "a.b", "/log")],
];

test.each(texts)("%s of ours is known as such, and what it was written from", (_kind, text) => {
  expect(standingOf(text)).toEqual({ is: "ours", definition: DEFINITION });
});

test.each(texts)("%s that somebody has changed is known as edited", (_kind, text) => {
  expect(standingOf(text.replace("/usr/bin/node ", "/usr/bin/nodejs ").concat(" "))).toMatchObject({
    is: "edited",
  });
  expect(standingOf(text.replace("UTC", "CET"))).toMatchObject({ is: "edited" });
});

test.each([
  ["another's unit", "[Unit]\nDescription=OpenClaw\n"],
  ["an empty file", ""],
  ["a seal without an origin", `# sealed by sallyport gateway install: ${"0".repeat(64)}\n`],
  ["an origin that is no JSON", unitText(DEFINITION).replace('{"node"', '{"node')],
  ["an origin of another shape", unitText(DEFINITION).replace('"stopSec":35', '"stopSec":"x"')],
])("%s is not ours", (_name, text) => {
  expect(standingOf(text)).toEqual({ is: "foreign" });
});

test("no file is no service", () => {
  expect(standingOf(undefined)).toEqual({ is: "absent" });
});
