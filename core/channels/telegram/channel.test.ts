import pino from "pino";
import { expect, test } from "vitest";
import type { ChannelWorld } from "../../../test/contract/channel.ts";
import { describeChannel, TestContext } from "../../../test/contract/channel.ts";
import { ManualClock } from "../../../test/support/clock.ts";
import {
  blockedByUser,
  startFakeTelegram,
  tooManyRequests,
} from "../../../test/support/fake-telegram.ts";
import type { FakeTelegramOptions } from "../../../test/support/fake-telegram.ts";
import { privateText } from "../../../test/support/telegram-updates.ts";
import { digestOf } from "../../../shared/constant-time.ts";
import { Secret } from "../../../shared/secret.ts";
import { systemClock } from "../clock.ts";
import type { Clock } from "../clock.ts";
import { createTelegram } from "./channel.ts";
import { EDGE_GRACE_MS, REFUSED_RETRY_MS } from "./mode.ts";

const EDGE = "http://127.0.0.1:9/hooks/";

/** A bot, its platform, and everything it logged. */
async function world(clock: Clock = systemClock, options: FakeTelegramOptions = {}) {
  const fake = await startFakeTelegram(options);
  const lines: string[] = [];
  const log = pino({ level: "trace" }, { write: (line: string) => void lines.push(line) });
  const settings = { botToken: new Secret(fake.token), apiRoot: fake.apiRoot };
  // Half of every backoff: short enough for a test that has to sit one out.
  const channel = createTelegram(settings, { log, clock, random: () => 0.01 });
  const context = new TestContext();
  const stop = new AbortController();
  return {
    fake,
    channel,
    context,
    stop,
    lines,
    log: () => lines.join(""),
    run: () => channel.run(context, stop.signal),
    async [Symbol.asyncDispose]() {
      stop.abort();
      await fake[Symbol.asyncDispose]();
    },
  };
}

describeChannel("telegram", async (): Promise<ChannelWorld> => {
  const { fake, channel, log, ...rest } = await world();
  fake.chats.add("42");
  let updateId = 100;
  return {
    channel,
    conversation: "42",
    secrets: [fake.token, fake.token.split(":")[1] ?? ""],
    logged: log,
    write: (text) => fake.push(privateText((updateId += 1), text)),
    acknowledged: () => fake.queue.pending.length === 0,
    arrived: () => fake.sent.map(({ text }) => text),
    until: (holds) => fake.until(holds),
    failNextSend: (fault) =>
      fake.fail(
        "sendMessage",
        {
          rate_limited_7s: tooManyRequests(7),
          thrown_out: blockedByUser,
          lost_answer: { kind: "accept_then_502" } as const,
          never_left: { kind: "hang_up" } as const,
        }[fault],
      ),
    [Symbol.asyncDispose]: rest[Symbol.asyncDispose],
  };
});

test("with an edge, Telegram is told to call it, with the secret the edge can check", async () => {
  await using bot = await world();
  bot.context.setBase(EDGE);
  const running = bot.run();
  await bot.fake.until(() => bot.fake.queue.webhook !== undefined);
  const { url, secret, allowedUpdates, maxConnections } = bot.fake.queue.webhook ?? {};
  expect(url).toBe(`${EDGE}telegram`);
  expect(allowedUpdates).toEqual(["message", "channel_post"]);
  expect(maxConnections).toBe(20);
  const [route] = await bot.channel.ingress();
  expect(route).toMatchObject({
    name: "telegram",
    verification: { scheme: "telegram", digests: [await digestOf(secret ?? "")] },
  });
  bot.stop.abort();
  await running;
  expect(bot.fake.calls).not.toContain("getUpdates");
  // What comes now waits in the relay for the next start.
  expect(bot.fake.queue.webhook?.url).toBe(`${EDGE}telegram`);
});

test("without an edge it polls, and a webhook of no use is removed first", async () => {
  const clock = new ManualClock();
  await using bot = await world(clock);
  bot.fake.queue.setWebhook(
    {
      url: "https://old.example/hooks/telegram",
      secret: undefined,
      allowedUpdates: [],
      maxConnections: 1,
    },
    false,
  );
  bot.fake.push(privateText(1, "sent while nobody listened"));
  const running = bot.run();
  await clock.waiting(EDGE_GRACE_MS);
  expect(bot.fake.queue.webhook).toBeDefined();
  clock.advance(EDGE_GRACE_MS);
  await bot.context.hasKept(1);
  expect(bot.fake.queue.webhook).toBeUndefined();
  bot.stop.abort();
  await running;
});

test("an edge that is back within the minute never makes it poll", async () => {
  const clock = new ManualClock();
  await using bot = await world(clock);
  bot.context.setBase(EDGE);
  const running = bot.run();
  await bot.fake.until(() => bot.fake.queue.webhook !== undefined);
  bot.context.setBase(undefined);
  await clock.waiting(EDGE_GRACE_MS);
  clock.advance(EDGE_GRACE_MS - 1);
  const looked = bot.context.looked();
  bot.context.setBase(EDGE);
  await looked;
  bot.context.setBase(undefined);
  // The minute begins anew with every absence.
  await clock.waiting(EDGE_GRACE_MS);
  bot.stop.abort();
  await running;
  expect(bot.fake.calls.filter((call) => call !== "getMe")).toEqual([
    "getWebhookInfo",
    "setWebhook",
  ]);
});

test("it polls once the edge is gone for a minute, and stops when the edge is back", async () => {
  const clock = new ManualClock();
  await using bot = await world(clock);
  bot.context.setBase(EDGE);
  const running = bot.run();
  await bot.fake.until(() => bot.fake.queue.webhook !== undefined);
  bot.context.setBase(undefined);
  await clock.waiting(EDGE_GRACE_MS);
  clock.advance(EDGE_GRACE_MS);
  await bot.fake.until(() => bot.fake.queue.polling);
  bot.context.setBase("http://127.0.0.1:9/elsewhere/");
  await bot.fake.until(
    () => bot.fake.queue.webhook?.url === "http://127.0.0.1:9/elsewhere/telegram",
  );
  bot.stop.abort();
  await running;
});

test("an edge that moves is registered anew", async () => {
  await using bot = await world();
  bot.context.setBase(EDGE);
  const running = bot.run();
  await bot.fake.until(() => bot.fake.queue.webhook !== undefined);
  bot.context.setBase("http://127.0.0.1:9/b/");
  await bot.fake.until(() => bot.fake.queue.webhook?.url === "http://127.0.0.1:9/b/telegram");
  bot.stop.abort();
  await running;
  expect(bot.fake.calls).not.toContain("deleteWebhook");
});

test("a webhook that Telegram refuses is polled around, and tried again later", async () => {
  const clock = new ManualClock();
  await using bot = await world(clock, { httpWebhooks: false });
  bot.context.setBase(EDGE);
  const running = bot.run();
  await bot.fake.until(() => bot.fake.queue.polling);
  expect(bot.log()).toContain("refused our webhook");
  await clock.waiting(REFUSED_RETRY_MS);
  const tries = (): number => bot.fake.calls.filter((call) => call === "setWebhook").length;
  expect(tries()).toBe(1);
  clock.advance(REFUSED_RETRY_MS);
  await bot.fake.until(() => tries() === 2);
  bot.stop.abort();
  await running;
});

test("updates are confirmed to Telegram only by the poll after their commit", async () => {
  await using bot = await world();
  bot.fake.push(privateText(1, "a"), privateText(2, "b"));
  const held = Promise.withResolvers<void>();
  bot.context.beforeKeep = (event) => (event.id.endsWith(":2") ? held.promise : Promise.resolve());
  const running = bot.run();
  await bot.context.hasKept(1);
  expect(bot.fake.queue.pending).toHaveLength(2);
  held.resolve();
  await bot.fake.until(() => bot.fake.queue.pending.length === 0);
  bot.stop.abort();
  await running;
  expect(bot.context.kept.map(({ id }) => id)).toEqual([
    "telegram:7000001:1",
    "telegram:7000001:2",
  ]);
});

test("another poller of the same bot is explained, and both go on", async () => {
  await using bot = await world();
  const running = bot.run();
  await bot.fake.until(() => bot.fake.queue.polling);
  await fetch(`${bot.fake.apiRoot}/bot${bot.fake.token}/getUpdates`, {
    method: "POST",
    body: "{}",
  });
  bot.fake.push(privateText(1, "still here"));
  await bot.context.hasKept(1);
  expect(bot.log()).toContain("another program polls this bot");
  bot.stop.abort();
  await running;
});

test("a webhook that somebody sets behind our back is removed", async () => {
  await using bot = await world();
  const running = bot.run();
  await bot.fake.until(() => bot.fake.queue.polling);
  const foreign = {
    url: "https://x.example/",
    secret: undefined,
    allowedUpdates: [],
    maxConnections: 1,
  };
  bot.fake.queue.setWebhook(foreign, false);
  bot.fake.push(privateText(1, "mine"));
  await bot.context.hasKept(1);
  expect(bot.fake.queue.webhook).toBeUndefined();
  bot.stop.abort();
  await running;
});

test("a 429 on the poll is waited out for as long as Telegram asks", async () => {
  const clock = new ManualClock();
  await using bot = await world(clock);
  bot.fake.fail("getUpdates", tooManyRequests(30));
  bot.fake.push(privateText(1, "patience"));
  const running = bot.run();
  await clock.waiting(30_000);
  expect(bot.context.kept).toEqual([]);
  clock.advance(30_000);
  await bot.context.hasKept(1);
  bot.stop.abort();
  await running;
});

test("lost connections and server errors are tried again for ever", async () => {
  await using bot = await world();
  bot.fake.fail("getWebhookInfo", { kind: "hang_up" }, { kind: "accept_then_502" });
  bot.fake.fail(
    "getUpdates",
    { kind: "hang_up" },
    { kind: "accept_then_502" },
    { kind: "hang_up" },
  );
  bot.fake.push(privateText(1, "through"));
  const running = bot.run();
  await bot.context.hasKept(1);
  bot.stop.abort();
  await running;
});

test("a revoked token ends the channel with a sentence that says what to do", async () => {
  await using bot = await world();
  const running = bot.run();
  await bot.fake.until(() => bot.fake.queue.polling);
  bot.fake.revokeToken();
  bot.fake.push(privateText(1, "too late"));
  await expect(running).rejects.toMatchObject({
    code: "unauthenticated",
    message: expect.stringContaining("channels.telegram.botToken"),
  });
  expect(bot.log()).not.toContain(bot.fake.token);
});

test.each([
  ["empty", ""],
  ["without the id", "AAF-fake-bot-token-for-tests"],
  ["too short", "123:abc"],
  ["with a line break", "123456:AAF-fake-bot-token-for-tests\n"],
])("a token that is %s is refused at once", (_name, token) => {
  const parts = { log: pino({ level: "silent" }), clock: systemClock, random: () => 0 };
  expect(() => createTelegram({ botToken: new Secret(token) }, parts)).toThrow(
    expect.objectContaining({ code: "invalid_request" }),
  );
});

test("an update posted to the webhook is read as the same event as one that was polled", async () => {
  await using bot = await world();
  const update = privateText(77, "hi");
  const body = new TextEncoder().encode(JSON.stringify(update));
  expect(bot.channel.read(body)).toEqual([
    { id: "telegram:7000001:77", lane: "telegram:42", payload: update },
  ]);
});
