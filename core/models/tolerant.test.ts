import { expect, test } from "vitest";
import type { ModelEvent, ModelFailure, ModelRequest } from "./model.ts";
import { Tolerance } from "./tolerant.ts";

const WISHES: ModelRequest = {
  messages: [{ role: "user", text: "hi" }],
  tools: [],
  temperature: undefined,
  maxOutputTokens: undefined,
  thinking: "high",
  fast: true,
};

function refusal(code: ModelFailure["code"], message = ""): ModelFailure {
  return { type: "failed", code, message, retryAfterMs: undefined };
}

const DONE: ModelEvent = {
  type: "done",
  stop: "end",
  usage: { inputTokens: 1, outputTokens: 1 },
};

/** A provider that answers as `decide` says; with what it was asked. */
function provider(decide: (request: ModelRequest) => ModelEvent[]) {
  const asked: ModelRequest[] = [];
  const tolerance = new Tolerance();
  return {
    asked,
    ask: (request: ModelRequest) =>
      Array.fromAsync(
        tolerance.ask(request, async function* (one) {
          asked.push(one);
          yield* decide(one);
        }),
      ),
  };
}

test("a wish that is refused is left out, now and from then on", async () => {
  const p = provider(({ thinking }) =>
    thinking === undefined
      ? [DONE]
      : [refusal("invalid_request", "Unrecognized request argument: reasoning_effort")],
  );
  expect(await p.ask(WISHES)).toEqual([DONE]);
  expect(await p.ask(WISHES)).toEqual([DONE]);
  expect(p.asked.map(({ thinking, fast }) => [thinking, fast])).toEqual([
    ["high", true],
    [undefined, true],
    [undefined, true],
  ]);
});

test("a refusal that names nothing may be for any of the wishes", async () => {
  const p = provider(({ thinking, fast }) =>
    thinking === undefined && fast === undefined ? [DONE] : [refusal("invalid_request", "no")],
  );
  expect(await p.ask(WISHES)).toEqual([DONE]);
  expect(p.asked).toHaveLength(2);
});

test("a request that is refused without its wishes too is not tried a third time, nor blamed on them", async () => {
  const p = provider(() => [refusal("invalid_request", "messages are too long")]);
  expect(await p.ask(WISHES)).toEqual([refusal("invalid_request", "messages are too long")]);
  expect(p.asked).toHaveLength(2);
  await p.ask(WISHES);
  expect(p.asked[2]).toMatchObject({ thinking: "high", fast: true });
});

test("a full quota of the faster service does not keep the answer, and may be gone next time", async () => {
  const p = provider(({ fast }) => (fast === true ? [refusal("rate_limited")] : [DONE]));
  expect(await p.ask(WISHES)).toEqual([DONE]);
  await p.ask(WISHES);
  expect(p.asked.map(({ fast }) => fast)).toEqual([true, undefined, true, undefined]);
});

test.each<[string, ModelEvent[]]>([
  ["an overload", [refusal("model_overloaded")]],
  ["an answer that breaks off", [{ type: "text", delta: "a" }, refusal("invalid_request")]],
])("%s is passed on as it is", async (_name, events) => {
  const p = provider(() => events);
  expect(await p.ask(WISHES)).toEqual(events);
  expect(p.asked).toHaveLength(1);
});

test("without a wish a refusal is a refusal", async () => {
  const p = provider(() => [refusal("invalid_request")]);
  await p.ask({ ...WISHES, thinking: undefined, fast: undefined });
  expect(p.asked).toHaveLength(1);
});
