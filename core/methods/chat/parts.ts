import type { AgentDirectory } from "../../agents/directory.ts";
import type { Channel } from "../../channels/channel.ts";
import type { Engine } from "../../conversation/engine.ts";
import { THINKING_LEVELS, type Thinking } from "../../models/model.ts";
import { parseThinking } from "../../models/thinking.ts";
import { agentIdOf, canonicalSessionKey } from "../../store/session-key.ts";
import type { SessionInfo } from "../../store/session.ts";
import type { Store } from "../../store/store.ts";
import type { EventHub } from "../events.ts";
import { MethodError } from "../method.ts";

/** What the methods of chats, sessions and messages work with. */
export interface ChatParts {
  readonly engine: Pick<Engine, "runs" | "sessions" | "commands" | "tell">;
  readonly store: Pick<Store, "sessions" | "usage">;
  readonly agents: () => Pick<AgentDirectory, "defaultId" | "find" | "facts" | "thinking">;
  /** @throws GatewayError for a model that cannot be asked for. */
  readonly mustBeModel: (agentId: string, model: string) => Promise<unknown>;
  readonly channel: (id: string) => Channel | undefined;
  readonly hub: EventHub;
  /** File that the sessions are in, for people. */
  readonly path: string;
  /** Unix ms. */
  readonly now: () => number;
}

/** A session that somebody named, and whose it is. */
export interface Named {
  readonly key: string;
  readonly agentId: string;
}

/**
 * The session that a client means.
 *
 * @throws MethodError for an agent that there is not, or another one than the key says.
 */
export function sessionOf(
  key: string,
  agentId: string | undefined,
  { agents }: Pick<ChatParts, "agents">,
): Named {
  const directory = agents();
  const asked = agentId?.trim().toLowerCase();
  const canonical = canonicalSessionKey(key, asked ?? directory.defaultId());
  const owner = agentIdOf(canonical);
  if (asked !== undefined && asked !== owner) {
    throw new MethodError("INVALID_REQUEST", `session ${canonical} is not of agent "${asked}"`);
  }
  if (directory.find(owner) === undefined) throw unknownAgent(owner);
  return { key: canonical, agentId: owner };
}

export function unknownAgent(agentId: string): MethodError {
  return new MethodError("INVALID_REQUEST", `unknown agent id "${agentId}"`, {
    code: "UNKNOWN_AGENT_ID",
    agentId,
  });
}

/** The session as clients see it has changed: tells those who follow the list. */
export function tellChanged(
  { hub, now }: Pick<ChatParts, "hub" | "now">,
  sessionKey: string,
  why: Readonly<Record<string, unknown>>,
): void {
  const payload = { sessionKey, agentId: agentIdOf(sessionKey), ...why, ts: now() };
  hub.publish("sessions.changed", payload, { topic: SESSIONS_TOPIC });
}

export const SESSIONS_TOPIC = "sessions";

/** Followers of what is said in one session. */
export function messagesTopic(sessionKey: string): string {
  return `session:${sessionKey}`;
}

/** @throws MethodError for a word that is no level of thinking. */
export function thinkingIn(word: string): Thinking {
  const level = parseThinking(word);
  if (level !== undefined) return level;
  const levels = THINKING_LEVELS.join("|");
  throw new MethodError("INVALID_REQUEST", `invalid thinkingLevel (use ${levels})`);
}

/** @throws MethodError when nothing may be sent in the session. */
export function mustMaySend(info: SessionInfo | undefined): void {
  if (info?.settings["sendPolicy"] !== "deny") return;
  throw new MethodError("INVALID_REQUEST", "send blocked by session policy", {
    code: "SEND_BLOCKED",
  });
}

/** A target may be called by its channel as well: `telegram:123`. */
export function bareTarget(channel: string, target: string): string {
  return target.startsWith(`${channel}:`) ? target.slice(channel.length + 1) : target;
}
