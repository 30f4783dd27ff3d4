import * as z from "zod";
import type { RunState } from "../../conversation/run.ts";
import { type CallContext, covers, MethodError, PutOff } from "../method.ts";
import { agentOrder } from "./agent-order.ts";
import type { ChatParts } from "./parts.ts";
import { modelOf, stopReasonOf, usageOf } from "./wire.ts";

/** What `agent.wait` waits for when nobody says how long. */
const DEFAULT_WAIT_MS = 30_000;
/** Longest wait of one call: clients ask again. */
const MAX_WAIT_MS = 600_000;

const Name = z.string().min(1);
const Wait = z.strictObject({
  runId: Name,
  timeoutMs: z.int().min(0).default(DEFAULT_WAIT_MS),
});

/** `agent`: a turn for a program; accepted at once, and answered when it has ended. */
export async function runAgentTurn(
  given: unknown,
  context: CallContext,
  parts: ChatParts,
): Promise<object> {
  const asOwner = covers(context.client.scopes, "operator.admin");
  const order = { ...(await agentOrder(given, parts)), asOwner };
  const { run } = await parts.engine.runs.start(order);
  if (run.endedAt === undefined) {
    const { id: runId, sessionKey, agentId, acceptedAt } = run;
    context.accept({ runId, sessionKey, agentId, status: "accepted", acceptedAt });
  }
  const ended = run.endedAt === undefined ? await lastOf(order.id, context.signal, parts) : run;
  const info = await parts.store.sessions.find(run.sessionKey);
  return finalOf(ended, info?.sessionId);
}

/** `agent.wait`: what has become of a run, at the latest after a while. */
export async function waitForRun(
  given: unknown,
  { signal, askedAt }: CallContext,
  { engine, now }: ChatParts,
): Promise<object> {
  const { runId, timeoutMs } = Wait.parse(given);
  const until = askedAt + Math.min(timeoutMs, MAX_WAIT_MS);
  const run = await engine.runs.wait(runId, Math.max(0, until - now()), signal);
  const timeout = { runId, status: "timeout" };
  // Nobody here goes on with it any more, but whoever leads next does.
  if (run?.endedAt === undefined && now() < until) throw new PutOff(() => timeout);
  if (run?.endedAt === undefined) return timeout;
  const { startedAt, endedAt } = run;
  if (run.status === "ok") {
    return { runId, status: "ok", startedAt, endedAt, stopReason: stopReasonOf(run.stop) };
  }
  const isAborted = run.status === "aborted";
  const stopReason = isAborted ? { stopReason: "rpc" } : {};
  const error = run.error?.message ?? "aborted";
  return { runId, status: "error", startedAt, endedAt, error, ...stopReason };
}

async function lastOf(id: string, signal: AbortSignal, parts: ChatParts): Promise<RunState> {
  for (;;) {
    const run = await parts.engine.runs.wait(id, MAX_WAIT_MS, signal);
    if (run === undefined) throw unavailable(id, "the run is gone");
    if (run.endedAt !== undefined) return run;
    const later = unavailable(id, "the gateway goes on with this run later");
    if (signal.aborted) throw later;
    // Put off to whoever leads next, in this process or in a later one.
    if (run.status === "queued") throw new PutOff(() => Promise.reject(later));
  }
}

function unavailable(runId: string, message: string): MethodError {
  return new MethodError("UNAVAILABLE", message, { runId });
}

function finalOf(run: RunState, sessionId: string | undefined): object {
  const { id: runId, status, text, startedAt, endedAt, usage, model } = run;
  if (status === "error") {
    throw new MethodError("UNAVAILABLE", run.error?.message ?? "the run failed", {
      runId,
      code: run.error?.code.toUpperCase(),
    });
  }
  const { modelProvider: provider, model: name } = modelOf(model);
  const spent = usage === undefined ? {} : { usage: agentUsage(usageOf(usage)) };
  const aborted = status === "aborted";
  return {
    runId,
    status: "ok",
    summary: aborted ? "aborted" : "completed",
    result: {
      payloads: text.trim() === "" ? [] : [{ text: text.trim(), mediaUrl: null }],
      meta: {
        durationMs: (endedAt ?? 0) - (startedAt ?? 0),
        agentMeta: { sessionId, sessionFile: run.sessionKey, provider, model: name, ...spent },
        aborted,
        stopReason: aborted ? "rpc" : stopReasonOf(run.stop),
      },
    },
  };
}

/** The same figures by the names that results of agents have. */
function agentUsage(usage: object): object {
  const { totalTokens: total, ...rest }: Record<string, unknown> = { ...usage };
  return { ...rest, total };
}
