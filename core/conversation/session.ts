import type { Logger } from "pino";
import { GatewayError } from "../../shared/errors.ts";
import type { AgentDone, AgentEvent, AgentFailed } from "../agents/event.ts";
import { runAgent } from "../agents/loop.ts";
import type { Tool } from "../agents/tool.ts";
import type { Clock } from "../channels/clock.ts";
import type { AnswerFormat, Model, Thinking, ToolChoice, ToolSpec } from "../models/model.ts";
import type { Message, Usage } from "../store/message.ts";
import { agentIdOf } from "../store/session-key.ts";
import type { EntryRun, SessionEntry, Store } from "../store/store.ts";
import {
  newest,
  noted,
  summaryOf,
  systemOf,
  unanswered,
  withoutImages,
  withoutSystem,
} from "./history.ts";
import type { HistoryLimits } from "./history.ts";
import { explained, type LiveRun, type LiveRuns, type RunFacts } from "./live-runs.ts";
import type { RunKind } from "./run.ts";
import { TurnQueue } from "./turn-queue.ts";

/** Turns that may wait behind the one under way: a person who writes this fast does not wait for answers. */
const MAX_WAITING_TURNS = 32;
const NO_USAGE = { inputTokens: 0, outputTokens: 0 } as const;

/** Who answers. Read for every turn, so that a changed config counts from the next one on. */
export interface AgentSettings {
  /** Tried in this order. */
  readonly models: readonly Model[];
  readonly tools: readonly Tool[];
  /** Empty: none. */
  readonly system: string;
}

export interface ConversationParts {
  readonly store: { readonly sessions: Pick<Store["sessions"], "opening" | "add"> };
  /** Where all turns are shown while they go on. */
  readonly runs: LiveRuns;
  /**
   * @param model - `provider/model` to be used instead of the agent's own; undefined: its own.
   * @param sessionKey - What is for the owner alone stays out of sessions that are shared.
   * @throws GatewayError `not_found` for an agent that there is not, `model_not_found`.
   */
  readonly agent: (
    agentId: string,
    model?: string,
    sessionKey?: string,
  ) => AgentSettings | Promise<AgentSettings>;
  /** What the model must know of when a conversation goes on. Undefined: nothing. */
  readonly systemNotes?: ((sessionKey: string) => Promise<readonly string[]>) | undefined;
  readonly limits: HistoryLimits;
  readonly clock: Clock;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  readonly log: Logger;
}

/** One thing to be answered in a session. */
export interface Turn {
  readonly sessionKey: string;
  /** What is said, the newest last. Of a conversation we keep, only what is new in it counts. */
  readonly messages: readonly Message[];
  /** True: goes on from what is kept of the session. False: `messages` is all there is. */
  readonly continues: boolean;
  /** Where it came from, for the log: a channel id, `hook`, `http` … */
  readonly via: string;
  /** Default: `http`. */
  readonly kind?: RunKind | undefined;
  /** Undefined: it gets one of its own. */
  readonly runId?: string | undefined;
  /** Conversation of a channel that it was asked for in. */
  readonly origin?: EntryRun["origin"];
  /** `provider/model`; undefined: the session's, or else the agent's own. */
  readonly model?: string | undefined;
  readonly temperature?: number | undefined;
  readonly maxOutputTokens?: number | undefined;
  /** Undefined: the session's, or else the agent's own. */
  readonly thinking?: Thinking | undefined;
  /** Undefined: the session's, or else not. */
  readonly fast?: boolean | undefined;
  /** Names of the agent's tools that may be used, of those it has. Undefined: all. */
  readonly toolsAllow?: readonly string[] | undefined;
  /** True: without the files of the workspace in the system prompt. */
  readonly lightContext?: boolean | undefined;
  /** Tools that whoever asks runs: when the model calls one, the turn is over. */
  readonly clientTools?: readonly ToolSpec[] | undefined;
  readonly toolChoice?: ToolChoice | undefined;
  readonly parallelToolCalls?: boolean | undefined;
  readonly format?: AnswerFormat | undefined;
  readonly requestId?: string | undefined;
  /** Keeps the finished turn, in place of adding it to the session. */
  readonly commit?: ((entry: SessionEntry, answer: Answer) => Promise<void>) | undefined;
  /**
   * Says what becomes of a turn that failed or was aborted, and keeps what has to be kept. Absent:
   * of an aborted turn its session gets what was said, of a failed one nothing.
   *
   * @param entry - What was asked and said so far.
   * @returns `again`: it will be run once more, under the same id.
   */
  readonly broken?: ((failure: AgentFailed, entry: SessionEntry) => Promise<Broken>) | undefined;
}

/** What becomes of a turn that has no answer. */
export type Broken = "over" | "again";

/** What was said in answer, all of it, and how it ended. */
export interface Answer {
  readonly text: string;
  readonly stop: AgentDone["stop"];
}

/** All sessions: one turn at a time in each, any number side by side. */
export class Conversations {
  readonly #parts: ConversationParts;
  readonly #queue = new TurnQueue(MAX_WAITING_TURNS);

  constructor(parts: ConversationParts) {
    this.#parts = parts;
  }

  /**
   * Answers one turn, after those of its session that came before. Yields what `runAgent` yields;
   * the turn is kept before its `done` comes out, and not at all when it fails. Never throws once
   * begun: a full queue is `failed` / `overloaded`. Ask for the next event until there is none, or
   * leave the loop: the session waits for it.
   */
  async *run(turn: Turn, signal: AbortSignal): AsyncGenerator<AgentEvent> {
    const startedAt = this.#parts.clock.now();
    const run = this.#parts.runs.open(factsOfRun(turn, startedAt));
    const stop = (): void => run.stop(signal.reason);
    // No `AbortSignal.any`: the gateway's own signal lives long, and would keep every turn.
    signal.addEventListener("abort", stop, { once: true });
    if (signal.aborted) stop();
    try {
      run.announce();
      const release = await this.#queue.acquire(turn.sessionKey, run.signal);
      try {
        yield* this.#answer(turn, run, startedAt);
      } finally {
        release();
      }
    } catch (error) {
      yield await this.#brokenBy(error, turn, run, startedAt);
    } finally {
      signal.removeEventListener("abort", stop);
      run.leave();
    }
  }

  /** Does `work` while no turn of the session goes on. */
  async alone<T>(sessionKey: string, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    const release = await this.#queue.acquire(sessionKey, signal);
    try {
      return await work();
    } finally {
      release();
    }
  }

  async *#answer(turn: Turn, run: LiveRun, startedAt: number): AsyncGenerator<AgentEvent> {
    const { agent, random, clock, log } = this.#parts;
    const { messages, news, model } = await this.#read(turn);
    const { temperature, maxOutputTokens } = turn;
    const { clientTools, toolChoice, parallelToolCalls, format } = turn;
    const who = await agent(agentIdOf(turn.sessionKey), model, turn.sessionKey);
    const theirs = { clientTools, toolChoice, parallelToolCalls, format };
    const asked = { ...who, messages, temperature, maxOutputTokens, ...theirs, random };
    run.start(who.models[0]?.id);
    for await (const event of runAgent({ ...asked, signal: run.signal, sleep: clock.wait })) {
      show(event, run);
      if (event.type === "tool_end" && event.cause !== undefined) {
        log.warn(
          { session: turn.sessionKey, tool: event.call.name, err: event.cause },
          "tool failed",
        );
      }
      if (event.type === "failed") {
        this.#logFailure(turn, event, startedAt);
        yield await this.#broken(turn, run, explained(event, run.signal), news);
        continue;
      }
      if (event.type === "done") {
        await this.#keep(turn, run, event, news);
        this.#logDone(turn, event, startedAt);
        run.done(event);
      }
      yield event;
    }
  }

  /** What the model gets, which model, and what of it has yet to be kept. */
  async #read(turn: Turn): Promise<{ messages: Message[]; news: Message[]; model?: string }> {
    const { store, limits } = this.#parts;
    const news = unanswered(turn.messages);
    const limit = turn.continues ? limits.maxMessages : 1;
    const opening = await store.sessions.opening(turn.sessionKey, limit);
    const chosen = turn.model ?? opening.settings["model"];
    const model = typeof chosen === "string" ? { model: chosen } : {};
    if (turn.continues) {
      const said = newest(
        opening.messages.map(({ message }) => message),
        limits.maxUnits,
      );
      const notes = (await this.#parts.systemNotes?.(turn.sessionKey)) ?? [];
      const before = [...systemOf(turn.messages), ...summaryOf(opening.summary), ...said];
      return { messages: [...before, ...noted(news, notes)], news, ...model };
    }
    const isFirst = opening.messages.length === 0;
    return {
      messages: [...turn.messages],
      news: isFirst ? withoutSystem(turn.messages) : news,
      ...model,
    };
  }

  async #keep(turn: Turn, run: LiveRun, done: AgentDone, news: Message[]): Promise<void> {
    const { usage, stop, model } = done;
    const messages = [...news.map(withoutImages), ...done.messages];
    const made = { status: "ok", model, stop, error: undefined } as const;
    const entry = this.#entryOf(turn, run, made, messages, usage);
    await (turn.commit?.(entry, { text: run.text, stop }) ?? this.#parts.store.sessions.add(entry));
  }

  /** The event for a turn that has no answer, once that is kept. */
  async #broken(
    turn: Turn,
    run: LiveRun,
    failure: AgentFailed,
    news: readonly Message[],
  ): Promise<AgentFailed> {
    const status = run.wasAborted ? "aborted" : "error";
    const error = run.wasAborted ? undefined : failure.message;
    const said = run.text.trim();
    const messages: Message[] = [
      ...news.map(withoutImages),
      ...(said === "" ? [] : [{ role: "assistant" as const, text: said, toolCalls: [] }]),
    ];
    const made = { status, model: run.state.model, stop: status, error } as const;
    const entry = this.#entryOf(turn, run, made, messages, NO_USAGE);
    let fate: Broken = "over";
    if (turn.broken !== undefined) fate = await turn.broken(failure, entry);
    else if (run.wasAborted) await this.#parts.store.sessions.add(entry);
    if (fate === "again") run.again();
    else run.fail(failure);
    return failure;
  }

  /** The same for what the queue, the agent's settings or the store threw. */
  async #brokenBy(
    error: unknown,
    turn: Turn,
    run: LiveRun,
    startedAt: number,
  ): Promise<AgentFailed> {
    const failure = failureOf(error);
    this.#logFailure(turn, failure, startedAt);
    try {
      const why = explained(failure, run.signal);
      return await this.#broken(turn, run, why, unanswered(turn.messages));
    } catch (cause) {
      const worse = failureOf(cause);
      this.#logFailure(turn, worse, startedAt);
      run.fail(worse);
      return worse;
    }
  }

  #entryOf(
    { sessionKey, origin }: Turn,
    run: LiveRun,
    made: Pick<EntryRun, "status" | "model" | "stop" | "error">,
    messages: readonly Message[],
    usage: Usage,
  ): SessionEntry {
    const { id, kind } = run.facts;
    const at = this.#parts.clock.now();
    const { startedAt } = run;
    const facts = { id, kind, ...made, startedAt, endedAt: at, origin };
    return { sessionKey, messages, usage, at, run: facts };
  }

  #logDone(turn: Turn, { usage, model, stop }: AgentDone, startedAt: number): void {
    const facts = { ...factsOf(turn), ...usage, model, stop, durationMs: this.#since(startedAt) };
    this.#parts.log.info(facts, "turn finished");
  }

  #logFailure(turn: Turn, { code, cause }: AgentFailed, startedAt: number): void {
    const facts = { ...factsOf(turn), code, durationMs: this.#since(startedAt) };
    if (code === "canceled") this.#parts.log.info(facts, "turn canceled");
    else if (cause !== undefined) this.#parts.log.error({ ...facts, err: cause }, "turn failed");
    else this.#parts.log.warn(facts, "turn failed");
  }

  #since(startedAt: number): number {
    return this.#parts.clock.now() - startedAt;
  }
}

function factsOfRun({ runId, kind = "http", sessionKey, messages }: Turn, now: number): RunFacts {
  const question = messages.findLast(({ role }) => role === "user")?.text ?? "";
  const id = runId ?? crypto.randomUUID();
  return { id, kind, sessionKey, question, acceptedAt: now };
}

/** Tells those who watch. How it ended they hear once that is kept. */
function show(event: AgentEvent, run: LiveRun): void {
  if (event.type === "text") run.say(event.delta);
  else if (event.type === "tool_start") run.callTool(event.call);
  else if (event.type === "tool_end") run.endTool(event.call, event.ok);
}

function factsOf({ sessionKey, via, requestId }: Turn): Record<string, string> {
  return { session: sessionKey, channel: via, ...(requestId === undefined ? {} : { requestId }) };
}

/** What the queue or the store threw, as the event that the caller waits for. */
function failureOf(error: unknown): AgentFailed {
  const known = error instanceof GatewayError && error.code !== "internal" ? error : undefined;
  return {
    type: "failed",
    code: known?.code ?? "internal",
    message: known?.message ?? "Something failed on our side; the log has the details",
    retryAfterMs: known?.retryAfterMs,
    partialText: "",
    cause: known === undefined ? error : undefined,
  };
}
