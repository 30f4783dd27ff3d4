import type { Logger } from "pino";
import { GatewayError } from "../../shared/errors.ts";
import type { AgentDone, AgentEvent, AgentFailed } from "../agents/event.ts";
import { runAgent } from "../agents/loop.ts";
import type { Tool } from "../agents/tool.ts";
import type { Clock } from "../channels/clock.ts";
import type { Model } from "../models/model.ts";
import type { Message } from "../store/message.ts";
import { agentIdOf } from "../store/session-key.ts";
import type { SessionEntry, Store } from "../store/store.ts";
import { newest, systemOf, unanswered, withoutSystem } from "./history.ts";
import type { HistoryLimits } from "./history.ts";
import { TurnQueue } from "./turn-queue.ts";

/** Turns that may wait behind the one under way: a person who writes this fast does not wait for answers. */
const MAX_WAITING_TURNS = 32;

/** Who answers. Read for every turn, so that a changed config counts from the next one on. */
export interface AgentSettings {
  /** Tried in this order. */
  readonly models: readonly Model[];
  readonly tools: readonly Tool[];
  /** Empty: none. */
  readonly system: string;
}

export interface ConversationParts {
  readonly store: Pick<Store, "history" | "append">;
  /**
   * @param model - `provider/model` to be used instead of the agent's own; undefined: its own.
   * @throws GatewayError `not_found` for an agent that there is not, `model_not_found`.
   */
  readonly agent: (agentId: string, model?: string) => AgentSettings | Promise<AgentSettings>;
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
  /** `provider/model`; undefined: the agent's own. */
  readonly model?: string | undefined;
  readonly temperature?: number | undefined;
  readonly maxOutputTokens?: number | undefined;
  readonly requestId?: string | undefined;
  /** Keeps the finished turn, in place of adding it to the session. */
  readonly commit?: ((entry: SessionEntry, answer: Answer) => Promise<void>) | undefined;
}

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
    try {
      const release = await this.#queue.acquire(turn.sessionKey, signal);
      try {
        yield* this.#answer(turn, signal, startedAt);
      } finally {
        release();
      }
    } catch (error) {
      const failure = failureOf(error);
      this.#logFailure(turn, failure, startedAt);
      yield failure;
    }
  }

  async *#answer(turn: Turn, signal: AbortSignal, startedAt: number): AsyncGenerator<AgentEvent> {
    const { agent, random, clock, log } = this.#parts;
    const { messages, news } = await this.#read(turn);
    const { temperature, maxOutputTokens } = turn;
    const who = await agent(agentIdOf(turn.sessionKey), turn.model);
    const run = { ...who, messages, temperature, maxOutputTokens, signal, random };
    let text = "";
    for await (const event of runAgent({ ...run, sleep: clock.wait })) {
      if (event.type === "text") text += event.delta;
      if (event.type === "tool_end" && event.cause !== undefined) {
        log.warn(
          { session: turn.sessionKey, tool: event.call.name, err: event.cause },
          "tool failed",
        );
      }
      if (event.type === "failed") this.#logFailure(turn, event, startedAt);
      if (event.type === "done") {
        const { usage, stop } = event;
        const kept = [...news, ...event.messages];
        const entry = { sessionKey: turn.sessionKey, messages: kept, usage, at: clock.now() };
        await (turn.commit?.(entry, { text, stop }) ?? this.#append(entry));
        this.#logDone(turn, event, startedAt);
      }
      yield event;
    }
  }

  /** What the model gets, and what of it has yet to be kept. */
  async #read(turn: Turn): Promise<{ messages: Message[]; news: Message[] }> {
    const { store, limits } = this.#parts;
    const news = unanswered(turn.messages);
    if (turn.continues) {
      const stored = await store.history(turn.sessionKey, limits.maxMessages);
      const before = newest(
        stored.map(({ message }) => message),
        limits.maxUnits,
      );
      return { messages: [...systemOf(turn.messages), ...before, ...news], news };
    }
    const isFirst = (await store.history(turn.sessionKey, 1)).length === 0;
    return {
      messages: [...turn.messages],
      news: isFirst ? withoutSystem(turn.messages) : news,
    };
  }

  #append({ sessionKey, messages, usage, at }: SessionEntry): Promise<void> {
    return this.#parts.store.append(sessionKey, messages, usage, at);
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
