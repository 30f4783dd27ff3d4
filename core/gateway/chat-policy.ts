/** Who may talk on which channel, and to which session, as the settings say. Pure. */
import type { AccessPolicy } from "../channels/allow-list.ts";
import type { Settings } from "../config/settings.ts";
import type { RouteSettings } from "../conversation/route.ts";
import { MAIN_AGENT } from "../http/openai.ts";

const NOBODY: AccessPolicy = {
  dmPolicy: "disabled",
  allowFrom: [],
  groupPolicy: "disabled",
  groupAllowFrom: [],
};

/** The policy of a channel; one that is not configured lets nobody in. */
export function accessTo(channel: string, { telegram }: Settings): AccessPolicy {
  return channel === "telegram" ? (telegram ?? NOBODY) : NOBODY;
}

/**
 * Direct messages belong to the owner's main session, until the settings let in more than one
 * person: what one tells the agent is not for the others.
 */
export function routeOf({ telegram }: Settings): RouteSettings {
  const isShared = telegram?.dmPolicy === "open" || (telegram?.allowFrom.length ?? 0) > 1;
  return { agent: MAIN_AGENT, dmScope: isShared ? "per-channel-peer" : "main" };
}
