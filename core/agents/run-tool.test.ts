import { expect, test } from "vitest";
import { cutOutput, runTool } from "./run-tool.ts";
import type { Tool } from "./tool.ts";

const MAX_BYTES = 1_000;

function toolOf(run: Tool["run"]): Tool {
  return { spec: { name: "time", description: "", parameters: {} }, run };
}

const echo = toolOf(async (input) => JSON.stringify(input));

const rejectsOnAbort = toolOf((_input, signal) => {
  const { promise, reject } = Promise.withResolvers<string>();
  signal.addEventListener("abort", () => reject(new Error("aborted")));
  return promise;
});

function callOf(input: string, name = "time") {
  return { id: "a", name, input };
}

function never(): AbortSignal {
  return new AbortController().signal;
}

test("a tool gets its input parsed, and its text is the result", async () => {
  expect(await runTool(callOf('{"a": 1}'), [echo], never(), MAX_BYTES)).toEqual({
    text: '{"a":1}',
    ok: true,
    cause: undefined,
  });
});

test.each([
  ["an unknown name", callOf("{}", "date"), 'There is no tool "date". Tools: time.'],
  ["half an object", callOf('{"a'), 'The input is not valid JSON: {"a'],
  ["a list", callOf("[1]"), "The input is not a JSON object: [1]"],
  ["endless noise", callOf("x".repeat(9_999)), `The input is not valid JSON: ${"x".repeat(200)}`],
])("a call with %s becomes a text the model can act on", async (_name, call, text) => {
  expect(await runTool(call, [echo], never(), MAX_BYTES)).toEqual({
    text,
    ok: false,
    cause: undefined,
  });
});

test.each([
  [
    "throws",
    () => {
      throw new Error("/home/me/.secret");
    },
  ],
  ["rejects", () => Promise.reject(new Error("/home/me/.secret"))],
])("a tool that %s fails without saying why to the model", async (_name, run) => {
  const outcome = await runTool(callOf("{}"), [toolOf(run)], never(), MAX_BYTES);
  expect(outcome).toMatchObject({ ok: false, cause: expect.any(Error) });
  expect(outcome?.text).not.toContain("secret");
});

test("a tool that ignores its signal holds up nobody", async () => {
  const abort = new AbortController();
  const { promise: forever } = Promise.withResolvers<string>();
  const running = runTool(callOf("{}"), [toolOf(() => forever)], abort.signal, MAX_BYTES);
  abort.abort();
  expect(await running).toBeUndefined();
});

test("a tool that rejects because it was aborted has not failed", async () => {
  const abort = new AbortController();
  const running = runTool(callOf("{}"), [rejectsOnAbort], abort.signal, MAX_BYTES);
  abort.abort();
  expect(await running).toBeUndefined();
});

test.each([
  ["short", "abc", 3, "abc"],
  ["one byte over", "abcd", 3, "abc\n[cut: 1 of 4 bytes are missing]"],
  ["cut inside a character", "ab😀", 5, "ab\n[cut: 4 of 6 bytes are missing]"],
  ["cut behind a character", "aé!", 3, "aé\n[cut: 1 of 4 bytes are missing]"],
  ["given no room", "é", 0, "\n[cut: 2 of 2 bytes are missing]"],
])("an output that is %s stays within its bytes", (_name, text, maxBytes, expected) => {
  expect(cutOutput(text, maxBytes)).toBe(expected);
});
