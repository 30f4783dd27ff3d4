/** Where a message belongs. Pure. */
import type { InboundMessage } from "../channels/channel.ts";

export interface RouteSettings {
  readonly agent: string;
  /**
   * `main`: all direct conversations are one session, the owner's, whatever channel it comes
   * from. `per-channel-peer`: everybody has their own, which is the right one as soon as a second
   * person may write. `per-peer`: the same whatever channel they write on; an account is named
   * where there may be several of one channel.
   */
  readonly dmScope: "main" | "per-peer" | "per-channel-peer" | "per-account-channel-peer";
  /** True: in `main`, others than the owner have sessions of their own all the same. */
  readonly othersApart?: boolean | undefined;
}

/** The session a message is part of. Groups never share one with anybody. */
export function sessionKeyOf(
  { channel, conversation, sender, direct }: InboundMessage,
  { agent, dmScope }: RouteSettings,
): string {
  if (direct) {
    const scopes = {
      main: mainSessionKey(agent),
      "per-peer": `agent:${agent}:direct:${sender}`,
      "per-channel-peer": `agent:${agent}:${channel}:direct:${sender}`,
      "per-account-channel-peer": `agent:${agent}:${channel}:default:direct:${sender}`,
    };
    return scopes[dmScope];
  }
  const [group = conversation, topic] = conversation.split(":");
  const suffix = topic === undefined ? "" : `:topic:${topic}`;
  return `agent:${agent}:${channel}:group:${group}${suffix}`;
}

/** The session of the agent's owner. */
export function mainSessionKey(agent: string): string {
  return `agent:${agent}:main`;
}

/** What the agent is told. In a group it must know who speaks; the name is only what they call themselves. */
export function promptOf({ direct, senderName, text }: InboundMessage): string {
  return direct ? text : `${senderName}: ${text}`;
}
