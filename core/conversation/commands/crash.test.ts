import { expect, test } from "vitest";
import { botInProcess } from "../../../test/support/bot-in-process.ts";
import { privateText } from "../../../test/support/telegram-updates.ts";

/** Several processes are started one after the other. */
const SLOW = { timeout: 30_000 };

/** A bot whose engine can be killed. */
async function world() {
  const bot = await botInProcess();
  const { fake } = bot;
  return {
    fake,
    start: bot.start,
    told: () => fake.sent.map(({ text }) => text),
    [Symbol.asyncDispose]: () => bot[Symbol.asyncDispose](),
  };
}

test(
  "commands keep their place and are answered once, when the core is killed before them",
  SLOW,
  async () => {
    await using bot = await world();
    const kill = bot.start("hang");
    const said = ["one", "/name First", "/new two", "/name", "/think high", "three"];
    bot.fake.push(...said.map((text, index) => privateText(index + 1, text)));
    await bot.fake.until(() => bot.fake.queue.pending.length === 0 && bot.fake.typing.length > 0);
    await kill();
    expect(bot.fake.sent).toEqual([]);
    bot.start();
    await bot.fake.until(() => bot.fake.sent.length === said.length);
    expect(bot.told()).toEqual([
      "echo: one",
      "Title: First",
      "echo: two",
      "Title: First",
      "Thinking: high.",
      "echo: three",
    ]);
  },
);

test(
  "what came with a reset is asked and kept once, when the core is killed while it asks",
  SLOW,
  async () => {
    await using bot = await world();
    const kill = bot.start("hang");
    bot.fake.push(privateText(1, "/new hello"));
    await bot.fake.until(() => bot.fake.typing.length > 0);
    await kill();
    bot.start();
    await bot.fake.until(() => bot.fake.sent.length === 1);
    bot.fake.push(privateText(2, "/context"));
    await bot.fake.until(() => bot.fake.sent.length === 2);
    expect(bot.told()[0]).toBe("echo: hello");
    expect(bot.told()[1]).toContain("2 messages");
  },
);

test(
  "what was said before a stop is not answered by a core that comes after it",
  SLOW,
  async () => {
    await using bot = await world();
    const kill = bot.start("hang");
    bot.fake.push(privateText(1, "one"), privateText(2, "two"));
    await bot.fake.until(() => bot.fake.queue.pending.length === 0 && bot.fake.typing.length > 0);
    bot.fake.push(privateText(3, "stop"));
    await bot.fake.until(() => bot.fake.queue.pending.length === 0);
    await kill();
    bot.start();
    bot.fake.push(privateText(4, "four"));
    await bot.fake.until(() => bot.told().includes("echo: four"));
    await bot.fake.until(() => bot.told().length === 2);
    const stop = bot.told().filter((text) => text !== "echo: four");
    expect(["Stopped.", "Nothing is under way."]).toContain(stop[0]);
  },
);
