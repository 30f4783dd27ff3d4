import { GatewayError } from "../../shared/errors.ts";
import type { AgentDone, AgentEvent, AgentFailed } from "../agents/event.ts";
import { runAgent } from "../agents/loop.ts";
import type { Message, Usage } from "../store/message.ts";
import { agentIdOf } from "../store/session-key.ts";
import type { EntryRun, SessionEntry } from "../store/entry.ts";
import { unanswered, withoutImages } from "./history.ts";
import { explained, type LiveRun, type RunFacts } from "./live-runs.ts";
import { openingOf, wishesOf } from "./opening.ts";
import { TurnQueue } from "./turn-queue.ts";
import type { ConversationParts, Turn, Broken } from "./turn.ts";

/** Turns that may wait behind the one under way: a person who writes this fast does not wait for answers. */
const MAX_WAITING_TURNS = 32;
const NO_USAGE = { inputTokens: 0, outputTokens: 0 } as const;

/** How a turn goes on. */
interface Course {
  /** Unix ms. */
  readonly startedAt: number;
  /** What it was told since it began. */
  readonly heard: Message[];
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
    const heard: Message[] = [];
    try {
      run.announce();
      const release = await this.#queue.acquire(turn.sessionKey, run.signal);
      try {
        yield* this.#answer(turn, run, { startedAt, heard });
      } finally {
        release();
      }
    } catch (error) {
      yield await this.#brokenBy(error, turn, run, { startedAt, heard });
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

  async *#answer(
    turn: Turn,
    run: LiveRun,
    { startedAt, heard: told }: Course,
  ): AsyncGenerator<AgentEvent> {
    const { agent, random, clock, log } = this.#parts;
    const { messages, news, model, settings } = await openingOf(turn, this.#parts);
    const { temperature, maxOutputTokens } = turn;
    const { clientTools, toolChoice, parallelToolCalls, format } = turn;
    const who = await agent(agentIdOf(turn.sessionKey), model, turn);
    const theirs = { clientTools, toolChoice, parallelToolCalls, format };
    const models = run.meter.over(who.models, who.prices);
    const wishes = wishesOf(turn, settings, who);
    const heard = async (): Promise<readonly Message[]> => {
      const more = (await turn.heard?.()) ?? [];
      told.push(...more);
      return more;
    };
    const { thinking, fast, reasoning } = wishes;
    const wanted = { thinking, fast, showThinking: reasoning === "off" ? undefined : true, heard };
    const asked = { ...who, models, messages, temperature, maxOutputTokens, ...theirs, ...wanted };
    run.start(who.models[0]?.id);
    const how = { random, signal: run.signal, sleep: clock.wait };
    for await (const event of runAgent({ ...asked, ...how })) {
      show(event, run);
      // For those who watch the run, if they asked to see it: no part of any answer.
      if (event.type === "thinking") {
        if (reasoning !== "off") run.think(event.delta);
        continue;
      }
      if (event.type === "tool_end" && event.cause !== undefined) {
        log.warn(
          { session: turn.sessionKey, tool: event.call.name, err: event.cause },
          "tool failed",
        );
      }
      if (event.type === "failed") {
        this.#logFailure(turn, event, startedAt);
        yield await this.#broken(turn, run, explained(event, run.signal), [...news, ...told]);
        continue;
      }
      if (event.type === "done") {
        await this.#keep(turn, run, event, { news, tellThinking: reasoning === "on" });
        this.#logDone(turn, event, startedAt);
        run.done(event);
      }
      yield event;
    }
  }

  async #keep(
    turn: Turn,
    run: LiveRun,
    done: AgentDone,
    { news, tellThinking }: { readonly news: readonly Message[]; readonly tellThinking: boolean },
  ): Promise<void> {
    const { usage, stop, model } = done;
    const messages = [...news, ...done.messages].map(withoutImages);
    const made = { status: "ok", model, stop, error: undefined } as const;
    const entry = this.#entryOf(turn, run, made, messages, usage);
    const thinking = tellThinking && run.thinking !== "" ? run.thinking : undefined;
    await (turn.commit?.(entry, { text: run.text, stop, thinking }) ??
      this.#parts.store.sessions.add(entry));
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
    await this.#spend(turn, run);
    const entry = this.#entryOf(turn, run, made, messages, NO_USAGE);
    let fate: Broken = "over";
    if (turn.broken !== undefined) fate = await turn.broken(failure, entry);
    else if (run.wasAborted) await this.#parts.store.sessions.add(entry);
    if (fate === "again") run.again();
    else run.fail(failure);
    return failure;
  }

  /** What was asked for in vain is paid for as well, whatever becomes of the turn. */
  async #spend({ sessionKey, origin }: Turn, run: LiveRun): Promise<void> {
    const calls = run.meter.take();
    if (calls.length === 0) return;
    const { id, kind } = run.facts;
    const agentId = agentIdOf(sessionKey);
    const of = { sessionKey, agentId, kind, run: id, channel: origin?.channel };
    await this.#parts.store.usage.add({ calls, ...of });
  }

  /** The same for what the queue, the agent's settings or the store threw. */
  async #brokenBy(
    error: unknown,
    turn: Turn,
    run: LiveRun,
    { startedAt, heard }: Course,
  ): Promise<AgentFailed> {
    const failure = failureOf(error);
    this.#logFailure(turn, failure, startedAt);
    try {
      const why = explained(failure, run.signal);
      return await this.#broken(turn, run, why, [...unanswered(turn.messages), ...heard]);
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
    return { sessionKey, messages, usage, calls: run.meter.take(), at, run: facts };
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
