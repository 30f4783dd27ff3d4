/** What was said, in the words of OpenClaw -> in ours. Pure. */
import * as z from "zod";
import type { Message, ToolCall } from "../store/message.ts";
import type { ModelCall } from "../store/usage.ts";
import { callOf, type Spending, SpentFields } from "./spent.ts";

/** One thing said, with when. */
export interface Said {
  /** Unix ms. */
  readonly at: number;
  readonly message: Message;
  /** What models were asked for it. Absent: that is not known. */
  readonly calls?: readonly ModelCall[] | undefined;
}

export interface Transcript {
  readonly said: readonly Said[];
  /** What stands for the first `upTo` of them since the session was compacted. */
  readonly summary: { readonly text: string; readonly upTo: number } | undefined;
  /** Events that were messages and could not be read. */
  readonly unread: number;
}

const Piece = z.looseObject({
  type: z.string(),
  text: z.string().optional().catch(undefined),
  id: z.string().optional().catch(undefined),
  name: z.string().optional().catch(undefined),
  arguments: z.unknown().optional(),
});
const Content = z.union([z.string().transform((text) => [{ type: "text", text }]), z.array(Piece)]);
const Spoken = z.object({
  role: z.string(),
  content: Content.catch([]),
  toolCallId: z.string().optional().catch(undefined),
  timestamp: z.number().optional().catch(undefined),
  ...SpentFields,
});
type Spoken = z.output<typeof Spoken>;

const Event = z.looseObject({
  type: z.string(),
  id: z.string().optional().catch(undefined),
  timestamp: z.union([z.string(), z.number()]).optional().catch(undefined),
});
const MessageEvent = Event.extend({ message: Spoken });
const Compaction = Event.extend({
  summary: z.string().min(1),
  firstKeptEntryId: z.string().optional().catch(undefined),
});

/** @param events - Of one session, oldest first. */
export function transcriptOf(events: readonly unknown[]): Transcript {
  const { said, spent, compaction, unread } = collect(events);
  const all = paired(said);
  const summary = compaction && summaryOf(compaction, said, all);
  return { said: withCalls(all, spent), summary, unread };
}

/** What was spent on a message that is left out goes with the next one, or else with the last. */
function withCalls(all: readonly Placed[], spent: readonly Spending[]): Said[] {
  const calls = new Map<Placed | undefined, ModelCall[]>();
  let at = 0;
  // Both are in the order of the transcript.
  for (const { place, call } of spent) {
    while (at < all.length - 1 && (all[at]?.index ?? 0) < place) at += 1;
    const owner = all[at];
    calls.set(owner, [...(calls.get(owner) ?? []), call]);
  }
  return all.map((one) => {
    const said = { at: one.at, message: one.message };
    return calls.has(one) ? { ...said, calls: calls.get(one) } : said;
  });
}

/** With the name of the event it was. */
interface Found extends Said {
  readonly id: string | undefined;
}

/** The last compaction, and how many were said before it. */
interface Compacted {
  readonly text: string;
  readonly firstKept: string | undefined;
  readonly before: number;
}

function collect(events: readonly unknown[]): {
  readonly said: readonly Found[];
  readonly spent: readonly Spending[];
  readonly compaction: Compacted | undefined;
  readonly unread: number;
} {
  const said: Found[] = [];
  const spent: Spending[] = [];
  let compaction: Compacted | undefined;
  let unread = 0;
  for (const event of events) {
    const { type } = Event.safeParse(event).data ?? {};
    if (type === "compaction") compaction = compactedBy(event, said.length) ?? compaction;
    if (type !== "message") continue;
    const parsed = MessageEvent.safeParse(event).data;
    const message = parsed && messageOf(parsed.message);
    if (parsed === undefined) {
      unread += 1;
      continue;
    }
    const at = timeOf(parsed);
    const call = callOf(parsed.message, callsOf(parsed.message), at);
    if (call !== undefined) spent.push({ place: said.length, call });
    if (message !== undefined) said.push({ at, message, id: parsed.id });
  }
  return { said, spent, compaction, unread };
}

function compactedBy(event: unknown, before: number): Compacted | undefined {
  const parsed = Compaction.safeParse(event).data;
  return parsed && { text: parsed.summary, firstKept: parsed.firstKeptEntryId, before };
}

/** Calls without an answer are gone by now: the place is that of the message, not its number. */
function summaryOf(
  { text, firstKept, before }: Compacted,
  said: readonly Found[],
  all: readonly Placed[],
): Transcript["summary"] {
  const kept = said.findIndex(({ id }) => id !== undefined && id === firstKept);
  const end = kept < 0 ? before : kept;
  const upTo = all.findLastIndex(({ index }) => index < end) + 1;
  return upTo === 0 ? undefined : { text, upTo };
}

function timeOf({ message, timestamp }: z.output<typeof MessageEvent>): number {
  const at = message.timestamp ?? (timestamp === undefined ? NaN : new Date(timestamp).getTime());
  return Number.isFinite(at) && at > 0 ? Math.trunc(at) : 0;
}

/** Undefined: nothing was said in it. */
function messageOf(spoken: Spoken): Message | undefined {
  const text = textOf(spoken);
  switch (spoken.role) {
    case "user":
      return text === "" ? undefined : { role: "user", text };
    case "assistant": {
      const toolCalls = callsOf(spoken);
      return text === "" && toolCalls.length === 0
        ? undefined
        : { role: "assistant", text, toolCalls };
    }
    case "toolResult":
    case "tool":
      return spoken.toolCallId === undefined
        ? undefined
        : { role: "tool", callId: spoken.toolCallId, text };
    default:
      return undefined;
  }
}

/** Pictures are not kept in a session; that there were some is. */
function textOf({ content }: Spoken): string {
  const images = content.filter(({ type }) => type === "image").length;
  const note = images === 1 ? "[1 image]" : `[${images} images]`;
  const texts = content.flatMap(({ type, text }) => (type === "text" && text ? [text] : []));
  return [...(images === 0 ? [] : [note]), ...texts].join("\n");
}

function callsOf({ content }: Spoken): ToolCall[] {
  return content.flatMap((piece) => {
    if (piece.type !== "toolCall" || !("id" in piece)) return [];
    const { id, name, arguments: input } = piece;
    if (id === undefined || name === undefined) return [];
    return [{ id, name, input: typeof input === "string" ? input : JSON.stringify(input ?? {}) }];
  });
}

interface Placed extends Said {
  /** Its place in the whole. */
  readonly index: number;
}

/** A call without its result, and a result without its call: providers refuse both. */
function paired(said: readonly Said[]): Placed[] {
  const results = new Set(
    said.flatMap(({ message }) => (message.role === "tool" ? [message.callId] : [])),
  );
  const calls = new Set<string>();
  return said.flatMap(({ at, message }, index): Placed[] => {
    if (message.role === "tool") return calls.has(message.callId) ? [{ at, message, index }] : [];
    if (message.role !== "assistant") return [{ at, message, index }];
    const toolCalls = message.toolCalls.filter(({ id }) => results.has(id));
    for (const { id } of toolCalls) calls.add(id);
    if (message.text === "" && toolCalls.length === 0) return [];
    return [{ at, message: { ...message, toolCalls }, index }];
  });
}
