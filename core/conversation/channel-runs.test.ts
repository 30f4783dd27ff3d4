import { expect, test } from "vitest";
import { fails, waitsFor } from "../../test/support/scripted-model.ts";
import { startTelegramEngine } from "../../test/support/telegram-engine.ts";
import { privateText } from "../../test/support/telegram-updates.ts";
import type { RunEvent } from "./run.ts";
import { eventually } from "../../test/support/until.ts";

const never = new Promise<void>(() => undefined);
const SESSION = "agent:main:telegram:direct:42";

test("an answer on its way to a chat can be aborted: nothing is sent, and the chat goes on", async () => {
  await using bot = await startTelegramEngine();
  const events: RunEvent[] = [];
  bot.engine.runs.watch((event) => events.push(event));
  bot.model.next(waitsFor(never));
  bot.fake.push(privateText(1, "think for ever"));
  await eventually(() =>
    expect(bot.engine.runs.active(SESSION)).toMatchObject([{ status: "running" }]),
  );
  expect(bot.engine.runs.active(SESSION)).toMatchObject([{ kind: "channel" }]);
  const [id = ""] = await bot.engine.runs.abort({ sessionKey: SESSION });
  bot.fake.push(privateText(2, "and now?"));
  await bot.fake.until(() => bot.fake.sent.length === 1);
  expect(bot.told(42)).toEqual(["echo: and now?"]);
  expect(events.filter(({ run }) => run.id === id).map(({ type }) => type)).toEqual([
    "queued",
    "started",
    "aborted",
  ]);
  const said = (await bot.store.history(SESSION, 9)).map(({ message }) => message.text);
  expect(said).toEqual(["think for ever", "and now?", "echo: and now?"]);
  expect(await bot.store.sessions.find(SESSION)).toMatchObject({
    createdBy: "channel",
    origin: { channel: "telegram", conversation: "42" },
  });
});

test("a turn that is tried again later is one run, and its failure is not told as its end", async () => {
  await using bot = await startTelegramEngine();
  const types: string[] = [];
  bot.engine.runs.watch(({ type }) => types.push(type));
  bot.model.next(fails("model_overloaded"));
  bot.fake.push(privateText(1, "hello"));
  await eventually(() => expect(types).toEqual(["queued", "started", "queued"]));
  expect(bot.engine.runs.active()).toMatchObject([{ status: "queued" }]);
});

test("the answer of a run goes to a chat as well, once, when it is asked to", async () => {
  await using bot = await startTelegramEngine();
  bot.fake.push(privateText(1, "hello"));
  await bot.fake.until(() => bot.fake.sent.length === 1);
  const order = {
    id: "r",
    kind: "agent",
    sessionKey: "agent:main:main",
    message: "hi",
    deliver: { channel: "telegram", to: "42" },
  } as const;
  await bot.engine.runs.start(order);
  await bot.fake.until(() => bot.fake.sent.length === 2);
  expect((await bot.engine.runs.start(order)).fresh).toBe(false);
  expect(bot.told(42)).toEqual(["echo: hello", "echo: hi"]);
  expect((await bot.store.sessions.find("agent:main:main"))?.origin).toEqual({
    channel: "telegram",
    conversation: "42",
  });
});
