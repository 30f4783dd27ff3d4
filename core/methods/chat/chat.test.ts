import { AgentEventSchema, ChatEventSchema } from "@openclaw/gateway-protocol";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { type ChatWorld, mustFit, SLOW, startChatWorld } from "../../../test/support/chat-world.ts";
import { reply } from "../../../test/support/fake-model.ts";
import { eventually } from "../../../test/support/until.ts";

let w: ChatWorld;

beforeAll(async () => {
  w = await startChatWorld();
});
beforeEach(() => w.begin());
afterAll(() => w[Symbol.asyncDispose]());

test("a chat streams, and what was said is in the history", async () => {
  w.model.next(reply("Hello from the model, in many words indeed", SLOW));
  expect(await w.send("hi", "stream-1")).toEqual({ runId: "stream-1", status: "started" });
  const final = await w.ended("stream-1", "final");
  const all = w.chats("stream-1");
  for (const payload of all) mustFit(ChatEventSchema, payload);
  for (const { event, payload } of w.heard) {
    // What the gateway sends has the session beside what the schema names.
    const { sessionKey: _key, agentId: _agent, ...rest } = payload;
    if (event === "agent") mustFit(AgentEventSchema, rest);
  }
  const deltas = all.filter(({ state }) => state === "delta");
  expect(deltas.length).toBeGreaterThan(1);
  expect(deltas.map(({ deltaText }) => deltaText).join("")).toBe(
    "Hello from the model, in many words indeed",
  );
  expect(final).toMatchObject({
    sessionKey: w.key,
    stopReason: "stop",
    message: { content: [{ type: "text", text: "Hello from the model, in many words indeed" }] },
  });
  expect(await w.request("chat.history", { sessionKey: w.key })).toMatchObject({
    hasMore: false,
    totalMessages: 2,
    messages: [
      { role: "user", content: "hi", idempotencyKey: "stream-1:user" },
      { role: "assistant", stopReason: "stop", __openclaw: { runId: "stream-1", seq: 2 } },
    ],
  });
});

test("a message sent twice is answered once", async () => {
  w.model.next(reply("slowly does it", SLOW));
  await w.send("hi", "twice");
  expect(await w.send("hi", "twice")).toEqual({ runId: "twice", status: "in_flight" });
  await w.ended("twice", "final");
  expect(await w.send("hi", "twice")).toEqual({ runId: "twice", status: "ok" });
  expect(await w.request("chat.history", { sessionKey: w.key })).toMatchObject({
    totalMessages: 2,
  });
});

test("an abort keeps what was said so far, and says who wished it", async () => {
  w.model.next(reply("one two three four five six seven eight nine ten", { wordDelayMs: 200 }));
  await w.send("count", "abort-1");
  await w.ended("abort-1", "delta");
  expect(await w.request("chat.history", { sessionKey: w.key })).toMatchObject({
    messages: [{ role: "user", content: "count" }],
    inFlightRun: { runId: "abort-1" },
    sessionInfo: { hasActiveRun: true },
  });
  const answer = await w.request("chat.abort", { sessionKey: w.key, runId: "abort-1" });
  expect(answer).toEqual({ ok: true, aborted: true, runIds: ["abort-1"] });
  const end = await w.ended("abort-1", "aborted", "final");
  expect(end).toMatchObject({ state: "aborted", stopReason: "rpc" });
  mustFit(ChatEventSchema, end);
  expect(await w.request("chat.history", { sessionKey: w.key })).toMatchObject({
    messages: [{ role: "user" }, { role: "assistant", stopReason: "aborted" }],
    sessionInfo: { status: "killed", abortedLastRun: true },
  });
  expect(await w.request("agent.wait", { runId: "abort-1" })).toMatchObject({
    status: "error",
    stopReason: "rpc",
  });
});

test("a stop is a word of its own", async () => {
  w.model.next(reply("one two three four five six seven", { wordDelayMs: 200 }));
  await w.send("count", "stop-1");
  await w.ended("stop-1", "delta");
  expect(await w.send("/stop", "stop-2")).toEqual({ ok: true, aborted: true, runIds: ["stop-1"] });
});

test("a failure is told with words for the user", async () => {
  w.model.next({ kind: "fail", status: 401, headers: {}, body: "{}" });
  await w.send("hi", "fail-1");
  const end = await w.ended("fail-1", "error");
  mustFit(ChatEventSchema, end);
  expect(end["errorMessage"]).not.toContain("sk-test");
  const failure = w.request("agent", {
    message: "x",
    sessionKey: w.key,
    idempotencyKey: "fail-1",
  });
  await expect(failure).rejects.toThrow();
});

test("an agent's turn is accepted, and then answered", async () => {
  const accepted: unknown[] = [];
  const result = await w.request(
    "agent",
    {
      message: "hi",
      agentId: "main",
      sessionKey: w.key,
      deliver: false,
      idempotencyKey: "agent-1",
    },
    { expectFinal: true, onAccepted: (payload: unknown) => accepted.push(payload) },
  );
  expect(result).toMatchObject({
    runId: "agent-1",
    status: "ok",
    summary: "completed",
    result: { payloads: [{ text: "You said hi", mediaUrl: null }], meta: { aborted: false } },
  });
  expect(await w.request("agent.wait", { runId: "agent-1" })).toMatchObject({ status: "ok" });
  expect(await w.request("agent.wait", { runId: "nobody", timeoutMs: 1 })).toEqual({
    runId: "nobody",
    status: "timeout",
  });
});

test("what was accepted before the gateway was killed is answered after, once", async () => {
  w.model.next({ kind: "hang", words: 2 });
  await w.request("chat.send", {
    sessionKey: w.key,
    message: "survive",
    idempotencyKey: "killed",
  });
  await eventually(() => expect(w.sentLast()).toContain("survive"));
  await w.killAndRestart();
  const wait = await w.request("agent.wait", { runId: "killed", timeoutMs: 10_000 });
  expect(wait).toMatchObject({ status: "ok" });
  expect(await w.send("survive", "killed")).toEqual({ runId: "killed", status: "ok" });
  expect(await w.request("chat.history", { sessionKey: w.key })).toMatchObject({
    totalMessages: 2,
    messages: [
      { role: "user", content: "survive" },
      { role: "assistant", content: [{ text: "You said survive" }] },
    ],
  });
});

test.each([
  ["chat.send", {}, "session mutation target is unavailable"],
  ["chat.send", { sessionKey: "s", message: "", idempotencyKey: "e1" }, "message or attachment"],
  ["chat.send", { sessionKey: "s", message: "x", idempotencyKey: "e2", bad: 1 }, "'bad'"],
  [
    "chat.send",
    { sessionKey: "agent:nope:s", message: "x", idempotencyKey: "e3" },
    "unknown agent",
  ],
  ["agent", { message: "x", agentId: "nope", idempotencyKey: "e4" }, "unknown agent"],
  ["agent", { message: "x", deliver: true, idempotencyKey: "e5" }, "delivery needs"],
  ["chat.history", { sessionKey: "s", limit: 0 }, "limit"],
  ["sessions.resolve", { label: "nobody has it" }, "No session found"],
  ["sessions.delete", { key: "main" }, "Cannot delete the main session"],
  ["sessions.patch", { key: "s", model: "nobody/at-all" }, "model not allowed"],
  ["send", { to: "1", message: "x", channel: "telegram", idempotencyKey: "e6" }, "not configured"],
])("%s %j is refused: %s", async (method, params, why) => {
  await expect(w.request(method, params)).rejects.toThrow(why);
});

test("attachments: a picture reaches the model, what it cannot take is refused by name", async () => {
  const png = Buffer.from("89504e470d0a1a0a", "hex").toString("base64");
  const picture = { mimeType: "image/png", fileName: "p.png", content: png };
  await w.send("what is it?", "picture", { attachments: [picture] });
  await w.ended("picture", "final");
  expect(w.sentLast()).toContain(`data:image/png;base64,${png}`);
  const film = { mimeType: "video/mp4", fileName: "f.mp4", content: png };
  await expect(w.send("and this?", "film", { attachments: [film] })).rejects.toThrow("f.mp4");
  const odd = { mimeType: "image/png", content: "not base64!" };
  await expect(w.send("and this?", "odd", { attachments: [odd] })).rejects.toThrow("base64");
});

test("the command line asks, lists and shows", async () => {
  const asked = await w.gateway.run("agent", "--message", "hello", "--session-key", w.key);
  expect(asked).toMatchObject({ code: 0, out: "You said hello\n" });
  const history = await w.gateway.run("sessions", "history", w.key);
  expect(history.out).toBe("user: hello\nassistant: You said hello\n");
  const list = await w.gateway.run("sessions", "--json", "--search", w.key.slice(-7));
  expect(JSON.parse(list.out)).toMatchObject({ sessions: [{ key: w.key }] });
  const sent = await w.gateway.run(
    "message",
    "send",
    "--channel",
    "telegram",
    "--to",
    "1",
    "--message",
    "x",
    "--json",
  );
  expect(sent.code).toBe(1);
  expect(JSON.parse(sent.out)).toMatchObject({
    ok: false,
    error: { type: "gateway_request_error" },
  });
});

test("a new session is begun by a word, once, and goes on with what follows it", async () => {
  await w.send("old", `old-${w.key}`);
  await w.request("agent.wait", { runId: `old-${w.key}` });
  const runId = `new-${w.key}`;
  expect(await w.send("/new hello again", runId)).toEqual({ runId, status: "started" });
  await w.ended(runId, "final");
  expect(await w.send("/new hello again", runId)).toEqual({ runId, status: "ok" });
  expect(await w.request("chat.history", { sessionKey: w.key })).toMatchObject({
    totalMessages: 2,
    messages: [{ content: "hello again" }, {}],
  });
  const bare = await w.send("/reset", `bare-${w.key}`);
  expect(bare).toMatchObject({ status: "started" });
  mustFit(ChatEventSchema, await w.ended(`bare-${w.key}`, "final"));
  expect(await w.send("/reset", `bare-${w.key}`)).toMatchObject({ status: "ok" });
  expect(await w.request("chat.history", { sessionKey: w.key })).toMatchObject({ messages: [] });
});
