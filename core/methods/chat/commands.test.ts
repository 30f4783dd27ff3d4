import { ChatEventSchema } from "@openclaw/gateway-protocol";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import * as z from "zod";
import { type ChatWorld, mustFit, startChatWorld } from "../../../test/support/chat-world.ts";
import { reply } from "../../../test/support/fake-model.ts";
import { resetOf } from "./commands.ts";

let w: ChatWorld;

beforeAll(async () => {
  w = await startChatWorld();
});
beforeEach(() => w.begin());
afterAll(() => w[Symbol.asyncDispose]());

const Final = z.object({
  message: z.object({ content: z.tuple([z.object({ text: z.string() })]) }),
});

/** Sends it, and gives the answer. */
async function say(message: string, runId = crypto.randomUUID()): Promise<string> {
  expect(await w.send(message, runId)).toEqual({ runId, status: "started" });
  const end = await w.ended(runId, "final");
  mustFit(ChatEventSchema, end);
  return Final.parse(end).message.content[0].text;
}

test.each([
  ["/new", { rest: "" }],
  ["/reset  what is\nnew? ", { rest: "what is\nnew?" }],
  ["/newest", undefined],
  ["say /new", undefined],
  ["/stop", undefined],
  ["", undefined],
])("%j begins a session: %j", (message, reset) => {
  expect(resetOf(message)).toEqual(reset);
});

test("a client hears of the gateway and its session, and no model is asked", async () => {
  await say("hello");
  const asked = w.model.requests.length;
  const status = await say("/status");
  expect(status).toMatch(/^Sallyport \d+\.\d+\.\d+ · up \d+ min · no edge$/m);
  expect(status).toContain(`session \`${w.key}\``);
  expect(status).toMatch(/^Context \d+ tokens.* · 2 messages$/m);
  expect(await say("/models")).toContain("in use");
  expect(await say("/whoami")).toContain("a client of the gateway");
  expect(await say("/help")).toContain("/commands");
  expect(await say("/activation always")).toBe("/activation is for groups.");
  expect(w.model.requests).toHaveLength(asked);
  expect(await w.request("chat.history", { sessionKey: w.key })).toMatchObject({
    totalMessages: 2,
  });
});

test("what a command changes is a change of the session like any other", async () => {
  expect(await say("/think high")).toBe("Thinking: high.");
  expect(await w.request("sessions.describe", { key: w.key })).toMatchObject({
    session: { thinkingLevel: "high" },
  });
  expect(await say("/model nobody/nothing")).toContain("Nothing has changed");
  await w.request("sessions.patch", { key: w.key, thinkingLevel: null });
  expect(await say("/think")).toMatch(/^Thinking: (?!high)/);
});

test("a session that is closed to writing still hears commands", async () => {
  await say("/send off");
  await expect(w.send("hello", "closed-1")).rejects.toThrow("send blocked");
  expect(await say("/send inherit")).toContain("as by default");
  expect(await say("hello")).toBe("You said hello");
});

test("a session is compacted by a word: who asked is told when it is done", async () => {
  for (const word of ["a", "b", "c", "d", "e", "f"]) await say(word);
  w.model.next(reply("They have counted"));
  const runId = crypto.randomUUID();
  expect(await say("/compact keep the last letter", runId)).toBe(
    "Compacted: a summary stands for 4 messages from now on.",
  );
  expect(w.sentLast()).toContain("Above all: keep the last letter");
  expect(await w.send("/compact keep the last letter", runId)).toEqual({ runId, status: "ok" });
});

test("what is not to be read as a command is for the agent", async () => {
  const runId = crypto.randomUUID();
  await w.send("/status", runId, { suppressCommandInterpretation: true });
  expect(await w.ended(runId, "final")).toMatchObject({
    message: { content: [{ text: "You said /status" }] },
  });
});

test("what comes with a command is asked by the next try, when it was not by the first", async () => {
  await say("/send off");
  const runId = crypto.randomUUID();
  await expect(w.send("/new who am I?", runId)).rejects.toThrow("send blocked");
  await w.request("sessions.patch", { key: w.key, sendPolicy: null });
  expect(await say("/new who am I?", runId)).toBe("You said who am I?");
});

test("whoever names the session that they begin anew is answered in the new one", async () => {
  await say("old");
  const { session } = z
    .object({ session: z.object({ sessionId: z.string() }) })
    .parse(await w.request("sessions.describe", { key: w.key }));
  const runId = crypto.randomUUID();
  await w.send("/new hello", runId, { sessionId: session.sessionId });
  expect(await w.ended(runId, "final")).toMatchObject({
    message: { content: [{ text: "You said hello" }] },
  });
});

test("a session that was begun anew is not begun anew again by the same command after a kill", async () => {
  await say("old");
  const runId = crypto.randomUUID();
  await say("/new", runId);
  await say("kept");
  await w.killAndRestart();
  expect(await w.send("/new", runId)).toMatchObject({ runId });
  expect(await w.request("chat.history", { sessionKey: w.key })).toMatchObject({
    totalMessages: 2,
  });
});

test("commands are listed for whoever offers them", async () => {
  expect(await w.request("commands.list", {})).toMatchObject({
    commands: expect.arrayContaining([
      expect.objectContaining({
        name: "think",
        acceptsArgs: true,
        textAliases: ["/think", "/thinking", "/t"],
      }),
    ]),
  });
});
