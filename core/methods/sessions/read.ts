import * as z from "zod";
import { agentIdOf } from "../../store/session-key.ts";
import type { SessionInfo } from "../../store/session.ts";
import { type ChatParts, sessionOf } from "../chat/parts.ts";
import { messageIdOf } from "../chat/wire.ts";
import { MethodError } from "../method.ts";

/** Candidates that are told when a name stands for several. */
const MAX_CANDIDATES = 10;
/** Sessions previewed by one call, and what of each. */
const PREVIEW = { keys: 64, items: 12, maxItems: 200, chars: 240 } as const;
/** UTF-16 units of a hit, around what was looked for. */
const SNIPPET_UNITS = 240;

const Name = z.string().min(1);
const Resolve = z.strictObject({
  key: Name.optional(),
  sessionId: Name.optional(),
  label: Name.max(512).optional(),
  shortId: Name.optional(),
  slugHint: Name.optional(),
  agentId: Name.optional(),
  spawnedBy: Name.optional(),
  includeGlobal: z.boolean().optional(),
  includeUnknown: z.boolean().optional(),
  allowMissing: z.boolean().optional(),
});
type Resolve = z.output<typeof Resolve>;

const Preview = z.strictObject({
  keys: z.array(Name).min(1),
  limit: z.int().min(1).default(PREVIEW.items),
  maxChars: z.int().min(20).default(PREVIEW.chars),
});

const Search = z.strictObject({
  agentId: Name.optional(),
  sessionKeys: z.array(Name).max(200).optional(),
  query: z.string().min(1).max(4_096),
  limit: z.int().min(1).max(25).default(10),
});

/** `sessions.resolve`: the key of a session that is called by something else. */
export async function resolveSession(given: unknown, parts: ChatParts): Promise<object> {
  const params = Resolve.parse(given);
  const found = await matches(params, parts);
  const [first] = found;
  if (first !== undefined && found.length === 1) return { ok: true, ...candidateOf(first) };
  if (params.allowMissing === true || found.length > 1) {
    const candidates = found.slice(0, MAX_CANDIDATES).map(candidateOf);
    return candidates.length === 0 ? { ok: false } : { ok: false, candidates };
  }
  const name = params.key ?? params.sessionId ?? params.label ?? params.shortId ?? "";
  throw new MethodError("INVALID_REQUEST", `No session found: ${name}`, {
    code: "SESSION_NOT_FOUND",
  });
}

async function matches(params: Resolve, parts: ChatParts): Promise<readonly SessionInfo[]> {
  const { sessions } = parts.store;
  const { key, label, agentId, spawnedBy: parentKey } = params;
  if (key !== undefined) {
    const named = sessionOf(key, agentId, parts);
    const known = (await sessions.find(named.key)) ?? (await byId(key, parts));
    return known === undefined ? [] : [known];
  }
  if (params.sessionId !== undefined) {
    const known = await byId(params.sessionId, parts);
    return known === undefined ? [] : [known];
  }
  const page = {
    limit: MAX_CANDIDATES + 1,
    offset: 0,
    agentId: agentId?.toLowerCase(),
    parentKey,
    archived: "all",
  } as const;
  if (label !== undefined) return (await sessions.list({ ...page, label })).sessions;
  if (params.shortId === undefined) {
    throw new MethodError("INVALID_REQUEST", "Provide one of key, sessionId, label or shortId");
  }
  const shortId = params.shortId.toLowerCase();
  return (await sessions.list({ ...page, shortId })).sessions;
}

async function byId(sessionId: string, { store }: ChatParts): Promise<SessionInfo | undefined> {
  const filter = { sessionId, limit: 1, offset: 0, archived: "all" } as const;
  return (await store.sessions.list(filter)).sessions[0];
}

function candidateOf({ key, label }: SessionInfo): object {
  const named = { key, agentId: agentIdOf(key) };
  return label === undefined ? named : { ...named, displayName: label };
}

/** `sessions.preview`: the newest of what was said in some sessions. */
export async function previewSessions(given: unknown, parts: ChatParts): Promise<object> {
  const { keys, limit, maxChars } = Preview.parse(given);
  const previews = await Promise.all(
    keys.slice(0, PREVIEW.keys).map((key) => preview(key, limit, maxChars, parts)),
  );
  return { ts: parts.now(), previews };
}

async function preview(
  name: string,
  limit: number,
  maxChars: number,
  parts: ChatParts,
): Promise<object> {
  const { key } = sessionOf(name, undefined, parts);
  const range = { limit: Math.min(limit, PREVIEW.maxItems) };
  const page = await parts.store.sessions.page(key, range);
  if (page === undefined) return { key: name, status: "missing", items: [] };
  const items = page.messages.flatMap(({ message: { role, text } }) =>
    role === "system" || text === "" ? [] : [{ role, text: text.slice(0, maxChars) }],
  );
  return { key: name, status: items.length === 0 ? "empty" : "ok", items };
}

/** `sessions.search`: who said what, in the sessions used last. */
export async function searchSessions(given: unknown, parts: ChatParts): Promise<object> {
  const { agentId, sessionKeys, query, limit } = Search.parse(given);
  const keys = sessionKeys?.map((key) => sessionOf(key, agentId, parts).key);
  const filter = { limit, agentId: agentId?.toLowerCase(), keys };
  const { hits, truncated } = await parts.store.sessions.search(query, filter);
  const results = hits.flatMap(({ key, sessionId, message: { seq, at, message } }) => {
    const { role, text } = message;
    const place = text.toLowerCase().indexOf(query.toLowerCase());
    if ((role !== "user" && role !== "assistant") || place < 0) return [];
    const from = Math.max(0, place - SNIPPET_UNITS / 2);
    const snippet = text.slice(from, from + SNIPPET_UNITS);
    const messageId = messageIdOf({ sessionId }, seq);
    return [{ sessionKey: key, sessionId, messageId, role, timestamp: at, snippet, score: 1 }];
  });
  return truncated ? { results, truncated } : { results };
}
