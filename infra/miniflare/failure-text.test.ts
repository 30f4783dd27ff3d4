import { expect, test } from "vitest";
import { edgeFailureText } from "./failure-text.ts";

test.each([
  ["port_in_use", "8787", /port 8787 .*SALLYPORT_EDGE_PORT/],
  ["storage_in_use", "/x/edge", /another gateway .*\/state.*OPENCLAW_STATE_DIR/],
  ["bundle_failed", "1 error\n  edge/app.ts:3", /does not compile: 1 error$/],
  ["runtime_failed", "\n\nno memory\nstack", /did not start: no memory$/],
] as const)("%s is told in one line that says what to do", (reason, detail, expected) => {
  const line = edgeFailureText({ type: "failed", reason, detail }, "/state", "");
  expect(line).toMatch(expected);
  expect(line).not.toContain("\n");
});

test("an edge that dies without a word is told as well", () => {
  expect(edgeFailureText(undefined, "/state", "SyntaxError: x")).toMatch(
    /ended before it was ready: SyntaxError: x$/,
  );
});
