/** One run of a job: the turn, and telling its answer. */
import { GatewayError } from "../../shared/errors.ts";
import type { RunOrder, RunState } from "../conversation/run.ts";
import { mainSessionKey } from "../conversation/route.ts";
import { parseThinking } from "../models/thinking.ts";
import type { CronClaim } from "../store/cron.ts";
import type { CronJob } from "../store/cron-job.ts";
import type { Heartbeats } from "./beat.ts";
import type { CronParts } from "./parts.ts";
import { saidOf } from "./silence.ts";
import { eventLine } from "./system-events.ts";
import { destinationOf } from "./target.ts";
import { announce, type Delivered, type Executed, finished, NOT_REQUESTED } from "./turn.ts";

/** Of an answer, kept in the history of runs. */
const MAX_SUMMARY_UNITS = 2_000;
/** Agents that say so themselves. */
const DEFAULT_AGENT = "main";

/** Runs jobs. Nothing in here decides when. */
export class Executor {
  readonly #parts: CronParts;
  readonly #heartbeats: Heartbeats;

  constructor(parts: CronParts, heartbeats: Heartbeats) {
    this.#parts = parts;
    this.#heartbeats = heartbeats;
  }

  /**
   * Runs a job to its end. The same claim again goes on with the same run: nothing is done twice.
   *
   * @returns Undefined: `signal` has aborted, and the run goes on without us.
   */
  async run(job: CronJob, claim: CronClaim, signal: AbortSignal): Promise<Executed | undefined> {
    try {
      return await this.#run(job, claim, signal);
    } catch (error) {
      if (signal.aborted) return undefined;
      const known = error instanceof GatewayError && error.code !== "internal" ? error : undefined;
      if (known === undefined) this.#parts.log.error({ err: error, job: job.id }, "a run failed");
      return {
        status: "error",
        code: known?.code ?? "internal",
        error: known?.message ?? "Something failed on our side; the log has the details",
        delivery: NOT_REQUESTED,
      };
    }
  }

  async #run(job: CronJob, claim: CronClaim, signal: AbortSignal): Promise<Executed | undefined> {
    const { payload, wakeMode } = job.definition;
    if (payload.kind === "heartbeat") {
      return this.#heartbeats.beat(agentOf(job, this.#parts), claim.id, signal);
    }
    if (payload.kind === "systemEvent" && wakeMode === "next-heartbeat") {
      const sessionKey = sessionOf(job, claim, this.#parts);
      await this.#parts.events.enqueue(sessionKey, payload.text, claim.id);
      return { status: "ok", summary: payload.text, sessionKey, delivery: NOT_REQUESTED };
    }
    return this.#turn(job, claim, signal);
  }

  async #turn(job: CronJob, claim: CronClaim, signal: AbortSignal): Promise<Executed | undefined> {
    const run = await finished(this.#parts.runs, orderOf(job, claim, this.#parts), signal);
    if (run === undefined) return undefined;
    const base = { sessionKey: run.sessionKey, run };
    if (run.status !== "ok") {
      const error = run.error?.message ?? "The run was ended before it was done";
      const code = run.error?.code ?? "canceled";
      return { ...base, status: "error", code, error, delivery: NOT_REQUESTED };
    }
    const delivery = await this.#deliver(job, claim, run);
    return { ...base, status: "ok", summary: cut(run.text), delivery };
  }

  /** By the id of the claim: the same answer is told once. */
  async #deliver(job: CronJob, claim: CronClaim, run: RunState): Promise<Delivered> {
    const { delivery, payload } = job.definition;
    const isReminder = payload.kind === "systemEvent" && delivery === undefined;
    if (delivery?.mode === "none" || (delivery === undefined && !isReminder)) return NOT_REQUESTED;
    const said = saidOf(run.text);
    if (said.text === undefined) return { status: "not-delivered", suppressed: said.reason };
    const { agentId } = run;
    const wish = { ...delivery, sessionKey: mainSessionKey(agentId) };
    const destination = await destinationOf(wish, this.#parts.routes);
    if (destination.kind !== "route") {
      // Nobody has said where a reminder goes: without a way to its owner it stays in the session.
      if (isReminder || destination.kind === "none") return NOT_REQUESTED;
      return { status: "not-delivered", error: destination.reason };
    }
    return announce(this.#parts, claim.id, destination.route, said.text);
  }
}

function orderOf(job: CronJob, claim: CronClaim, parts: CronParts): RunOrder {
  const { payload, name } = job.definition;
  const sessionKey = sessionOf(job, claim, parts);
  // Who may make a job may have it do anything: only administrators may.
  const base = { id: claim.id, kind: "cron", sessionKey, asOwner: true } as const;
  if (payload.kind !== "agentTurn") {
    const isEvent = payload.kind === "systemEvent";
    const message = eventLine(isEvent ? payload.text : name, claim.dueMs);
    return { ...base, message, toolsAllow: isEvent ? payload.toolsAllow : undefined };
  }
  const seconds = payload.timeoutSeconds ?? 0;
  const { model, fallbacks, toolsAllow, lightContext } = payload;
  return {
    ...base,
    message: `[cron:${job.id} ${name}] ${payload.message}`,
    model,
    fallbacks,
    toolsAllow,
    lightContext,
    thinking: parseThinking(payload.thinking ?? ""),
    timeoutMs: seconds === 0 ? undefined : seconds * 1_000,
  };
}

/** The agent a job is for. */
export function agentOf(
  { definition }: CronJob,
  { settings }: Pick<CronParts, "settings">,
): string {
  const { agents } = settings();
  return definition.agentId ?? agents.find((one) => one.isDefault)?.id ?? DEFAULT_AGENT;
}

/** An isolated run has a session of its own, which the next one knows nothing of. */
export function sessionOf(
  job: CronJob,
  claim: CronClaim,
  parts: Pick<CronParts, "settings">,
): string {
  const agent = agentOf(job, parts);
  const { sessionTarget, sessionKey } = job.definition;
  if (sessionTarget === "isolated") {
    const run = claim.id.slice(`cron:${job.id}:`.length);
    return `agent:${agent}:cron:${job.id}:run:${run}`;
  }
  if (sessionTarget.startsWith("session:")) return keyOf(sessionTarget.slice(8), agent);
  return sessionKey === undefined ? mainSessionKey(agent) : keyOf(sessionKey, agent);
}

function keyOf(key: string, agent: string): string {
  if (key === "main") return mainSessionKey(agent);
  return key.startsWith("agent:") ? key : `agent:${agent}:${key}`;
}

function cut(text: string): string {
  const said = text.trim();
  return said.length <= MAX_SUMMARY_UNITS ? said : `${said.slice(0, MAX_SUMMARY_UNITS - 1)}…`;
}
