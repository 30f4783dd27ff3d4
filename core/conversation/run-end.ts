/** How runs end, as it is kept and as it is told. Pure. */
import * as z from "zod";
import type { AgentFailed } from "../agents/event.ts";
import type { StoredRun } from "../store/run.ts";
import { agentIdOf } from "../store/session-key.ts";
import type { SessionEntry, RunEnd } from "../store/entry.ts";
import type { SpentCalls } from "../store/usage.ts";
import type { LiveRun } from "./live-runs.ts";
import type { RunKind, RunState } from "./run.ts";

/** Of one that never began. */
export const NO_END = {
  startedAt: undefined,
  stop: undefined,
  error: undefined,
  usage: undefined,
  model: undefined,
} as const;

export function endOf(
  { run: made, usage }: SessionEntry,
  run: LiveRun,
  failure: AgentFailed | undefined,
  now: number,
): RunEnd {
  const status = made?.status ?? "ok";
  return {
    status,
    startedAt: run.startedAt,
    endedAt: now,
    text: run.text,
    stop: made?.stop,
    error:
      status === "error" && failure ? { code: failure.code, message: failure.message } : undefined,
    usage: status === "ok" ? usage : undefined,
    model: made?.model,
  };
}

export function failedEnd(run: LiveRun, message: string, now: number): RunEnd {
  const { startedAt } = run;
  const error = { code: "internal", message } as const;
  return { ...NO_END, status: "error", startedAt, endedAt: now, text: "", error };
}

export function stateOf({ id, kind, sessionKey, acceptedAt, end }: StoredRun): RunState {
  const known = { id, kind: kindOf(kind), sessionKey, agentId: agentIdOf(sessionKey), acceptedAt };
  if (end === undefined)
    return { ...known, ...NO_END, question: "", status: "queued", endedAt: undefined, text: "" };
  const { stop, ...rest } = end;
  return { ...known, ...rest, question: "", stop: stopOf(stop) };
}

function kindOf(kind: string): RunKind {
  return KINDS.safeParse(kind).data ?? "agent";
}

const KINDS = z.enum(["chat", "agent", "channel", "hook", "http", "cron", "heartbeat"]);

function stopOf(stop: string | undefined): RunState["stop"] {
  return STOPS.safeParse(stop).data;
}

const STOPS = z.enum(["end", "max_tokens", "tool_calls", "refusal"]);

/** What was used for a run that leaves nothing in its session. */
export function spentOn({ sessionKey, calls = [], run }: SessionEntry): SpentCalls {
  const agentId = agentIdOf(sessionKey);
  return { calls, sessionKey, agentId, kind: run?.kind ?? "", run: run?.id };
}
