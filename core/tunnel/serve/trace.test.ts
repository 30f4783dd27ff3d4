import { expect, test } from "vitest";
import { traceparentOf } from "./trace.ts";

const VALID = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
const ID = "0b8e6a6e-1234-4abc-8def-000000000001";
const DERIVED = "00-0b8e6a6e12344abc8def000000000001-8def000000000001-01";

test.each([
  ["the client's own", VALID, VALID],
  [
    "one of a later version",
    `${VALID.replace("00", "cc")}-more`,
    `${VALID.replace("00", "cc")}-more`,
  ],
  ["none", null, DERIVED],
  ["version ff", VALID.replace("00-", "ff-"), DERIVED],
  ["a trace id of zeros", `00-${"0".repeat(32)}-b7ad6b7169203331-01`, DERIVED],
  ["a parent of zeros", "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01", DERIVED],
  ["upper case", VALID.toUpperCase(), DERIVED],
  ["one too long", `${VALID}-${"a".repeat(300)}`, DERIVED],
  ["a word", "hello", DERIVED],
])("%s", (_name, given, expected) => {
  expect(traceparentOf(given, ID)).toBe(expected);
});

test.each(["abcdefgh", "00000000-0000-0000-0000-000000000000", "________", "a.b-c_d.e"])(
  "an id that is no UUID, %s, gives a valid trace and always the same",
  (id) => {
    const trace = traceparentOf(null, id);
    expect(traceparentOf(trace, "another")).toBe(trace);
    expect(traceparentOf(null, id)).toBe(trace);
    expect(traceparentOf(null, `${id}x`)).not.toBe(trace);
  },
);
