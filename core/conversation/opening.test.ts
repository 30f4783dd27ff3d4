import { expect, test } from "vitest";
import { wishesOf } from "./opening.ts";

const AGENT = {
  thinking: (ref: string) => (ref === "p/thinker" ? ("high" as const) : undefined),
  fast: () => true,
  reasoning: "stream",
} as const;

test("without another wish the agent's own counts, model by model", () => {
  const { thinking, fast, reasoning } = wishesOf({}, {}, AGENT);
  expect([thinking?.("p/thinker"), thinking?.("p/other"), fast?.("p/x"), reasoning]).toEqual([
    "high",
    undefined,
    true,
    "stream",
  ]);
});

test("a session's wish counts before it, and a turn's before both", () => {
  const settings = { thinkingLevel: "low", fastMode: false, reasoningLevel: "on" };
  const ofSession = wishesOf({}, settings, AGENT);
  expect([ofSession.thinking?.("p/thinker"), ofSession.fast?.("p/x"), ofSession.reasoning]).toEqual(
    ["low", false, "on"],
  );
  const ofTurn = wishesOf({ thinking: "off", fast: true }, settings, AGENT);
  expect([ofTurn.thinking?.("p/thinker"), ofTurn.fast?.("p/x")]).toEqual(["off", true]);
});

test("what a session has that makes no sense counts for nothing", () => {
  const settings = { thinkingLevel: "big", fastMode: "auto", reasoningLevel: 5 };
  const { thinking, fast, reasoning } = wishesOf({}, settings, AGENT);
  expect([thinking?.("p/thinker"), fast?.("p/x"), reasoning]).toEqual(["high", true, "stream"]);
});
