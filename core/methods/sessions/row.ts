/** A session in a list, as clients of the protocol read it. Pure. */
import type { RunState } from "../../conversation/run.ts";
import type { ThinkingFacts } from "../../models/wishes.ts";
import { agentIdOf } from "../../store/session-key.ts";
import type { SessionInfo } from "../../store/session.ts";
import { messageIdOf, modelOf } from "../chat/wire.ts";

/** Settings that are shown under their own name. */
const SHOWN = [
  "thinkingLevel",
  "queueMode",
  "verboseLevel",
  "traceLevel",
  "reasoningLevel",
  "responseUsage",
  "elevatedLevel",
  "fastMode",
  "sendPolicy",
  "groupActivation",
  "permissionMode",
  "contextWindow",
  "execHost",
  "execSecurity",
  "execAsk",
  "execNode",
  "icon",
  "color",
  "category",
  "boardFace",
  "statusNote",
  "displayName",
] as const;

const STATUS = { ok: "done", error: "failed", aborted: "killed" } as const;

/** Who made it, by the kind of its first run. */
const CREATED_VIA: Readonly<Record<string, string>> = {
  channel: "channel",
  cron: "cron",
  heartbeat: "cron",
  hook: "internal",
  http: "run",
};

export interface RowParts {
  /** Of this session. */
  readonly active: readonly RunState[];
  /** `provider/model` of its agent. */
  readonly defaultModel: string | undefined;
  /** How many tokens a model takes; undefined: not known. */
  readonly contextWindowOf: (ref: string) => number | undefined;
  /** How much a model can be told to think, for the agent of the session. Undefined: not told. */
  readonly thinkingOf?: ((ref: string) => ThinkingFacts) | undefined;
  readonly now: number;
  readonly lastText?: string | undefined;
  readonly title?: string | undefined;
}

export function sessionRow(info: SessionInfo, parts: RowParts): Record<string, unknown> {
  const { key, sessionId, settings, label } = info;
  const isPinned = settings["pinned"] === true;
  const model = modelRefOf(info) ?? parts.defaultModel;
  const title = label ?? parts.title;
  return {
    key,
    sessionId,
    kind: isGroup(key) ? "group" : "direct",
    chatType: isGroup(key) ? "group" : "direct",
    classification: classOf(key),
    agentId: agentIdOf(key),
    isMain: classOf(key) === "main",
    isBackground: BACKGROUND.has(classOf(key)),
    visibility: "shared",
    createdVia: CREATED_VIA[info.createdBy] ?? "operator",
    createdAt: info.createdAt,
    updatedAt: info.updatedAt,
    ...optional({ lastInteractionAt: info.lastInteractionAt, lastActivityAt: info.updatedAt }),
    archived: info.archivedAt !== undefined,
    ...optional({ archivedAt: info.archivedAt }),
    pinned: isPinned,
    ...optional({ pinnedAt: isPinned ? numberOf(settings["pinnedAt"]) : undefined }),
    unread: settings["unread"] === true,
    ...optional({ label, derivedTitle: parts.title, lastMessagePreview: parts.lastText }),
    ...optional({ displayName: title, channel: info.origin?.channel }),
    ...Object.fromEntries(
      SHOWN.flatMap((name) => (settings[name] === undefined ? [] : [[name, settings[name]]])),
    ),
    inputTokens: info.inputTokens,
    outputTokens: info.outputTokens,
    ...contextOf(info, model, parts),
    ...optional({ estimatedCostUsd: info.costUsd }),
    compactionCount: info.compactions,
    ...modelOf(model),
    modelOverrideSource: typeof settings["model"] === "string" ? "user" : null,
    ...optional({ previousSessionId: info.previousId, parentSessionKey: info.parentKey }),
    ...optional({ spawnedBy: info.parentKey }),
    ...runOf(info, parts.active),
    activeLeafEntryId: info.messageCount > 0 ? messageIdOf(info, info.messageCount) : null,
    lifecycleRevision: revisionOf(info),
    snapshotAt: parts.now,
  };
}

/** The model that was chosen for it, or else the one that answered last. */
function modelRefOf({ settings, lastRun }: SessionInfo): string | undefined {
  const chosen = settings["model"];
  return typeof chosen === "string" ? chosen : lastRun?.model;
}

/** How full the context of its model is, what there is room for, and how much it can think. */
export function contextOf(
  { contextTokens: used, contextFresh }: SessionInfo,
  model: string | undefined,
  { contextWindowOf, thinkingOf }: Pick<RowParts, "contextWindowOf" | "thinkingOf">,
): object {
  const contextTokens = (model === undefined ? undefined : contextWindowOf(model)) ?? null;
  return {
    ...(used === 0 ? {} : { totalTokens: used }),
    totalTokensFresh: contextFresh,
    contextTokens,
    ...(model === undefined ? {} : thinkingOf?.(model)),
  };
}

/** Changes with every change of what was chosen for the session. */
export function revisionOf({ sessionId, revision }: SessionInfo): string {
  return `${sessionId}:${revision}`;
}

function runOf({ lastRun }: SessionInfo, active: readonly RunState[]): object {
  const now = active.find(({ status }) => status === "running") ?? active[0];
  const ids = active.map(({ id }) => id);
  const before =
    lastRun === undefined
      ? {}
      : {
          status: STATUS[lastRun.status],
          startedAt: lastRun.startedAt,
          endedAt: lastRun.endedAt,
          runtimeMs: Math.max(0, lastRun.endedAt - lastRun.startedAt),
          lastRunId: lastRun.id,
          abortedLastRun: lastRun.status === "aborted",
          ...optional({ lastRunError: lastRun.error }),
        };
  return {
    ...before,
    ...(now === undefined ? {} : { status: now.status === "running" ? "running" : "queued" }),
    hasActiveRun: ids.length > 0,
    activeRunIds: ids,
  };
}

const BACKGROUND: ReadonlySet<string> = new Set(["cron", "hook"]);

function classOf(key: string): string {
  const [, , first = "", ...rest] = key.split(":");
  if (first === "main" && rest.length === 0) return "main";
  if (first === "cron" || first === "hook") return first;
  return isGroup(key) ? "group" : "custom";
}

function isGroup(key: string): boolean {
  return /^agent:[^:]+:[^:]+:(?:group|channel):/.test(key);
}

function numberOf(value: unknown): number | undefined {
  return typeof value === "number" ? value : undefined;
}

/** Without what is not known. */
export function optional(values: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined));
}
