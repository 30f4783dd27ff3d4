import type { Logger } from "pino";
import type { Channel } from "./channel.ts";
import type { Clock } from "./clock.ts";
import type { ChannelProbe } from "./probe.ts";
import type { TelegramAccount } from "./account.ts";

/** Channels that this version can run. */
export const CHANNELS = { telegram: { label: "Telegram", detail: "Telegram Bot" } } as const;
export type ChannelId = keyof typeof CHANNELS;

export function isChannelId(id: string): id is ChannelId {
  return Object.hasOwn(CHANNELS, id);
}

/** The accounts to run, by channel: what of the config concerns the wire. */
export interface ChannelSettings {
  readonly telegram?: TelegramAccount | undefined;
}

export interface ChannelParts {
  readonly log: Logger;
  readonly clock: Clock;
  /** Uniform in [0, 1). */
  readonly random: () => number;
}

/**
 * Makes a channel of every account in `settings`. An adapter and its SDK are loaded only then.
 *
 * @throws GatewayError `invalid_request` for settings that can never work.
 */
export async function createChannels(
  { telegram }: ChannelSettings,
  parts: ChannelParts,
): Promise<Channel[]> {
  const channels: Channel[] = [];
  if (telegram !== undefined) {
    const { createTelegram } = await import("./telegram/channel.ts");
    const log = parts.log.child({ channel: "telegram" });
    channels.push(createTelegram(telegram, { ...parts, log }));
  }
  return channels;
}

/** Asks the platform whose account it is. Never rejects. */
export async function probeChannel(
  account: TelegramAccount,
  signal: AbortSignal,
  now: () => number,
): Promise<ChannelProbe> {
  const { probeTelegram } = await import("./telegram/probe.ts");
  return probeTelegram(account, signal, now);
}
