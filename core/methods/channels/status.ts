/** The answer of `channels.status`, from what is known of each channel. Pure. */
import type { ChannelProbe } from "../../channels/probe.ts";
import type { ChannelState } from "../../channels/state.ts";
import type { Settings } from "../../config/settings.ts";

export interface ChannelFacts {
  readonly id: string;
  readonly label: string;
  readonly detail: string;
  readonly state: ChannelState;
  /** Undefined: nobody asked the platform. */
  readonly probe: ChannelProbe | undefined;
  /** Unix ms. */
  readonly probedAt: number;
}

/** One account a channel: the one without a name. */
const ACCOUNT = "default";

export function statusOf(channels: readonly ChannelFacts[], settings: Settings): object {
  const by = <T>(value: (facts: ChannelFacts) => T): Record<string, T> =>
    Object.fromEntries(channels.map((facts) => [facts.id, value(facts)]));
  return {
    channelOrder: channels.map(({ id }) => id),
    channelLabels: by(({ label }) => label),
    channelDetailLabels: by(({ detail }) => detail),
    channelSystemImages: {},
    channelMeta: channels.map(({ id, label, detail }) => ({ id, label, detailLabel: detail })),
    channels: by((facts) => summaryOf(facts, settings)),
    channelAccounts: by((facts) => [{ accountId: ACCOUNT, ...summaryOf(facts, settings) }]),
    channelDefaultAccountId: by(() => ACCOUNT),
  };
}

function summaryOf(
  { state, probe, probedAt }: ChannelFacts,
  { config, telegram }: Settings,
): Readonly<Record<string, unknown>> {
  const section = config.channels.telegram;
  return {
    enabled: section?.enabled ?? false,
    configured: telegram !== undefined,
    tokenSource: tokenSourceOf(section?.botToken !== undefined, telegram !== undefined),
    running: state.running,
    lastStartAt: state.startedAt ?? null,
    lastStopAt: state.stoppedAt ?? null,
    lastInboundAt: state.receivedAt ?? null,
    lastError: state.error ?? null,
    reconnectAttempts: state.falls,
    ...(telegram === undefined ? {} : { dmPolicy: telegram.dmPolicy }),
    ...(probe === undefined ? {} : { probe: probeOf(probe), lastProbeAt: probedAt }),
  };
}

function tokenSourceOf(inFile: boolean, isThere: boolean): "config" | "env" | "none" {
  if (!isThere) return "none";
  return inFile ? "config" : "env";
}

function probeOf(probe: ChannelProbe): object {
  if (!probe.ok) return { ok: false, error: probe.error, elapsedMs: probe.elapsedMs };
  const { id, name } = probe.account;
  return { ok: true, elapsedMs: probe.elapsedMs, bot: { id: Number(id), username: name } };
}
