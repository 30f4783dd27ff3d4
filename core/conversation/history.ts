/** Which messages a model gets, and which of them are news. Pure. */
import type { Message } from "../store/message.ts";

export interface HistoryLimits {
  /** Messages of a session that are read for one turn. */
  readonly maxMessages: number;
  /** UTF-16 units of them that reach the model. */
  readonly maxUnits: number;
}

/** A hundred exchanges, and at four units a token about 50 k tokens: fits the context of common models. */
export const HISTORY_LIMITS: HistoryLimits = { maxMessages: 200, maxUnits: 200_000 };

/** The newest of `messages` that together stay below `maxUnits`. */
export function newest(messages: readonly Message[], maxUnits: number): Message[] {
  let units = 0;
  let from = messages.length;
  while (from > 0) {
    const message = messages[from - 1];
    units += message === undefined ? 0 : unitsOf(message);
    if (units > maxUnits) break;
    from -= 1;
  }
  return messages.slice(from);
}

function unitsOf(message: Message): number {
  if (message.role !== "assistant") return message.text.length;
  return message.toolCalls.reduce((sum, { input }) => sum + input.length, message.text.length);
}

/**
 * What was said since the assistant last spoke: of a whole conversation, the part not yet kept.
 * Results of tools are news: they come from whoever runs them, after the assistant has asked.
 */
export function unanswered(messages: readonly Message[]): Message[] {
  const last = messages.findLastIndex(({ role }) => role === "assistant");
  return withoutSystem(messages.slice(last + 1));
}

/** A message as a session keeps it: pictures are for the turn they came with, and may be megabytes. */
export function withoutImages(message: Message): Message {
  if (message.role !== "user" || message.images === undefined) return message;
  const count = message.images.length;
  const note = count === 1 ? "[1 image]" : `[${count} images]`;
  return { role: "user", text: message.text === "" ? note : `${note}\n${message.text}` };
}

/** Instructions of a caller hold for its request; they are not part of what was said. */
export function systemOf(messages: readonly Message[]): Message[] {
  return messages.filter(({ role }) => role === "system");
}

export function withoutSystem(messages: readonly Message[]): Message[] {
  return messages.filter(({ role }) => role !== "system");
}

/** Stands before what was said since a session was compacted. */
export function summaryOf(summary: string | undefined): Message[] {
  if (summary === undefined) return [];
  const text = `A summary of this conversation so far, in place of its older messages:\n\n${summary}`;
  return [
    { role: "user", text },
    { role: "assistant", text: "I go on from there.", toolCalls: [] },
  ];
}

/**
 * What the system has to tell, before the first thing that is news. It is not kept.
 *
 * @param notes - Lines as the model reads them: they say themselves who speaks.
 */
export function noted(news: readonly Message[], notes: readonly string[]): Message[] {
  const [first, ...rest] = news;
  if (notes.length === 0 || first?.role !== "user") return [...news];
  return [{ ...first, text: `${notes.join("\n")}\n\n${first.text}` }, ...rest];
}
