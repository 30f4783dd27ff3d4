import { DatabaseSync } from "node:sqlite";
import { join } from "node:path";
import { expect, test } from "vitest";
import * as z from "zod";
import { botInProcess } from "../../test/support/bot-in-process.ts";
import { privateText } from "../../test/support/telegram-updates.ts";

const Said = z.object({ role: z.string(), text: z.string() });
const CHATS = [1, 2, 3];
/** Every start of a process takes its time when the machine is busy. */
const SLOW = { timeout: 90_000 };

/** A bot whose engine can be killed, and what is in its store. */
async function world() {
  const bot = await botInProcess();
  const { stateDir, fake } = bot;
  return {
    fake,
    start: bot.start,
    /** Texts of the replies that were given up because nobody knows whether they arrived. */
    lost(): string[] {
      using database = new DatabaseSync(join(stateDir, "sallyport.sqlite"), { readOnly: true });
      const rows = database.prepare("select text from outbox where state = 'lost'").all();
      return rows.map(({ text }) => String(text));
    },
    /** What people said, as it is kept. */
    said(): string[] {
      using database = new DatabaseSync(join(stateDir, "sallyport.sqlite"), { readOnly: true });
      const rows = database.prepare("select message from message order by seq").all();
      return rows.flatMap(({ message }) => {
        const { role, text } = Said.parse(JSON.parse(String(message)));
        return role === "user" ? [text] : [];
      });
    },
    /** Messages that have not been worked off. */
    waiting(): number {
      using database = new DatabaseSync(join(stateDir, "sallyport.sqlite"), { readOnly: true });
      return database.prepare("select 1 from inbox where ended_at is null").all().length;
    },
    told: (chat: number) =>
      fake.sent.filter((sent) => sent.chat === String(chat)).map(({ text }) => text),
    [Symbol.asyncDispose]: () => bot[Symbol.asyncDispose](),
  };
}

test(
  "a core that is killed in the middle of its turns answers each message once after its start",
  SLOW,
  async () => {
    await using bot = await world();
    const killFirst = bot.start("hang");
    for (let id = 1; id <= 9; id += 1) {
      bot.fake.push(privateText(id, `message ${id}`, { from: CHATS[id % 3] ?? 1 }));
    }
    // Every update is taken and every chat has a turn under way.
    await bot.fake.until(
      () => bot.fake.queue.pending.length === 0 && new Set(bot.fake.typing).size === 3,
    );
    await killFirst();
    expect(bot.fake.sent).toEqual([]);
    const killSecond = bot.start();
    await bot.fake.until(() => bot.fake.sent.length === 9);
    await killSecond();
    expect(CHATS.map((chat) => bot.told(chat))).toEqual([
      ["echo: message 3", "echo: message 6", "echo: message 9"],
      ["echo: message 1", "echo: message 4", "echo: message 7"],
      ["echo: message 2", "echo: message 5", "echo: message 8"],
    ]);
    expect(bot.lost()).toEqual([]);
  },
);

test(
  "whenever it is killed, no reply comes twice or out of order, and none is lost in silence",
  SLOW,
  async () => {
    await using bot = await world();
    const texts = Array.from({ length: 30 }, (_, index) => `m${index + 1}`);
    for (const [index, text] of texts.entries()) {
      bot.fake.push(privateText(index + 1, text, { from: CHATS[index % 3] ?? 1 }));
    }
    // Killed after so many calls: at the first poll, while typing, while sending, in between.
    for (const calls of [4, 3, 7, 5, 11, 6]) {
      const before = bot.fake.calls.length;
      const kill = bot.start();
      await bot.fake.until(() => bot.fake.calls.length >= before + calls);
      await kill();
    }
    const killLast = bot.start();
    const marker = 99;
    for (const chat of CHATS) bot.fake.push(privateText(marker + chat, "the end", { from: chat }));
    await bot.fake.until(() => CHATS.every((chat) => bot.told(chat).includes("echo: the end")));
    await killLast();
    const lost = new Set(bot.lost());
    for (const [index, chat] of CHATS.entries()) {
      const all = texts.filter((_, place) => place % 3 === index).map((text) => `echo: ${text}`);
      const told = bot.told(chat).slice(0, -1);
      expect(new Set(told).size).toBe(told.length);
      expect(told).toEqual(all.filter((text) => told.includes(text)));
      expect(all.filter((text) => !told.includes(text) && !lost.has(text))).toEqual([]);
    }
  },
);

test.each(["steer", "collect"])(
  "with %s, a core that is killed again and again keeps every message once, and answers the last",
  SLOW,
  async (mode) => {
    await using bot = await world();
    const texts = Array.from({ length: 24 }, (_, index) => `m${index + 1}`);
    for (const [index, text] of texts.entries()) {
      bot.fake.push(privateText(index + 1, text, { from: 1 }));
    }
    for (const calls of [3, 4, 5, 4, 6]) {
      const before = bot.fake.calls.length;
      const kill = bot.start(mode);
      await bot.fake.until(() => bot.fake.calls.length >= before + calls);
      await kill();
    }
    const killLast = bot.start(mode);
    bot.fake.push(privateText(99, "the end", { from: 1 }));
    await bot.fake.until(() => bot.told(1).some((text) => text.includes("the end")));
    await killLast();
    const said = bot.said();
    expect(said).toEqual([...texts, "the end"]);
    expect(bot.waiting()).toBe(0);
  },
);
