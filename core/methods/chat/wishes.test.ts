import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { type ChatWorld, startChatWorld } from "../../../test/support/chat-world.ts";

let w: ChatWorld;

beforeAll(async () => {
  w = await startChatWorld();
}, 60_000);

afterAll(() => w[Symbol.asyncDispose]());

beforeEach(() => w.begin());

/** What the model was told of one answer to `message`. */
async function asked(message: string, more: object = {}): Promise<unknown> {
  const id = crypto.randomUUID();
  await w.send(message, id, more);
  await w.ended(id, "final", "error");
  return JSON.parse(w.sentLast());
}

test("how much is thought is asked of the model: by a message, by its session, or not at all", async () => {
  expect(await asked("one")).not.toHaveProperty("body.reasoning_effort");
  expect(JSON.stringify(await asked("two", { thinking: "low" }))).toContain(
    '"reasoning_effort":"low"',
  );
  await w.request("sessions.patch", { key: w.key, thinkingLevel: "Extra High" });
  expect(JSON.stringify(await asked("three"))).toContain('"reasoning_effort":"xhigh"');
  expect(JSON.stringify(await asked("four", { thinking: "off" }))).toContain(
    '"reasoning_effort":"none"',
  );
});

test("a word that is no level is refused, and changes nothing", async () => {
  const patch = w.request("sessions.patch", { key: w.key, thinkingLevel: "big" });
  await expect(patch).rejects.toThrow("invalid thinkingLevel");
  await expect(w.send("hi", "bad", { thinking: "big" })).rejects.toThrow("invalid thinkingLevel");
  expect(await w.request("sessions.describe", { key: w.key })).toEqual({ session: null });
});

test("clients are told what a model can think, what fits into it, and what a session has", async () => {
  const facts = {
    thinkingLevels: expect.arrayContaining([{ id: "xhigh", label: "xhigh" }]),
    thinkingDefault: "medium",
  };
  expect(await w.request("models.list", {})).toMatchObject({ models: [facts] });
  await w.request("sessions.patch", { key: w.key, thinkingLevel: "high" });
  expect(await w.request("chat.history", { sessionKey: w.key })).toMatchObject({
    thinkingLevel: "high",
    defaults: { ...facts, contextTokens: expect.any(Number) },
    sessionInfo: { ...facts, thinkingLevel: "high", contextTokens: expect.any(Number) },
  });
  expect(await w.request("agents.list", {})).toMatchObject({ agents: [facts] });
});
