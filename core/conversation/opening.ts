/** What a turn begins with: what its model gets, and what the session wishes. */
import type { Thinking } from "../models/model.ts";
import { parseThinking } from "../models/thinking.ts";
import type { Message } from "../store/message.ts";
import type { SessionSettings } from "../store/session.ts";
import { newest, noted, summaryOf, systemOf, unanswered, withoutSystem } from "./history.ts";
import type { ConversationParts, Turn } from "./turn.ts";
import type { AgentSettings } from "../agents/directory.ts";

export interface Opening {
  /** For the model. */
  readonly messages: readonly Message[];
  /** What of it has yet to be kept. */
  readonly news: readonly Message[];
  /** `provider/model`; undefined: the agent's own. */
  readonly model: string | undefined;
  readonly settings: SessionSettings;
}

export async function openingOf(
  turn: Turn,
  { store, limits, systemNotes }: Pick<ConversationParts, "store" | "limits" | "systemNotes">,
): Promise<Opening> {
  const news = unanswered(turn.messages);
  const limit = turn.continues ? limits.maxMessages : 1;
  const opening = await store.sessions.opening(turn.sessionKey, limit);
  const { settings } = opening;
  const chosen = turn.model ?? settings["model"];
  const model = typeof chosen === "string" ? chosen : undefined;
  if (turn.continues) {
    const said = newest(
      opening.messages.map(({ message }) => message),
      limits.maxUnits,
    );
    const notes = (await systemNotes?.(turn.sessionKey)) ?? [];
    const before = [...systemOf(turn.messages), ...summaryOf(opening.summary), ...said];
    return { messages: [...before, ...noted(news, notes)], news, model, settings };
  }
  const isFirst = opening.messages.length === 0;
  const fresh = isFirst ? withoutSystem(turn.messages) : news;
  return { messages: turn.messages, news: fresh, model, settings };
}

/** How a model is asked, besides what it is asked. */
export interface Wishes {
  readonly thinking: ((ref: string) => Thinking | undefined) | undefined;
  readonly fast: ((ref: string) => boolean | undefined) | undefined;
  /** Whether what is thought is told: while it is thought, or with the answer as well. */
  readonly reasoning: "off" | "on" | "stream";
}

/** The turn's own wish counts before its session's, that one before the agent's. Pure. */
export function wishesOf(
  { thinking, fast }: Pick<Turn, "thinking" | "fast">,
  settings: SessionSettings,
  agent: Pick<AgentSettings, "thinking" | "fast" | "reasoning">,
): Wishes {
  const level = settings["thinkingLevel"];
  const wanted = thinking ?? (typeof level === "string" ? parseThinking(level) : undefined);
  const mode = settings["fastMode"];
  // `auto` is what there is without a wish.
  const isFast = fast ?? (typeof mode === "boolean" ? mode : undefined);
  return {
    thinking: wanted === undefined ? agent.thinking : () => wanted,
    fast: isFast === undefined ? agent.fast : () => isFast,
    reasoning: reasoningOf(settings["reasoningLevel"]) ?? agent.reasoning ?? "off",
  };
}

function reasoningOf(value: unknown): Wishes["reasoning"] | undefined {
  return value === "on" || value === "stream" || value === "off" ? value : undefined;
}
