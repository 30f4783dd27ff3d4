import pino from "pino";
import { expect, test } from "vitest";
import { TestContext } from "../../../test/contract/channel.ts";
import { startFakeTelegram, tooManyRequests } from "../../../test/support/fake-telegram.ts";
import { Secret } from "../../../shared/secret.ts";
import { systemClock } from "../clock.ts";
import { createTelegram, type TelegramSettings } from "./channel.ts";

/** A bot and its platform. */
async function world(more: Partial<TelegramSettings> = {}) {
  const fake = await startFakeTelegram();
  const settings = { botToken: new Secret(fake.token), apiRoot: fake.apiRoot, ...more };
  const log = pino({ level: "silent" });
  const channel = createTelegram(settings, { log, clock: systemClock, random: () => 0.01 });
  const stop = new AbortController();
  return {
    fake,
    stop,
    run: () => channel.run(new TestContext(), stop.signal),
    async [Symbol.asyncDispose]() {
      stop.abort();
      await fake[Symbol.asyncDispose]();
    },
  };
}

test("the menu is published, again until Telegram takes it, and taken away when there is none", async () => {
  const menu = [{ command: "status", description: "how it is" }];
  await using first = await world({ menu });
  first.fake.fail("setMyCommands", tooManyRequests(0), { kind: "hang_up" });
  const running = first.run();
  await first.fake.until(() => first.fake.menu !== undefined);
  expect(first.fake.menu).toEqual(menu);
  expect(first.fake.calls.filter((call) => call === "setMyCommands")).toHaveLength(3);
  first.stop.abort();
  await running;
  await using second = await world({ menu: [] });
  const again = second.run();
  await second.fake.until(() => second.fake.menu !== undefined);
  expect(second.fake.menu).toEqual([]);
  second.stop.abort();
  await again;
});

test("a menu that nobody speaks of stays as it is", async () => {
  await using bot = await world();
  const running = bot.run();
  await bot.fake.until(() => bot.fake.calls.includes("getUpdates"));
  expect(bot.fake.calls).not.toContain("setMyCommands");
  bot.stop.abort();
  await running;
});
