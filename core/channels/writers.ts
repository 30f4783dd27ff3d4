/** Who may write to us directly, as far as a policy and the pairings of its channel tell. Pure. */
import type { AccessPolicy } from "./allow-list.ts";

/**
 * How many people that are.
 *
 * @param channel - Whose ids these are: one may be listed with the name of the channel before it.
 * @param paired - Senders that the owner approved there.
 */
export function writersOf(
  channel: string,
  { dmPolicy, allowFrom }: Pick<AccessPolicy, "dmPolicy" | "allowFrom">,
  paired: readonly string[],
): number | "everybody" {
  if (dmPolicy === "disabled") return 0;
  if (dmPolicy === "open" && allowFrom.includes("*")) return "everybody";
  const prefix = `${channel}:`;
  const listed = allowFrom
    .filter((entry) => entry !== "*")
    .map((entry) => (entry.startsWith(prefix) ? entry.slice(prefix.length) : entry));
  return new Set([...listed, ...(dmPolicy === "pairing" ? paired : [])]).size;
}
