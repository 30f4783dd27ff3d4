/** Who may talk to us on a channel. Pure. */
import type { InboundMessage } from "./channel.ts";

export interface AccessPolicy {
  /**
   * Strangers in direct conversations: `pairing` gives them a code for the owner to approve,
   * `allowlist` ignores them, `open` lets everybody in but only with `"*"` in `allowFrom`, and
   * `disabled` ignores direct messages altogether.
   */
  readonly dmPolicy: "pairing" | "allowlist" | "open" | "disabled";
  /** Sender ids, with or without the channel's name before them; `"*"` is everybody. */
  readonly allowFrom: readonly string[];
  /** Whose mentions count in groups. A pairing is for direct conversations and never counts here. */
  readonly groupPolicy: "allowlist" | "open" | "disabled";
  /** Sender ids for groups; empty: as `allowFrom`. */
  readonly groupAllowFrom: readonly string[];
  /** Undefined: as without a word in the config. */
  readonly commands?: CommandPolicy | undefined;
}

/** Who of those who may talk may say commands. */
export interface CommandPolicy {
  /** False: what begins with a slash is for the agent. A wish to stop counts all the same. */
  readonly enabled: boolean;
  /** Ids, with or without the channel's name before them. Empty: see `standingOf`. */
  readonly ownerAllowFrom: readonly string[];
  /** By channel, `*` for all others. Undefined: whoever may talk. */
  readonly allowFrom: Readonly<Record<string, readonly string[]>> | undefined;
}

export const NO_COMMANDS_SET: CommandPolicy = {
  enabled: true,
  ownerAllowFrom: [],
  allowFrom: undefined,
};

export type Access = "allow" | "pair" | "ignore";

/**
 * Decides on one message.
 *
 * @param paired - Senders that the owner approved on this channel.
 */
export function accessOf(
  message: Pick<InboundMessage, "channel" | "sender" | "direct">,
  policy: AccessPolicy,
  paired: readonly string[],
): Access {
  return message.direct ? direct(message, policy, paired) : group(message, policy);
}

type Sender = Pick<InboundMessage, "channel" | "sender">;

function direct(from: Sender, policy: AccessPolicy, paired: readonly string[]): Access {
  const { dmPolicy, allowFrom } = policy;
  if (dmPolicy === "disabled") return "ignore";
  // `open` without "*" is more likely a half-edited config than a wish: it lets nobody else in.
  if (dmPolicy === "open" && allowFrom.includes("*")) return "allow";
  if (isListed(from, allowFrom)) return "allow";
  if (dmPolicy !== "pairing") return "ignore";
  return paired.includes(from.sender) ? "allow" : "pair";
}

function group(from: Sender, { groupPolicy, groupAllowFrom, allowFrom }: AccessPolicy): Access {
  if (groupPolicy === "disabled") return "ignore";
  if (groupPolicy === "open") return "allow";
  const list = groupAllowFrom.length > 0 ? groupAllowFrom : allowFrom;
  return list.includes("*") || isListed(from, list) ? "allow" : "ignore";
}

/** By id alone: names can be taken by anybody. `"*"` counts only where it is asked for. */
function isListed({ channel, sender }: Sender, list: readonly string[]): boolean {
  return list.some((entry) => entry === sender || entry === `${channel}:${sender}`);
}
