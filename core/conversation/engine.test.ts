import { expect, test } from "vitest";
import { blockedByUser, tooManyRequests } from "../../test/support/fake-telegram.ts";
import { ManualClock } from "../../test/support/clock.ts";
import { fails, says, waitsFor } from "../../test/support/scripted-model.ts";
import { startTelegramEngine } from "../../test/support/telegram-engine.ts";
import { groupText, mentionOf, privateText } from "../../test/support/telegram-updates.ts";
import { MAX_TURN_ATTEMPTS } from "./reply.ts";
import { eventually } from "../../test/support/until.ts";

test("a message is answered in its chat, and the typing notice shows meanwhile", async () => {
  await using bot = await startTelegramEngine();
  const gate = Promise.withResolvers<void>();
  bot.model.next(waitsFor(gate.promise));
  bot.fake.push(privateText(1, "hello", { from: 7 }));
  await bot.fake.until(() => bot.fake.typing.includes("7"));
  gate.resolve();
  await bot.fake.until(() => bot.fake.sent.length === 1);
  expect(bot.told(7)).toEqual(["echo: hello"]);
});

test("a conversation remembers what was said, and begins with who the agent is", async () => {
  await using bot = await startTelegramEngine({ system: "You are brief." });
  await bot.fake.post(privateText(1, "my name is Ada"));
  await bot.fake.until(() => bot.fake.sent.length === 1);
  await bot.fake.post(privateText(2, "what is my name?"));
  await bot.fake.until(() => bot.fake.sent.length === 2);
  expect(bot.model.requests[1]?.messages).toEqual([
    { role: "system", text: "You are brief." },
    { role: "user", text: "my name is Ada" },
    { role: "assistant", text: "echo: my name is Ada", toolCalls: [] },
    { role: "user", text: "what is my name?" },
  ]);
  expect(await bot.store.history("agent:main:telegram:direct:42", 10)).toHaveLength(4);
});

test("messages of one chat are answered in order, other chats need not wait", async () => {
  await using bot = await startTelegramEngine();
  const gate = Promise.withResolvers<void>();
  bot.model.next(waitsFor(gate.promise));
  bot.fake.push(privateText(1, "slow", { from: 1 }), privateText(2, "next", { from: 1 }));
  await bot.fake.until(() => bot.fake.typing.includes("1"));
  bot.fake.push(privateText(3, "quick", { from: 2 }));
  await bot.fake.until(() => bot.fake.sent.length === 1);
  expect(bot.told(2)).toEqual(["echo: quick"]);
  gate.resolve();
  await bot.fake.until(() => bot.fake.sent.length === 3);
  expect(bot.told(1)).toEqual(["echo: slow", "echo: next"]);
});

test("in the scope `main` two chats share one session, and its turns do not mix", async () => {
  await using bot = await startTelegramEngine({ dmScope: "main" });
  bot.fake.push(privateText(1, "a", { from: 1 }), privateText(2, "b", { from: 2 }));
  await bot.fake.until(() => bot.fake.sent.length === 2);
  const stored = await bot.store.history("agent:main:main", 10);
  expect(stored.map(({ message }) => message.text)).toEqual(["a", "echo: a", "b", "echo: b"]);
  expect([bot.told(1), bot.told(2)]).toEqual([["echo: a"], ["echo: b"]]);
});

test("a group hears from us only when it asks, and is a session of its own", async () => {
  await using bot = await startTelegramEngine();
  const ask = "@sallyport_test_bot what now?";
  bot.fake.push(groupText(1, "just talking"), groupText(2, ask, mentionOf(ask)));
  await bot.fake.until(() => bot.fake.sent.length === 1);
  expect(bot.told(-100_500)).toEqual([`echo: Ada: ${ask}`]);
  const stored = await bot.store.history("agent:main:telegram:group:-100500", 10);
  expect(stored).toHaveLength(2);
});

test("a long answer is split, and its pieces arrive in order, also around a 429", async () => {
  await using bot = await startTelegramEngine();
  const words = Array.from({ length: 3_000 }, (_, index) => `w${index}`);
  bot.model.next(says(words.join(" ")));
  bot.fake.fail("sendMessage", tooManyRequests(1));
  bot.fake.push(privateText(1, "tell me everything"), privateText(2, "and then?"));
  await bot.fake.until(() => bot.told(42).includes("echo: and then?"));
  const told = bot.told(42);
  expect(told.length).toBeGreaterThan(3);
  expect(told.slice(0, -1).join(" ").split(" ")).toEqual(words);
  expect(told.at(-1)).toBe("echo: and then?");
});

test("a model that is overloaded is asked again later, and nothing is said twice", async () => {
  const clock = new ManualClock();
  await using bot = await startTelegramEngine({ clock });
  bot.model.next(fails("model_overloaded"), fails("rate_limited", { retryAfterMs: 90_000 }));
  bot.fake.push(privateText(1, "hello"));
  await clock.waiting(30_000);
  clock.advance(30_000);
  await clock.waiting(90_000);
  clock.advance(90_000);
  await bot.fake.until(() => bot.fake.sent.length > 0);
  expect(bot.told(42)).toEqual(["echo: hello"]);
  expect(bot.model.requests).toHaveLength(3);
  expect(await bot.store.history("agent:main:telegram:direct:42", 10)).toHaveLength(2);
});

test("after the last try people are told, once, and the chat goes on", async () => {
  const clock = new ManualClock();
  await using bot = await startTelegramEngine({ clock });
  bot.model.next(...Array.from({ length: MAX_TURN_ATTEMPTS }, () => fails("model_overloaded")));
  bot.fake.push(privateText(1, "hello"), privateText(2, "still there?"));
  for (let attempt = 1; attempt < MAX_TURN_ATTEMPTS; attempt += 1) {
    await clock.waiting(30_000);
    clock.advance(30_000);
  }
  await bot.fake.until(() => bot.fake.sent.length === 2);
  expect(bot.told(42)).toEqual([
    "⚠️ The model is overloaded. I tried 5 times. Please send your message again later.",
    "echo: still there?",
  ]);
});

test("a refused key is told at once, without another try", async () => {
  await using bot = await startTelegramEngine();
  bot.model.next(fails("model_unauthorized", { after: "Well, " }));
  bot.fake.push(privateText(1, "hello"));
  await bot.fake.until(() => bot.fake.sent.length === 1);
  expect(bot.told(42)).toEqual([
    "Well,\n\n⚠️ The answer broke off here. I could not answer this: model_unauthorized happened.",
  ]);
});

test("an answer that perhaps arrived is not sent again, and the next one is", async () => {
  await using bot = await startTelegramEngine();
  bot.fake.fail("sendMessage", { kind: "accept_then_502" });
  bot.fake.push(privateText(1, "one"), privateText(2, "two"));
  await bot.fake.until(() => bot.fake.sent.length === 2);
  expect(bot.told(42)).toEqual(["echo: one", "echo: two"]);
  expect(bot.logged()).toContain("unknown whether it arrived");
});

test("a chat that threw us out does not hold up the others", async () => {
  await using bot = await startTelegramEngine();
  bot.fake.fail("sendMessage", blockedByUser);
  await bot.fake.post(privateText(1, "bye", { from: 1 }));
  bot.fake.push(privateText(2, "hi", { from: 2 }));
  await bot.fake.until(() => bot.fake.sent.length === 1);
  expect(bot.told(2)).toEqual(["echo: hi"]);
});

test("an update that cannot be read is buried and blocks nothing", async () => {
  await using bot = await startTelegramEngine();
  bot.fake.push({ update_id: 1, message: { chat: { id: 42, type: "private" }, text: 17 } });
  bot.fake.push({ update_id: 2, something_new: { chat: { id: 42 } } });
  bot.fake.push(privateText(3, "fine"));
  await bot.fake.until(() => bot.fake.sent.length === 1);
  expect(bot.told(42)).toEqual(["echo: fine"]);
  expect(bot.logged()).toContain("inbox item buried");
});

test("a stranger gets one code, reaches the model only once approved, and is remembered", async () => {
  const access = {
    dmPolicy: "pairing",
    allowFrom: [],
    groupPolicy: "disabled",
    groupAllowFrom: [],
  } as const;
  await using bot = await startTelegramEngine({ access });
  bot.fake.push(privateText(1, "let me in"), privateText(2, "please"), privateText(3, "now"));
  await eventually(() => expect(bot.logged().match(/message of a stranger/g)).toHaveLength(3));
  const [request] = await bot.engine.pairing.pending("telegram");
  expect(request).toMatchObject({ sender: "42", name: "Ada" });
  await bot.engine.pairing.approve("telegram", request?.code ?? "");
  bot.fake.push(privateText(4, "thank you"));
  await bot.fake.until(() => bot.fake.sent.length === 2);
  const [code, answer] = bot.told(42);
  expect(code).toContain(`sallyport pairing approve telegram ${request?.code}`);
  expect(answer).toBe("echo: thank you");
  expect(bot.model.requests).toHaveLength(1);
});

test("a webhook's text reaches the agent as data, and its answer goes where it was asked to", async () => {
  await using bot = await startTelegramEngine();
  bot.fake.chats.add("42");
  bot.model.next(says("The build is green."));
  const payload = { kind: "agent", name: "CI", message: "build 7 passed", deliver: true } as const;
  const request = {
    id: "d1",
    lane: "hook:ci",
    payload: { ...payload, channel: "telegram", to: "42" },
  };
  expect(await bot.engine.acceptHook(request)).toBe(true);
  expect(await bot.engine.acceptHook(request)).toBe(false);
  await bot.fake.until(() => bot.fake.sent.length === 1);
  expect(bot.told(42)).toEqual(["The build is green."]);
  const prompt = bot.model.requests[0]?.messages.at(-1)?.text ?? "";
  expect(prompt).toMatch(/came from the webhook "CI"[\s\S]*\n--- (\S+)\nbuild 7 passed\n--- \1$/);
  expect(await bot.store.history("agent:main:hook:agent:d1", 10)).toHaveLength(2);
});

test("draining lets the turn under way end, and begins no other", async () => {
  await using bot = await startTelegramEngine();
  const gate = Promise.withResolvers<void>();
  bot.model.next(waitsFor(gate.promise));
  bot.fake.push(privateText(1, "one"), privateText(2, "two"));
  await bot.fake.until(() => bot.fake.queue.pending.length === 0 && bot.fake.typing.length > 0);
  const drained = bot.engine.drain(60_000);
  gate.resolve();
  await drained;
  expect(bot.model.requests).toHaveLength(1);
  expect(await bot.store.history("agent:main:telegram:direct:42", 10)).toHaveLength(2);
});

test("a turn that is cut off at the deadline waits for the next start", async () => {
  await using bot = await startTelegramEngine();
  bot.model.next(waitsFor(new Promise(() => undefined)));
  bot.fake.push(privateText(1, "one"));
  await bot.fake.until(() => bot.fake.typing.length > 0);
  await bot.engine.drain(0);
  expect(bot.fake.sent).toEqual([]);
  expect(await bot.store.take(10, Date.now())).toMatchObject([
    { id: "telegram:7000001:1", attempt: 2 },
  ]);
});

test("no message text and no token stands in the log", async () => {
  await using bot = await startTelegramEngine();
  bot.model.next(says("the secret answer"), fails("model_unauthorized"));
  bot.fake.fail("sendMessage", { kind: "hang_up" });
  bot.fake.push(privateText(1, "the secret question"), privateText(2, "another secret"));
  await bot.fake.until(() => bot.fake.sent.length === 1);
  const logged = bot.logged();
  expect(logged).toContain("turn finished");
  expect(logged).toContain('"session":"agent:main:telegram:direct:42"');
  expect(logged).not.toContain("secret");
  expect(logged).not.toContain(bot.fake.token);
});
