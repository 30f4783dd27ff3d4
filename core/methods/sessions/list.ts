import * as z from "zod";
import { agentIdOf } from "../../store/session-key.ts";
import type { SessionInfo } from "../../store/session.ts";
import { type ChatParts, sessionOf } from "../chat/parts.ts";
import { modelOf } from "../chat/wire.ts";
import { optional, type RowParts, sessionRow } from "./row.ts";

/** Sessions of one answer. */
const DEFAULT_LIMIT = 100;
const MAX_LIMIT = 1_000;
/** Sessions of which the last message and a title are looked up. */
const MAX_PREVIEWED = 100;
/** UTF-16 units of a preview in a list, and of a title made of a message. */
const PREVIEW_UNITS = 160;
const TITLE_UNITS = 60;
/** Messages looked at for them. */
const NEWEST = 4;

const Name = z.string().min(1);
const List = z.strictObject({
  limit: z.int().min(1).default(DEFAULT_LIMIT),
  offset: z.int().min(0).default(0),
  activeMinutes: z.int().min(1).optional(),
  requireLastInteraction: z.boolean().optional(),
  sortBy: z.enum(["updatedAt", "lastInteractionAt"]).optional(),
  includeGlobal: z.boolean().optional(),
  includeUnknown: z.boolean().optional(),
  configuredAgentsOnly: z.boolean().optional(),
  includeDerivedTitles: z.boolean().optional(),
  includeLastMessage: z.boolean().optional(),
  label: Name.max(512).optional(),
  boardFace: z.enum(["chat", "dashboard"]).optional(),
  creatorId: Name.optional(),
  ownerId: Name.optional(),
  ownerFirst: z.boolean().optional(),
  involvingMe: z.boolean().optional(),
  involvingProfileId: Name.optional(),
  includePeople: z.boolean().optional(),
  spawnedBy: Name.optional(),
  agentId: Name.optional(),
  search: z.string().max(512).optional(),
  archived: z.union([z.boolean(), z.literal("all")]).optional(),
});

const Describe = z.strictObject({
  key: Name,
  includeDerivedTitles: z.boolean().optional(),
  includeLastMessage: z.boolean().optional(),
});

/** `sessions.list`: the sessions used last come first. */
export async function listSessions(given: unknown, parts: ChatParts): Promise<object> {
  const params = List.parse(given);
  const { offset, activeMinutes, archived, label, spawnedBy, agentId, search } = params;
  const limit = Math.min(params.limit, MAX_LIMIT);
  const now = parts.now();
  const { sessions, total } = await parts.store.sessions.list({
    limit,
    offset,
    label,
    search: search?.trim().toLowerCase(),
    agentId: agentId?.toLowerCase(),
    parentKey: spawnedBy,
    updatedSince: activeMinutes === undefined ? undefined : now - activeMinutes * 60_000,
    archived: archivedOf(archived),
  });
  const rows = await Promise.all(
    sessions.map((info, index) => rowOf(info, parts, index < MAX_PREVIEWED ? params : {})),
  );
  const next = offset + sessions.length;
  return {
    ts: now,
    path: parts.path,
    count: rows.length,
    totalCount: total,
    limitApplied: limit,
    nextOffset: next < total ? next : null,
    hasMore: next < total,
    owners: [],
    defaults: defaultsOf(parts),
    sessions: rows,
  };
}

/** `sessions.describe`: one of them; null when there is none. */
export async function describeSession(given: unknown, parts: ChatParts): Promise<object> {
  const params = Describe.parse(given);
  const { key } = sessionOf(params.key, undefined, parts);
  const info = await parts.store.sessions.find(key);
  return { session: info === undefined ? null : await rowOf(info, parts, params) };
}

/** A session as lists have it. */
export async function rowOf(
  info: SessionInfo,
  parts: ChatParts,
  wanted: {
    readonly includeDerivedTitles?: boolean | undefined;
    readonly includeLastMessage?: boolean | undefined;
  } = {},
): Promise<Record<string, unknown>> {
  const { key } = info;
  const active = parts.engine.runs.active(key);
  const defaultModel = defaultModelOf(key.split(":")[1], parts);
  const found = {
    lastText: wanted.includeLastMessage === true ? await lastText(key, parts) : undefined,
    title: wanted.includeDerivedTitles === true ? await firstText(key, parts) : undefined,
  };
  const known = {
    contextWindowOf: windowsIn(parts),
    thinkingOf: thinkingIn(agentIdOf(key), parts),
  };
  return sessionRow(info, { active, defaultModel, ...known, now: parts.now(), ...found });
}

/** What holds for a session that chooses nothing. */
export function defaultsOf(parts: Pick<ChatParts, "agents">): object {
  const directory = parts.agents();
  const agentId = directory.defaultId();
  return defaultsFor(agentId, defaultModelOf(agentId, parts), parts);
}

/** The same where the model of the agent is `ref`. */
export function defaultsFor(
  agentId: string,
  ref: string | undefined,
  parts: Pick<ChatParts, "agents">,
): object {
  const selection = { modelSelectionTarget: "session" };
  if (ref === undefined) return { contextTokens: null, ...selection };
  const contextTokens = windowsIn(parts)(ref) ?? null;
  const thinking = thinkingIn(agentId, parts)(ref);
  return { ...optional({ ...modelOf(ref) }), contextTokens, ...thinking, ...selection };
}

/** How much models can be told to think for an agent. */
export function thinkingIn(
  agentId: string,
  { agents }: Pick<ChatParts, "agents">,
): NonNullable<RowParts["thinkingOf"]> {
  return (ref) => agents().thinking(agentId, ref);
}

/** How many tokens models take. */
export function windowsIn({ agents }: Pick<ChatParts, "agents">): RowParts["contextWindowOf"] {
  return (ref) => agents().facts(ref).contextWindow;
}

function defaultModelOf(
  agentId: string | undefined,
  { agents }: Pick<ChatParts, "agents">,
): string | undefined {
  return agents().find(agentId ?? "")?.modelRefs[0];
}

async function lastText(key: string, { store }: ChatParts): Promise<string | undefined> {
  const page = await store.sessions.page(key, { limit: NEWEST });
  const text = page?.messages.findLast(
    ({ message }) => isSaid(message.role) && message.text !== "",
  );
  return text?.message.text.slice(0, PREVIEW_UNITS);
}

async function firstText(key: string, { store }: ChatParts): Promise<string | undefined> {
  const page = await store.sessions.page(key, { limit: NEWEST, after: 0 });
  const text = page?.messages.find(({ message }) => message.role === "user")?.message.text;
  return text?.replaceAll(/\s+/g, " ").trim().slice(0, TITLE_UNITS);
}

function isSaid(role: string): boolean {
  return role === "user" || role === "assistant";
}

function archivedOf(archived: boolean | "all" | undefined): "no" | "only" | "all" {
  if (archived === "all") return "all";
  return archived === true ? "only" : "no";
}
