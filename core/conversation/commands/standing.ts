/** Who may use commands on a channel, of those who may talk there. Pure. */
import type { CommandPolicy } from "../../channels/allow-list.ts";

export type Standing =
  /** May talk, and say no commands. */
  | "none"
  | "user"
  /** What they say of models and settings counts. */
  | "owner";

/** Who says it. */
interface Sender {
  readonly channel: string;
  /** The platform's own id. */
  readonly sender: string;
}

/** Whom the channel lets in. */
interface Admitted {
  readonly allowFrom: readonly string[];
  /** Whoever was approved before all others; undefined: nobody. */
  readonly first: string | undefined;
}

/**
 * An explicit list of owners is the whole truth. Without one they are those whom the channel names
 * by id; and where it names nobody, whoever was approved first, who has set the channel up.
 */
export function standingOf(from: Sender, policy: CommandPolicy, admitted: Admitted): Standing {
  const { allowFrom, ownerAllowFrom } = policy;
  if (allowFrom !== undefined) {
    const list = allowFrom[from.channel] ?? allowFrom["*"] ?? [];
    if (!list.includes("*") && !isListed(from, list)) return "none";
  }
  if (ownerAllowFrom.length > 0) return isListed(from, ownerAllowFrom) ? "owner" : "user";
  const named = admitted.allowFrom.filter((entry) => entry !== "*");
  const { first } = admitted;
  const owns = named.length > 0 ? isListed(from, named) : from.sender === first;
  return owns ? "owner" : "user";
}

/** By id alone, with or without the channel's name before it: anybody can take a name. */
function isListed({ channel, sender }: Sender, list: readonly string[]): boolean {
  const forms = new Set([sender, `user:${sender}`, `${channel}:${sender}`]);
  return list.some((entry) => forms.has(entry));
}
