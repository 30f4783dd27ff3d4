import type { Logger } from "pino";
import * as z from "zod";
import { backoffMs } from "../../../shared/backoff.ts";
import { digestOf } from "../../../shared/constant-time.ts";
import { GatewayError } from "../../../shared/errors.ts";
import { senderJson } from "../../../shared/ingress/sender-json.ts";
import type { Secret } from "../../../shared/secret.ts";
import type { Channel } from "../channel.ts";
import type { Clock } from "../clock.ts";
import { alertRequest } from "./alert.ts";
import { type BotCommand, createClient, DEFAULT_API_ROOT } from "./client.ts";
import { ALLOWED_UPDATES, toInbound, toRawEvent } from "./inbound.ts";
import type { BotIdentity } from "./inbound.ts";
import { sendPiece, showTyping } from "./outbound.ts";
import { Receiver } from "./receive.ts";
import { MAX_TEXT_UNITS, split } from "./split.ts";
import { webhookSecret } from "./webhook-secret.ts";

/** An update carries no files; the largest seen are some ten KB. */
const MAX_UPDATE_BYTES = 1024 * 1024;

export interface TelegramSettings {
  /** As @BotFather gives it: `<bot id>:<secret>`. */
  readonly botToken: Secret;
  /** Another Bot API server than Telegram's own, for instance one at home. */
  readonly apiRoot?: string | undefined;
  /** Longest piece of a reply, visible UTF-16 units; at most what Telegram takes. */
  readonly textChunkLimit?: number | undefined;
  /** What Telegram's menu shows; empty: nothing. Undefined: whatever it shows already. */
  readonly menu?: readonly BotCommand[] | undefined;
}

export interface TelegramParts {
  readonly log: Logger;
  readonly clock: Clock;
  /** Uniform in [0, 1). */
  readonly random: () => number;
}

/**
 * One Telegram bot.
 *
 * @throws GatewayError `invalid_request` when the token or the address of the server is malformed.
 */
export function createTelegram(settings: TelegramSettings, parts: TelegramParts): Channel {
  const apiRoot = parseApiRoot(settings.apiRoot);
  const botId = parseBotId(settings.botToken);
  const client = createClient({
    token: settings.botToken,
    apiRoot,
    allowedUpdates: ALLOWED_UPDATES,
  });
  let bot: BotIdentity = { id: botId, username: undefined };

  return {
    id: "telegram",

    async run(context, signal) {
      const receiver = new Receiver(
        { client, botId, apiRoot, webhookSecret: await webhookSecret(settings.botToken), ...parts },
        context,
        signal,
      );
      const stopped = new AbortController();
      const over = AbortSignal.any([signal, stopped.signal]);
      const named = Promise.all([learnName(over), publishMenu(over)]);
      try {
        await receiver.run();
      } finally {
        stopped.abort();
        await named;
      }
    },

    async ingress() {
      const digest = await digestOf(await webhookSecret(settings.botToken));
      return [
        {
          name: "telegram",
          verification: { scheme: "telegram", digests: [digest] },
          maxBodyBytes: MAX_UPDATE_BYTES,
        },
      ];
    },

    read: (body) => [toRawEvent(parseJson(body), botId)],
    toInbound: (payload, heard) => toInbound(payload, bot, heard),
    split: (text) =>
      split(text, Math.min(settings.textChunkLimit ?? MAX_TEXT_UNITS, MAX_TEXT_UNITS)),
    send: (message, signal) => sendPiece(client, message, signal),
    alertRequest: async (conversation, text) =>
      alertRequest(conversation, text, { botToken: settings.botToken, apiRoot }),
    typing: (conversation, signal) =>
      showTyping(client, conversation, { clock: parts.clock, signal }),
  };

  /** Only groups need the name: everything else must not wait for it. */
  function learnName(signal: AbortSignal): Promise<void> {
    return persist(signal, async () => {
      const { username } = await client.getMe(signal);
      bot = { id: botId, username };
      parts.log.info({ bot: username }, "Telegram knows us");
    });
  }

  async function publishMenu(signal: AbortSignal): Promise<void> {
    const { menu } = settings;
    if (menu === undefined) return;
    await persist(signal, () => client.setMyCommands(menu, signal));
  }

  async function persist(signal: AbortSignal, call: () => Promise<void>): Promise<void> {
    for (let attempt = 0; !signal.aborted; attempt += 1) {
      try {
        return await call();
      } catch {
        // The receiver makes calls of its own, and says what is wrong with Telegram or the token.
        await parts.clock.wait(backoffMs(attempt, parts.random, { maxMs: 60_000 }), signal);
      }
    }
  }
}

function parseBotId(token: Secret): number {
  const id = /^(?<id>\d{1,15}):[A-Za-z0-9_-]{20,}$/.exec(token.reveal())?.groups?.["id"];
  if (id !== undefined) return Number(id);
  throw new GatewayError(
    "invalid_request",
    "channels.telegram.botToken is not a bot token: @BotFather gives one like 123456:ABC-DEF",
  );
}

function parseApiRoot(apiRoot = DEFAULT_API_ROOT): string {
  const url = z.url({ protocol: /^https?$/ }).safeParse(apiRoot);
  if (url.success) return url.data.replace(/\/+$/, "");
  throw new GatewayError("invalid_request", "channels.telegram.apiRoot is not an http(s) address");
}

function parseJson(body: Uint8Array): unknown {
  const json = senderJson(body);
  if (json === undefined) throw new GatewayError("invalid_request", "The body is not JSON");
  return json;
}
