import { expect, test } from "vitest";
import { MAIN, runWorld, type RunWorld } from "../../test/support/run-world.ts";
import { echo, type Script } from "../../test/support/scripted-model.ts";
import { systemClock } from "../channels/clock.ts";
import { EndedRuns } from "./ended-runs.ts";
import { LiveRuns } from "./live-runs.ts";

const BLOCK = { model: "test/scripted", kind: "signed", text: "hm", seal: "s" } as const;

/** Thinks, and then calls the tool. */
const thinks: Script = async function* () {
  yield { type: "thinking", delta: "h" };
  yield { type: "thinking", delta: "m" };
  yield { type: "thought", block: BLOCK };
  yield { type: "tool_call", call: { id: "c", name: "look", input: "{}" } };
  yield { type: "done", stop: "tool_calls", usage: { inputTokens: 3, outputTokens: 2 } };
};

const LOOK = { spec: { name: "look", description: "", parameters: {} }, run: async () => "seen" };

async function answered(w: RunWorld): Promise<void> {
  w.model.next(thinks, echo);
  await w.engine.runs.start(w.order("r", { thinking: "high", fast: true }));
  await w.until(({ type, run }) => type === "done" && run.id === "r");
}

test("a thought goes back to its model until the calls are over, and no session keeps it", async () => {
  await using w = await runWorld({ tools: [LOOK] });
  await answered(w);
  expect(w.model.requests).toMatchObject([
    { thinking: "high", fast: true, showThinking: undefined },
    { messages: [{}, { role: "assistant", thoughts: [BLOCK] }, { role: "tool" }] },
  ]);
  const kept = await w.store.history(MAIN, 9);
  expect(kept.some(({ message }) => "thoughts" in message)).toBe(false);
  expect(await w.texts()).toEqual(["ask r", "", "seen", "echo: seen"]);
});

test("of a run that is over, no thoughts are remembered", () => {
  const run = new LiveRuns(systemClock.now).open({
    id: "r",
    kind: "channel",
    sessionKey: MAIN,
    question: "q",
    acceptedAt: 1,
  });
  run.think("hm");
  const ended = new EndedRuns(systemClock.now);
  ended.add({ ...run.state, endedAt: systemClock.now() });
  expect(ended.find("r")).toMatchObject({ question: "", text: "", thinking: undefined });
});

test("what is thought is told in a session that wants it, and nowhere else", async () => {
  await using w = await runWorld({ tools: [LOOK] });
  await answered(w);
  expect(w.events.filter(({ type }) => type === "thinking")).toEqual([]);
  await w.store.sessions.patch(MAIN, { settings: { reasoningLevel: "stream" } }, 1);
  w.model.next(thinks, echo);
  await w.engine.runs.start(w.order("again"));
  await w.until(({ type, run }) => type === "done" && run.id === "again");
  const told = w.events.filter(({ type }) => type === "thinking");
  expect(told).toMatchObject([{ delta: "h" }, { delta: "m", run: { thinking: "hm" } }]);
  expect(w.model.requests.at(-1)?.showThinking).toBe(true);
  expect((await w.engine.runs.find("again"))?.text).toBe("echo: seen");
});
