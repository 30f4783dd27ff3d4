import { type AccessPolicy, NO_COMMANDS_SET } from "../channels/allow-list.ts";
import type { InboundMessage } from "../channels/channel.ts";
import type { Pairing } from "../channels/pairing.ts";
import { standingOf } from "./commands/standing.ts";
import { type RouteSettings, sessionKeyOf } from "./route.ts";

export interface RoutingParts {
  readonly route: (message?: InboundMessage) => RouteSettings;
  readonly access: (channel: string) => AccessPolicy;
  readonly pairing: Pick<Pairing, "firstOf">;
}

/**
 * The session a message is part of. What others than the owner say stays out of the owner's session,
 * unless that is wished: there the agent would take their words for the owner's.
 */
export async function routed(
  message: InboundMessage,
  { route, access, pairing }: RoutingParts,
): Promise<string> {
  const settings = route(message);
  const { direct, channel } = message;
  if (!direct || settings.dmScope !== "main" || settings.othersApart !== true) {
    return sessionKeyOf(message, settings);
  }
  const { allowFrom, commands = NO_COMMANDS_SET } = access(channel);
  const first = await pairing.firstOf(channel);
  const isOwners = standingOf(message, commands, { allowFrom, first }) === "owner";
  return sessionKeyOf(message, isOwners ? settings : { ...settings, dmScope: "per-channel-peer" });
}
