/** What was used is what the vendor has counted, whatever becomes of the core. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { type EdgeChat, startEdgeChat } from "../support/edge-chat.ts";
import { reply } from "../support/fake-model.ts";

let w: EdgeChat;

beforeAll(async () => {
  w = await startEdgeChat();
});
afterAll(() => w[Symbol.asyncDispose]());

/** Of each answer of the vendor. */
const COUNTED = [
  { input: 101, output: 11 },
  { input: 203, output: 29 },
  { input: 307, output: 31 },
  { input: 401, output: 43 },
  { input: 503, output: 59 },
] as const;

const sum = (of: "input" | "output"): number =>
  COUNTED.reduce((total, counted) => total + counted[of], 0);

test("usage.cost is what the vendor has counted, of turns over HTTP and of tools as well, over kills", async () => {
  const [first, tool, afterTool, http, again] = COUNTED;
  const key = "agent:main:usage";
  w.model.next(
    reply("one", { usage: first }),
    reply("", { toolCalls: [{ id: "c1", name: "clock", input: "{}" }], usage: tool }),
    reply("two", { usage: afterTool }),
    reply("three", { usage: http }),
    { kind: "hang", words: 2 },
    reply("four", { usage: again }),
  );
  expect(await w.say(key, "the first")).toBe("one");
  expect(await w.say(key, "what time is it")).toBe("two");
  const response = await fetch(new URL("/v1/chat/completions", w.edge.url), {
    method: "POST",
    headers: { Authorization: `Bearer ${w.home.token}`, "Content-Type": "application/json" },
    body: JSON.stringify({ model: "openclaw", messages: [{ role: "user", content: "x" }] }),
  });
  expect(await response.json()).toMatchObject({
    usage: { prompt_tokens: 401, completion_tokens: 43 },
  });
  // Killed with the answer just out, and in the middle of another, which is asked for once more.
  await w.kill();
  await w.start();
  await w.send(key, "the last", "cut-off");
  await w.model.waitForRequests(5);
  await w.kill();
  await w.start();
  expect(await w.ended("cut-off")).toMatchObject({ state: "final" });

  const cost = { totals: { input: sum("input"), output: sum("output") } };
  expect(await w.request("usage.cost", {})).toMatchObject(cost);
  expect(await w.request("sessions.usage", {})).toMatchObject(cost);
  await w.kill();
  await w.start();
  expect(await w.request("usage.cost", { agentScope: "all" })).toMatchObject(cost);
});
