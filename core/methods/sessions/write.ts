import * as z from "zod";
import { LIMITS } from "../../../shared/limits.ts";
import type { NewSession, SessionInfo } from "../../store/session.ts";
import { attached, Attachments } from "../chat/attachments.ts";
import {
  type ChatParts,
  messagesTopic,
  mustMaySend,
  type Named,
  sessionOf,
  SESSIONS_TOPIC,
  tellChanged,
  thinkingIn,
} from "../chat/parts.ts";
import { seqOf } from "../chat/wire.ts";
import { type CallContext, MethodError } from "../method.ts";
import { rowOf } from "./list.ts";
import { expectationOf } from "./patch.ts";

const Name = z.string().min(1);
const Owner = { agentId: Name.optional() };
const Create = z.strictObject({
  key: Name.max(512).optional(),
  idempotencyKey: Name.max(200).optional(),
  ...Owner,
  label: Name.max(512).optional(),
  displayName: Name.max(500).optional(),
  category: Name.max(512).optional(),
  model: Name.optional(),
  thinkingLevel: Name.optional(),
  visibility: z.enum(["shared", "read-only", "suggest", "draft"]).optional(),
  parentSessionKey: Name.optional(),
  spawnDepth: z.int().min(1).optional(),
  fork: z.boolean().optional(),
  forkFrom: z.literal("last-completed").optional(),
  emitCommandHooks: z.boolean().optional(),
  succeedsParent: z.boolean().optional(),
  task: z.string().optional(),
  message: z.string().optional(),
  attachments: Attachments,
});
const Reset = z.strictObject({ key: Name, ...Owner, reason: z.enum(["new", "reset"]).optional() });
const Delete = z.strictObject({
  key: Name,
  ...Owner,
  deleteTranscript: z.boolean().optional(),
  expectedSessionId: Name.optional(),
  expectedLifecycleRevision: Name.optional(),
  expectedSessionUpdatedAt: z.number().optional(),
  emitLifecycleHooks: z.boolean().optional(),
  archivedOnly: z.boolean().optional(),
});
const Compact = z.strictObject({ key: Name, ...Owner, maxLines: z.int().min(1).optional() });
const Fork = z.strictObject({ sessionKey: Name, ...Owner, entryId: Name });
const Abort = z.strictObject({
  key: Name.optional(),
  runId: Name.optional(),
  ...Owner,
  clearQueued: z.boolean().optional(),
});
const Send = z.strictObject({
  key: Name,
  ...Owner,
  message: z.string(),
  thinking: z.string().optional(),
  attachments: Attachments,
  timeoutMs: z.int().min(0).optional(),
  idempotencyKey: Name.max(256).optional(),
});
const Follow = z.strictObject({
  key: Name.max(512),
  ...Owner,
  includeApprovals: z.literal(true).optional(),
});

/** `sessions.create` */
export async function createSession(given: unknown, parts: ChatParts): Promise<object> {
  const params = Create.parse(given);
  const { idempotencyKey, label, model } = params;
  // The same key is the same session: a request that comes twice makes one.
  const name = params.key ?? `chat:${idempotencyKey?.toLowerCase() ?? crypto.randomUUID()}`;
  const named = sessionOf(name, params.agentId, parts);
  const parent = params.parentSessionKey;
  const fresh: NewSession = {
    key: named.key,
    createdBy: parent === undefined ? "operator" : "spawn",
    label,
    settings: chosenIn(params),
    parentKey: parent === undefined ? undefined : sessionOf(parent, undefined, parts).key,
    at: parts.now(),
  };
  if (model !== undefined) await parts.mustBeModel(named.agentId, model);
  const made = await make(fresh, params.fork === true, parts);
  tellChanged(parts, named.key, { reason: "create", sessionId: made.sessionId });
  const { sessionId, key } = made;
  const entry = await rowOf(made, parts);
  const message = params.message ?? params.task ?? "";
  if (message === "" && params.attachments === undefined) {
    return { ok: true, key, sessionId, entry, runStarted: false };
  }
  const runId = idempotencyKey ?? crypto.randomUUID();
  const started = await start(named, { ...params, message, runId }, parts);
  return { ok: true, key, sessionId, entry, runStarted: true, runId: started.runId };
}

/** What a session begins with, of what there is to choose. */
function chosenIn(params: z.output<typeof Create>): NonNullable<NewSession["settings"]> {
  const { model, displayName, category, thinkingLevel: word } = params;
  const thinkingLevel = word === undefined ? undefined : thinkingIn(word);
  const chosen = { model, displayName, category, thinkingLevel };
  return Object.fromEntries(
    Object.entries(chosen).flatMap(([key, value]) => (value === undefined ? [] : [[key, value]])),
  );
}

async function make(fresh: NewSession, isFork: boolean, parts: ChatParts): Promise<SessionInfo> {
  const { sessions } = parts.store;
  const parent = fresh.parentKey === undefined ? undefined : await sessions.find(fresh.parentKey);
  if (isFork && parent !== undefined) {
    const forked = await sessions.fork(parent.key, parent.messageCount, fresh);
    if (forked !== undefined) return forked;
  }
  return (await sessions.create(fresh)).info;
}

/** `sessions.reset` */
export async function resetSession(given: unknown, parts: ChatParts): Promise<object> {
  const { key, agentId, reason = "reset" } = Reset.parse(given);
  const named = sessionOf(key, agentId, parts);
  const info = await parts.engine.sessions.reset(named.key);
  const entry = await rowOf(info, parts);
  tellChanged(parts, named.key, { reason, sessionId: info.sessionId, session: entry });
  return { ok: true, key: named.key, entry };
}

/** `sessions.delete`: what was said is kept for a while, but nobody is shown it. */
export async function deleteSession(given: unknown, parts: ChatParts): Promise<object> {
  const params = Delete.parse(given);
  const { key } = sessionOf(params.key, params.agentId, parts);
  if (/^agent:[^:]+:main$/.test(key)) {
    throw new MethodError("INVALID_REQUEST", `Cannot delete the main session (${key}).`);
  }
  const info = await parts.store.sessions.find(key);
  if (info === undefined) return { ok: true, key, deleted: false, archived: [] };
  const { expectedSessionUpdatedAt: updatedAt } = params;
  if (updatedAt !== undefined && updatedAt !== info.updatedAt) {
    throw new MethodError("INVALID_REQUEST", "session changed; reload and retry", {
      code: "SESSION_CHANGED",
    });
  }
  const expected = { ...expectationOf(params), archivedOnly: params.archivedOnly };
  const removed = await parts.engine.sessions.remove(key, expected);
  tellChanged(parts, key, { reason: "delete", sessionId: removed ?? null });
  const archived = removed === undefined ? [] : [removed];
  return { ok: true, key, deleted: removed !== undefined, archived };
}

/** `sessions.compact` */
export async function compactSession(
  given: unknown,
  { signal }: CallContext,
  parts: ChatParts,
): Promise<object> {
  const { key: name, agentId, maxLines } = Compact.parse(given);
  const { key } = sessionOf(name, agentId, parts);
  const result = await parts.engine.sessions.compact(key, signal, { keep: maxLines });
  if (!result.compacted) return { ok: false, key, compacted: false, reason: result.reason };
  tellChanged(parts, key, { reason: "compact", sessionId: result.info.sessionId });
  return { ok: true, key, compacted: true, summarizedMessages: result.summarised };
}

/** `sessions.fork`: goes on from a message of a session in a session of its own. */
export async function forkSession(given: unknown, parts: ChatParts): Promise<object> {
  const { sessionKey, agentId, entryId } = Fork.parse(given);
  const from = sessionOf(sessionKey, agentId, parts);
  const info = await parts.store.sessions.find(from.key);
  const upTo = info === undefined ? undefined : seqOf(info, entryId);
  const key = `agent:${from.agentId}:fork:${crypto.randomUUID()}`;
  const to = { key, createdBy: "operator", parentKey: from.key, at: parts.now() };
  const forked =
    upTo === undefined ? undefined : await parts.store.sessions.fork(from.key, upTo, to);
  if (forked === undefined) {
    throw new MethodError("INVALID_REQUEST", "no such message", { code: "ENTRY_NOT_FOUND" });
  }
  tellChanged(parts, key, { reason: "fork", sessionId: forked.sessionId });
  return { sessionKey: key };
}

/** `sessions.abort` */
export async function abortSession(given: unknown, parts: ChatParts): Promise<object> {
  const { key, runId, agentId } = Abort.parse(given);
  if (key === undefined && runId === undefined) {
    throw new MethodError("INVALID_REQUEST", "key or runId required");
  }
  const session = key === undefined ? {} : { sessionKey: sessionOf(key, agentId, parts).key };
  const which = runId === undefined ? session : { ...session, id: runId };
  const runIds = await parts.engine.runs.abort(which);
  const [abortedRunId = null] = runIds;
  return {
    ok: true,
    abortedRunId,
    runIds,
    status: runIds.length > 0 ? "aborted" : "no-active-run",
  };
}

/** `sessions.send` */
export async function sendToSession(given: unknown, parts: ChatParts): Promise<object> {
  const params = Send.parse(given);
  const named = sessionOf(params.key, params.agentId, parts);
  const runId = params.idempotencyKey ?? crypto.randomUUID();
  return start(named, { ...params, runId }, parts);
}

async function start(
  { key }: Named,
  params: {
    readonly message: string;
    readonly attachments?: z.output<typeof Attachments>;
    readonly timeoutMs?: number | undefined;
    readonly thinking?: string | undefined;
    readonly runId: string;
  },
  parts: ChatParts,
): Promise<{ runId: string; status: string }> {
  mustMaySend(await parts.store.sessions.find(key));
  const { images, text } = attached(params.attachments);
  const message = [params.message, text].filter((part) => part !== "").join("\n\n");
  if (message.trim() === "" && images.length === 0) {
    throw new MethodError("INVALID_REQUEST", "message or attachment required");
  }
  const { fresh, run } = await parts.engine.runs.start({
    id: params.runId,
    kind: "chat",
    sessionKey: key,
    message,
    images: images.length === 0 ? undefined : images,
    timeoutMs: params.timeoutMs === 0 ? undefined : params.timeoutMs,
    thinking: params.thinking ? thinkingIn(params.thinking) : undefined,
  });
  const status = run.endedAt === undefined ? "in_flight" : run.status;
  return { runId: run.id, status: fresh ? "started" : status };
}

/** `sessions.subscribe` and `.unsubscribe`: the list as it changes. */
export function followList(context: CallContext, on: boolean): object {
  if (on) context.subscribe(SESSIONS_TOPIC);
  else context.unsubscribe(SESSIONS_TOPIC);
  return { subscribed: on };
}

/** `sessions.messages.subscribe` and `.unsubscribe`: what is said in one of them. */
export function followMessages(
  given: unknown,
  context: CallContext,
  parts: ChatParts,
  on: boolean,
): object {
  const params = Follow.parse(given);
  const { key } = sessionOf(params.key, params.agentId, parts);
  const topic = messagesTopic(key);
  if (Buffer.byteLength(topic) > LIMITS.maxNoteBytes / 4) {
    throw new MethodError("INVALID_REQUEST", "this key is too long to be followed");
  }
  if (on) context.subscribe(topic);
  else context.unsubscribe(topic);
  return { subscribed: on, key };
}
