import * as z from "zod";
import type { SessionInfo, SessionMessage, SessionPage } from "../../store/session.ts";
import { defaultsFor, thinkingIn, windowsIn } from "../sessions/list.ts";
import { sessionRow } from "../sessions/row.ts";
import { OFFERED } from "./commands.ts";
import { type ChatParts, type Named, sessionOf } from "./parts.ts";
import { modelOf, seqOf, wireMessage } from "./wire.ts";

/** Messages of one answer: a screenful many times over. */
const DEFAULT_LIMIT = 200;
/** UTF-16 units of one message. */
const DEFAULT_CHARS = 100_000;
/** JSON of all messages: a quarter of what one frame may hold. */
const DEFAULT_BYTES = 6 * 1024 * 1024;

const Name = z.string().min(1);
const History = z.strictObject({
  sessionKey: Name,
  agentId: Name.optional(),
  cursor: z.string().max(512).optional(),
  limit: z.int().min(1).max(1_000).default(DEFAULT_LIMIT),
  offset: z.int().min(0).default(0),
  pendingBefore: z.int().min(1).optional(),
  inputRunIds: z.array(Name.max(256)).max(50).optional(),
  messageId: z.string().optional(),
  sessionId: z.string().optional(),
  maxChars: z.int().min(1).max(500_000).default(DEFAULT_CHARS),
  maxBytes: z.int().min(1).max(DEFAULT_BYTES).default(DEFAULT_BYTES),
});
type History = z.output<typeof History>;

const MessageGet = z.strictObject({
  sessionKey: Name,
  agentId: Name.optional(),
  messageId: Name,
  maxChars: z.int().min(1).max(2_000_000).default(500_000),
});

/** What a client has read up to. */
const Cursor = z.object({ session: z.string(), seq: z.int().min(0) });

/** `chat.history`: the transcript of a session, newest part first to be asked for. */
export async function chatHistory(given: unknown, parts: ChatParts): Promise<object> {
  const params = History.parse(given);
  const session = sessionOf(params.sessionKey, params.agentId, parts);
  const cursor = params.cursor === undefined ? undefined : readCursor(params.cursor);
  if (params.cursor !== undefined) return since(cursor, params, session, parts);
  // A transcript from before a reset is found by its own id.
  const current = await parts.store.sessions.find(session.key);
  const isOld = params.sessionId !== undefined && params.sessionId !== current?.sessionId;
  const key = isOld ? (params.sessionId ?? session.key) : session.key;
  const page = await parts.store.sessions.page(key, rangeOf(params, current));
  return {
    sessionKey: params.sessionKey,
    ...(page === undefined ? {} : { sessionId: page.info.sessionId }),
    ...transcript(page, params, isOld ? [] : runningOf(session, page, parts)),
    pendingInputs: { items: [], total: 0 },
    ...(page === undefined ? {} : { deltaCursor: cursorOf(page.info) }),
    ...aboutSession(session, page?.info, parts),
    ...(isOld ? {} : inFlight(session, parts)),
  };
}

/** `chat.startup`: what a chat window needs to be drawn. */
export async function chatStartup(given: unknown, parts: ChatParts): Promise<object> {
  const history = await chatHistory(given, parts);
  return { ...history, metadata: chatMetadata(parts) };
}

/** `chat.metadata`: what can be chosen in a chat window. */
export function chatMetadata({ agents }: Pick<ChatParts, "agents">): object {
  const directory = agents();
  const refs = directory.find(directory.defaultId())?.modelRefs ?? [];
  const models = refs.map((ref) => {
    const { modelProvider: provider = "", model: id = ref } = modelOf(ref);
    return { id, name: id, provider };
  });
  return { models, commands: OFFERED };
}

/** `chat.message.get`: one message, longer than a history shows it. */
export async function chatMessage(given: unknown, parts: ChatParts): Promise<object> {
  const params = MessageGet.parse(given);
  const { key } = sessionOf(params.sessionKey, params.agentId, parts);
  const info = await parts.store.sessions.find(key);
  const seq = info === undefined ? undefined : seqOf(info, params.messageId);
  if (info === undefined || seq === undefined) {
    return { ok: false, unavailableReason: "not_found" };
  }
  const page = await parts.store.sessions.page(key, { limit: 1, before: seq + 1 });
  const [found] = page?.messages ?? [];
  if (found?.seq !== seq) return { ok: false, unavailableReason: "not_found" };
  if (found.message.text.length > params.maxChars) {
    return { ok: false, unavailableReason: "oversized" };
  }
  const message = wireMessage(info, found, params.maxChars);
  return message === undefined
    ? { ok: false, unavailableReason: "not_visible" }
    : { ok: true, message };
}

async function since(
  cursor: z.output<typeof Cursor> | undefined,
  params: History,
  session: Named,
  parts: ChatParts,
): Promise<object> {
  const after = cursor?.seq ?? 0;
  // One more than are told: then the client is too far behind, and reads anew.
  const page = await parts.store.sessions.page(session.key, { limit: params.limit + 1, after });
  const isSame = page !== undefined && cursor?.session === page.info.sessionId;
  if (!isSame || page.messages.length > params.limit) return { kind: "reset" };
  const { messages } = transcript(page, params, []);
  return {
    kind: "delta",
    messages,
    deltaCursor: cursorOf(page.info),
    sessionInfo: rowOf(session, page.info, parts),
    ...inFlight(session, parts),
  };
}

function rangeOf(
  { limit, offset, messageId }: History,
  info: SessionInfo | undefined,
): { limit: number; before?: number } {
  if (info === undefined) return { limit };
  const seq = messageId === undefined ? undefined : seqOf(info, messageId);
  if (seq !== undefined) return { limit, before: seq + 1 + Math.floor(limit / 2) };
  return { limit, before: info.messageCount - offset + 1 };
}

/** The messages that fit, and whether there are more before them. */
function transcript(
  page: SessionPage | undefined,
  { maxChars, maxBytes, offset }: History,
  running: readonly object[],
): { messages: object[]; hasMore: boolean; totalMessages: number; nextOffset?: number } {
  if (page === undefined) return { messages: [...running], hasMore: false, totalMessages: 0 };
  const { info } = page;
  const messages: object[] = offset === 0 ? [...running] : [];
  let bytes = 0;
  let first = info.messageCount + 1;
  for (const stored of page.messages.toReversed()) {
    const message = wireMessage(info, stored, maxChars);
    bytes += message === undefined ? 0 : Buffer.byteLength(JSON.stringify(message));
    if (bytes > maxBytes && messages.length > 0) break;
    first = stored.seq;
    if (message !== undefined) messages.unshift(message);
  }
  const hasMore = page.messages.length > 0 && first > 1;
  const next = hasMore ? { nextOffset: info.messageCount - first + 1 } : {};
  return { messages, hasMore, totalMessages: info.messageCount, ...next };
}

/** What was asked by the run under way: it joins the transcript together with its answer. */
function runningOf({ key }: Named, page: SessionPage | undefined, { engine }: ChatParts): object[] {
  const run = engine.runs.active(key).find(({ status }) => status === "running");
  if (run === undefined || run.question === "") return [];
  const seq = (page?.info.messageCount ?? 0) + 1;
  const stored: SessionMessage = {
    seq,
    at: run.startedAt ?? run.acceptedAt,
    message: { role: "user", text: run.question },
    run: run.id,
    model: undefined,
    stop: undefined,
    usage: undefined,
  };
  const message = wireMessage({ sessionId: page?.info.sessionId ?? "" }, stored, DEFAULT_CHARS);
  return message === undefined ? [] : [message];
}

function inFlight({ key }: Named, { engine }: ChatParts): object {
  const run = engine.runs.active(key).find(({ status }) => status === "running");
  if (run === undefined) return {};
  const { id: runId, text, startedAt } = run;
  return { inFlightRun: { runId, text, startedAt, events: [] } };
}

function aboutSession(
  session: Named,
  info: SessionInfo | undefined,
  parts: ChatParts,
): { defaults: object; sessionInfo: object; thinkingLevel?: unknown } {
  const ref = parts.agents().find(session.agentId)?.modelRefs[0];
  const level = info?.settings["thinkingLevel"];
  return {
    defaults: defaultsFor(session.agentId, ref, parts),
    sessionInfo: rowOf(session, info, parts),
    ...(level === undefined ? {} : { thinkingLevel: level }),
  };
}

function rowOf({ key, agentId }: Named, info: SessionInfo | undefined, parts: ChatParts): object {
  const defaultModel = parts.agents().find(agentId)?.modelRefs[0];
  const active = parts.engine.runs.active(key);
  const now = parts.now();
  const known = { contextWindowOf: windowsIn(parts), thinkingOf: thinkingIn(agentId, parts) };
  if (info !== undefined) return sessionRow(info, { active, defaultModel, ...known, now });
  const ids = active.map(({ id }) => id);
  const runs = { hasActiveRun: ids.length > 0, activeRunIds: ids, activeLeafEntryId: null };
  const flags = { archived: false, pinned: false, unread: false, totalTokensFresh: false };
  const named = { key, agentId, kind: "direct", updatedAt: null, modelOverrideSource: null };
  return { ...named, ...flags, ...modelOf(defaultModel), ...runs, snapshotAt: now };
}

function cursorOf(info: SessionInfo): string {
  const cursor = { session: info.sessionId, seq: info.messageCount };
  return Buffer.from(JSON.stringify(cursor)).toString("base64url");
}

/** Undefined for what no gateway of ours has written. */
function readCursor(text: string): z.output<typeof Cursor> | undefined {
  try {
    return Cursor.safeParse(JSON.parse(Buffer.from(text, "base64url").toString())).data;
  } catch {
    return undefined; // not even JSON
  }
}
