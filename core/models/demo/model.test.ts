import { expect, test } from "vitest";
import { ask, collect, describeModel, textOf } from "../../../test/contract/model.ts";
import { createDemo } from "./model.ts";

const made = async () => ({ model: createDemo(), [Symbol.asyncDispose]: async () => {} });

describeModel("demo", made, {
  question: "Hi  there",
  answer:
    '[demo model] You said: "Hi  there". ' +
    "Set ANTHROPIC_API_KEY or OPENAI_API_KEY to talk to a real one.",
});

test("the demo model says that it is one", () => {
  expect(createDemo()).toMatchObject({ id: "demo/echo", demo: true });
});

test("the answer comes word by word", async () => {
  const events = await collect(createDemo(), ask("one two three"));
  const deltas = events.flatMap((event) => (event.type === "text" ? event.delta : []));
  expect(deltas.slice(0, 6)).toEqual(["[demo ", "model] ", "You ", "said: ", '"one ', "two "]);
});

test("usage is a token for every four bytes, rounded up", async () => {
  const events = await collect(createDemo(), ask("12345678é"));
  const outputTokens = Math.ceil(Buffer.byteLength(textOf(events)) / 4);
  expect(events.at(-1)).toMatchObject({ usage: { inputTokens: 3, outputTokens } });
});

test("a long question is quoted in part, never through a character", async () => {
  const text = textOf(await collect(createDemo(), ask(`${"a".repeat(499)}😀${"b".repeat(1e6)}`)));
  expect(text).toContain(`${"a".repeat(499)}…"`);
  expect(text.isWellFormed()).toBe(true);
});

test("it does not pretend to answer in a given format", async () => {
  const request = { ...ask("hi"), format: { type: "json_object" } } as const;
  expect(await collect(createDemo(), request)).toEqual([
    expect.objectContaining({ type: "failed", code: "invalid_request" }),
  ]);
});
