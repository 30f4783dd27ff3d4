/** Who may talk on which channel, and to which session, as the settings say. Pure. */
import type { AccessPolicy } from "../channels/allow-list.ts";
import type { InboundMessage } from "../channels/channel.ts";
import type { Binding } from "../config/sections/agents.ts";
import type { Settings } from "../config/settings.ts";
import type { RouteSettings } from "../conversation/route.ts";

const NOBODY: AccessPolicy = {
  dmPolicy: "disabled",
  allowFrom: [],
  groupPolicy: "disabled",
  groupAllowFrom: [],
};

/** The account of a channel that has no name. */
const DEFAULT_ACCOUNT = "default";

/** The policy of a channel; one that is not configured lets nobody in. */
export function accessTo(channel: string, { telegram, config }: Settings): AccessPolicy {
  if (channel !== "telegram" || telegram === undefined) return NOBODY;
  const { text, ownerAllowFrom, allowFrom } = config.commands;
  const enabled = text || hasMenu({ telegram, config });
  return { ...telegram, commands: { enabled, ownerAllowFrom, allowFrom } };
}

/** Whether Telegram shows a menu of commands. */
export function hasMenu({ telegram, config }: Pick<Settings, "telegram" | "config">): boolean {
  return (telegram?.commands.native ?? config.commands.native) !== false;
}

/**
 * Whose session a message belongs to. Direct messages are the owner's main session, until the
 * settings let in more than one person: what one tells the agent is not for the others.
 *
 * @param message - Undefined: what comes from no channel is for the default agent.
 */
export function routeOf(
  { telegram, config, agents }: Settings,
  defaultAgent: string,
  message?: InboundMessage,
): RouteSettings {
  const isShared = telegram?.dmPolicy === "open" || (telegram?.allowFrom.length ?? 0) > 1;
  const bound = message === undefined ? undefined : boundAgent(config.bindings, message);
  return {
    // One that is bound and gone is nobody's: then whoever is there answers.
    agent: agents.some(({ id }) => id === bound) ? (bound ?? defaultAgent) : defaultAgent,
    dmScope: config.session.dmScope ?? (isShared ? "per-channel-peer" : "main"),
    // People are let in by pairing as well, which no settings tell of.
    othersApart: config.session.dmScope === undefined,
  };
}

/** The narrowest binding wins; of two that are as narrow, the first. */
function boundAgent(bindings: readonly Binding[], message: InboundMessage): string | undefined {
  const matching = bindings
    .filter(({ type, match }) => type === "route" && matches(match, message))
    .toSorted((a, b) => narrowness(b.match) - narrowness(a.match));
  return matching[0]?.agentId;
}

type Match = Binding["match"];

function matches(match: Match, message: InboundMessage): boolean {
  const { channel, accountId = DEFAULT_ACCOUNT, peer, guildId, teamId, roles } = match;
  if (guildId !== undefined || teamId !== undefined || roles !== undefined) return false;
  if (channel.toLowerCase() !== message.channel) return false;
  if (accountId !== "*" && accountId !== DEFAULT_ACCOUNT) return false;
  return peer === undefined || isPeer(peer, message);
}

function isPeer(peer: NonNullable<Match["peer"]>, message: InboundMessage): boolean {
  const { conversation, sender, direct } = message;
  if (peer.kind === "direct" || peer.kind === "dm") return direct && peer.id === sender;
  // A topic belongs to its group.
  return !direct && (peer.id === conversation || peer.id === conversation.split(":")[0]);
}

/** A peer, then a topic of it, says more than an account; an account more than a channel. */
function narrowness({ peer, accountId }: Match): number {
  if (peer !== undefined) return peer.id.includes(":") ? 3 : 2;
  return accountId === "*" ? 0 : 1;
}
