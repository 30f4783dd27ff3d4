/** A desk and an engine whose answers go to a Slack and a Discord of our own. */
import { onTestFinished } from "vitest";
import type { WebhookReply } from "../../core/store/webhook.ts";
import type { Delivered } from "../../core/tunnel/handlers.ts";
import { WebhookDesk } from "../../core/webhooks/desk.ts";
import { senderOutlets } from "../../core/webhooks/senders/outlets.ts";
import { utf8 } from "../../shared/bytes.ts";
import { ManualClock } from "./clock.ts";
import { startFakeDiscordReplies } from "./fake-discord-replies.ts";
import { startFakeSlackReplies } from "./fake-slack-replies.ts";
import { startTelegramEngine } from "./telegram-engine.ts";
import { webhookConfig, webhooksIn } from "./webhook-config.ts";

export const APPLICATION = "845027738276462632";
/** Of the interaction that `interaction` posts. */
export const TOKEN = "aW50ZXJhY3Rpb246-secret.token_1";
const KEY = "ab".repeat(32);

const ROUTES = {
  slack: { verify: "slack", secret: "s", agent: true },
  discord: { verify: { scheme: "discord", publicKeys: KEY }, agent: true },
  mute: { verify: "slack", secret: "s", agent: { deliver: "none" } },
  woken: { verify: "slack", secret: "s", wake: { deliver: "sender" } },
  each: {
    verify: "slack",
    secret: "s",
    cases: [{ when: { path: "command", equals: "/ask" }, agent: { template: "Do {{text}}" } }],
  },
};

/** @param origins - Where Slack's addresses may be; default: where our own Slack is. */
export async function senderWorld(origins?: string[]) {
  const clock = new ManualClock();
  const slack = await startFakeSlackReplies();
  onTestFinished(() => slack[Symbol.asyncDispose]());
  const discord = await startFakeDiscordReplies(APPLICATION);
  onTestFinished(() => discord[Symbol.asyncDispose]());
  const config: object = JSON.parse(webhookConfig(ROUTES));
  const senders = {
    slack: origins === undefined ? { origins: [slack.origin] } : { origins },
    discord: { apiRoot: discord.apiRoot },
  };
  const sallyport = { ingress: { routes: ROUTES, senders } };
  const { ingress } = webhooksIn(JSON.stringify({ ...config, sallyport }));
  const bot = await startTelegramEngine({
    clock,
    senders: (store) =>
      senderOutlets({
        store,
        ingress: () => ingress,
        fetch: (url, init) => fetch(url, init),
        now: clock.now,
      }),
  });
  onTestFinished(() => bot[Symbol.asyncDispose]());
  const desk = new WebhookDesk({
    ingress: () => ingress,
    channel: bot.channel,
    store: bot.store,
    engine: bot.engine,
    publicUrl: () => undefined,
    now: clock.now,
    log: bot.log,
  });
  const take = (route: string, id: string, body: string, syncMs = 0): Promise<Delivered> =>
    desk.take({
      id: `${route}:${id}`,
      route,
      items: [{ id: `${route}:${id}`, lane: route }],
      receivedAt: clock.now(),
      requestId: "request-1",
      verified: route === "discord" ? "discord" : "slack",
      secret: 0,
      method: "POST",
      query: "",
      ip: "",
      syncMs,
      attempts: 0,
      headers: new Headers({
        "content-type": body.startsWith("{")
          ? "application/json"
          : "application/x-www-form-urlencoded",
        "x-slack-request-timestamp": "1",
      }),
      body: utf8(body),
    });
  return {
    ...bot,
    clock,
    slack,
    discord,
    desk,
    /** A slash command. @returns The address of its answer. */
    async command(change: Record<string, string> = {}, route = "slack", syncMs = 0) {
      const url = slack.responseUrl();
      const fields = { command: "/ask", text: "why", trigger_id: "t1", token: "old-secret" };
      const form = String(new URLSearchParams({ ...fields, response_url: url, ...change }));
      await take(route, "t1", form, syncMs);
      return url;
    },
    interaction: (change: object = {}) =>
      take(
        "discord",
        "i1",
        JSON.stringify({
          id: "i1",
          type: 2,
          application_id: APPLICATION,
          token: TOKEN,
          channel_id: "c1",
          ...change,
        }),
      ),
    take,
    /** The replies to a webhook, once the last is over. */
    async replies(id: string): Promise<readonly WebhookReply[]> {
      for (;;) {
        const heard = bot.engine.progress.heard(new AbortController().signal);
        const { replies = [], state } = (await bot.store.webhook(id)) ?? {};
        const isOver = replies.every((one) => one.endedAt !== undefined);
        if (state === "done" && isOver) return replies;
        await heard;
      }
    },
    /** Lets the pause before the next try go by. */
    async pass(ms: number): Promise<void> {
      await clock.waiting(ms);
      clock.advance(ms);
    },
  };
}
