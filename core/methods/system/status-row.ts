/** A session in the status of the gateway: how full its context is. Pure. */
import { agentIdOf } from "../../store/session-key.ts";
import type { SessionInfo } from "../../store/session.ts";
import { modelOf } from "../chat/wire.ts";
import type { SessionFacts } from "./health.ts";

export interface StatusRowParts {
  /** `provider/model` where a session says nothing. */
  readonly defaultModel: string;
  /** How many tokens `provider/model` takes; undefined: not known. */
  readonly contextWindowOf: (ref: string) => number | undefined;
  /** Unix ms. */
  readonly now: number;
}

export function statusRow(
  info: SessionInfo,
  parts: StatusRowParts,
): SessionFacts["recent"][number] {
  const { key, sessionId, updatedAt, inputTokens, outputTokens, settings, lastRun } = info;
  const chosen = settings["model"];
  const ref = typeof chosen === "string" ? chosen : (lastRun?.model ?? parts.defaultModel);
  const window = parts.contextWindowOf(ref);
  const used = info.contextTokens === 0 ? undefined : info.contextTokens;
  const isKnown = window !== undefined && used !== undefined && info.contextFresh;
  const row = {
    key,
    updatedAt,
    age: Math.max(0, parts.now - updatedAt),
    agentId: agentIdOf(key),
    sessionId,
    ...modelOf(ref),
    inputTokens,
    outputTokens,
    totalTokens: used ?? null,
    totalTokensFresh: info.contextFresh,
    contextTokens: window ?? null,
    remainingTokens: isKnown ? Math.max(0, window - used) : null,
    percentUsed: isKnown ? Math.min(999, Math.round((used / window) * 100)) : null,
  };
  return { ...row, ...(info.costUsd === undefined ? {} : { estimatedCostUsd: info.costUsd }) };
}
