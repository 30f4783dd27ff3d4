import { backoffMs } from "../../shared/backoff.ts";
import { GatewayError } from "../../shared/errors.ts";
import type { Outlet } from "../channels/channel.ts";
import type { AgentFailed } from "../agents/event.ts";
import { RUN_SOURCE } from "../store/run.ts";
import type { Store } from "../store/store.ts";
import type { Message } from "../store/message.ts";
import { type Followed, Following, type FollowingParts } from "./following.ts";
import { HOOK_SOURCE, HookPayload, hookTurn } from "./hook.ts";
import type { HookTurn } from "./hook.ts";
import { piecesOf, Reception } from "./reception.ts";
import type { Question, ReceptionParts, Target } from "./reception.ts";
import { afterFailure, replyWithThinking } from "./reply.ts";
import type { DurableRuns } from "./runs.ts";
import type { Conversations } from "./session.ts";
import type { Waiters } from "./waiters.ts";
import type { WorkHandler } from "./work.ts";
import { startWorker } from "./worker.ts";
import type { Worker, WorkerParts } from "./worker.ts";
import type { Broken, Turn } from "./turn.ts";
import type { SessionEntry, InboxItem } from "../store/entry.ts";

/**
 * Lanes worked on at once. Turns mostly wait for models, but each costs memory; what is posted on
 * waits for servers of other people, one of which may hang.
 */
const MAX_RUNNING = { turn: 8, forward: 16 } as const;
/** An item begun this often has taken the process down with it, again and again. */
const MAX_ATTEMPTS = 10;
/** Pause after a failure of our own, before the item is begun again. */
const OUR_FAULT_RETRY_MS = 30_000;
/** While nothing may be begun, this often is looked whether something may. */
const HELD_LOOK_MS = 1_000;
/** What cannot be read yet (our own name is unknown) is put off for so long in all. */
const MAX_UNREADABLE_MS = 24 * 3_600_000;

export interface InboxParts extends WorkerParts, ReceptionParts, Omit<FollowingParts, "store"> {
  readonly store: Pick<Store, "take" | "finish" | "retry" | "bury" | "nextDue"> &
    FollowingParts["store"];
  readonly conversations: Conversations;
  /** Ways back to senders of webhooks, by scheme. */
  readonly senders?: ReadonlyMap<string, Outlet> | undefined;
  readonly waiters: Waiters;
  /** Works on items that are runs. */
  readonly runs: Pick<DurableRuns, "work" | "dropped">;
  /** For items that are no turns, by their source. */
  readonly handlers?: ReadonlyMap<string, WorkHandler> | undefined;
  /** Unguessable text for one prompt. */
  readonly boundary: () => string;
  /** False while nothing may be begun. Undefined: always. */
  readonly mayBegin?: (() => boolean) | undefined;
  /** An item has ended, or was put off. */
  readonly onProgress: () => void;
}

/** A turn to be run for an item, and where its answer goes: undefined for nowhere. */
interface Task {
  readonly sessionKey: string;
  readonly prompt: string;
  readonly target: Target | undefined;
  /** Shows that an answer is being made; undefined: nobody is looking. */
  readonly typing: ((signal: AbortSignal) => Promise<void>) | undefined;
  /** What of it is for the agent; its result undefined: nothing, and the item has ended. */
  readonly hear?: ((signal: AbortSignal) => Promise<Question | undefined>) | undefined;
  readonly dress?: Question["dress"] | undefined;
  /** What a later item says to the same turn. */
  readonly follow?: Followed["read"] | undefined;
}

/** Starts working off the inbox: one item of a lane at a time, oldest first. */
export function startInbox(parts: InboxParts): Worker {
  const { store, clock, mayBegin = () => true } = parts;
  const handler = new InboxHandler(parts);
  const work = (item: InboxItem, signal: AbortSignal): Promise<void> =>
    handler.handle(item, signal).finally(parts.onProgress);
  const workers = (["turn", "forward"] as const).map((kind) =>
    startWorker<InboxItem>(
      {
        name: kind === "turn" ? "inbox" : kind,
        maxRunning: MAX_RUNNING[kind],
        take: async (limit) => (mayBegin() ? store.take(limit, clock.now(), kind) : []),
        nextDue: async () => (mayBegin() ? store.nextDue(kind) : clock.now() + HELD_LOOK_MS),
        work,
      },
      parts,
    ),
  );
  return {
    poke() {
      for (const worker of workers) worker.poke();
    },
    async drain(deadlineMs) {
      await Promise.all(workers.map((worker) => worker.drain(deadlineMs)));
    },
  };
}

/** Takes one item to its end: finished, put off, or buried. */
class InboxHandler {
  readonly #parts: InboxParts;
  readonly #reception: Reception;

  constructor(parts: InboxParts) {
    this.#parts = parts;
    this.#reception = new Reception(parts);
  }

  async handle(item: InboxItem, signal: AbortSignal): Promise<void> {
    const other = this.#parts.handlers?.get(item.source);
    if (other !== undefined) return this.#guarded(item, () => this.#other(item, other, signal));
    if (item.source === RUN_SOURCE) {
      return this.#guarded(item, () => this.#parts.runs.work(item, signal));
    }
    if (item.attempt > MAX_ATTEMPTS) {
      return this.#bury(item, `begun ${MAX_ATTEMPTS} times without an end`);
    }
    let task: Task | undefined;
    try {
      task = item.source === HOOK_SOURCE ? this.#hookTask(item) : await this.#chatTask(item);
    } catch (error) {
      return this.#unreadable(item, error);
    }
    const found = task;
    if (found === undefined) this.#parts.runs.dropped(item.id, "it is nobody's to answer any more");
    else await this.#guarded(item, () => this.#begin(item, found, signal));
  }

  /** A bug, or a store that fails: its lane must not stand still until the next start. */
  async #guarded(item: InboxItem, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      const { log, store, clock } = this.#parts;
      const facts = { err: error, item: item.id, requestId: item.trace };
      log.error(facts, "an inbox item failed on our side");
      await store.retry(item.id, clock.now() + OUR_FAULT_RETRY_MS, "failed on our side");
    }
  }

  async #other(item: InboxItem, handle: WorkHandler, signal: AbortSignal): Promise<void> {
    const { store, clock, waiters } = this.#parts;
    const outcome = await handle(item, signal);
    if (outcome.do === "bury") return this.#bury(item, outcome.reason);
    if (outcome.do === "retry") {
      return store.retry(item.id, clock.now() + outcome.delayMs, outcome.reason);
    }
    const claim = waiters.claim(item.id);
    await store.finish(item.id, [], undefined, claim && outcome.answer);
    claim?.settle(outcome.answer);
  }

  #hookTask(item: InboxItem): Task {
    const payload = HookPayload.safeParse(item.payload);
    if (!payload.success) throw new GatewayError("invalid_request", "Not a payload of a webhook");
    const { route, boundary, log } = this.#parts;
    const { sender, deliver } = payload.data;
    const turn = hookTurn(payload.data, {
      agent: route().agent,
      itemId: item.id,
      boundary: boundary(),
    });
    const target = this.#targetOf(sender, turn.target, item.webhook);
    if ((deliver || sender !== undefined) && target === undefined) {
      log.warn({ item: item.id }, "the answer to a webhook has nowhere to go");
    }
    return { sessionKey: turn.sessionKey, prompt: turn.prompt, target, typing: undefined };
  }

  /** @param webhook - `seq` of what the item came with: by its id a later one may be found. */
  #targetOf(
    sender: HookPayload["sender"],
    to: HookTurn["target"],
    webhook: number | undefined,
  ): Task["target"] {
    const { channel, senders } = this.#parts;
    if (sender === undefined) {
      const outlet = to && channel(to.channel);
      return to && outlet && { outlet, conversation: to.conversation };
    }
    const outlet = senders?.get(sender.scheme);
    const conversation = webhook === undefined ? sender.webhook : String(webhook);
    return outlet && { outlet, conversation };
  }

  /** Undefined: the item ended without a turn. */
  async #chatTask(item: InboxItem): Promise<Task | undefined> {
    const visit = await this.#reception.admit(item);
    if (visit === undefined) return undefined;
    const { channel: outlet, message, sessionKey } = visit;
    const { conversation } = message;
    return {
      sessionKey,
      prompt: message.text,
      target: { outlet, conversation },
      typing: (signal) => outlet.typing(conversation, signal),
      hear: (signal) => this.#reception.hear(item, visit, signal),
      follow: (next) => this.#reception.follow(next, visit),
    };
  }

  /** Begins with what is no turn at all: a command, a message nobody answers. */
  async #begin(item: InboxItem, task: Task, signal: AbortSignal): Promise<void> {
    if (task.hear === undefined) return this.#run(item, task, signal);
    const question = await task.hear(signal);
    if (question === undefined) this.#parts.runs.dropped(item.id, "it was no question");
    else await this.#run(item, { ...task, ...question }, signal);
  }

  async #run(item: InboxItem, task: Task, signal: AbortSignal): Promise<void> {
    const { conversations } = this.#parts;
    let isSettled = false;
    const { sessionKey, prompt, target } = task;
    const isHook = item.source === HOOK_SOURCE;
    const following = this.#followingOf(item, task);
    const collected = following && (await this.#collected(item, task, following, signal));
    const typing = new AbortController();
    const shown = task.typing?.(typing.signal);
    const turn: Turn = {
      sessionKey,
      messages: [{ role: "user", text: prompt }, ...(collected ?? [])],
      heard: following && (() => following.steer()),
      continues: true,
      via: item.source,
      kind: isHook ? "hook" : "channel",
      runId: item.id,
      origin: isHook ? undefined : target && originOf(target),
      requestId: item.trace,
      commit: async (entry, answer) => {
        const text = replyWithThinking(answer);
        const whole = following?.ending(entry) ?? entry;
        await this.#reply(item, task, task.dress?.(text, entry) ?? text, whole);
        isSettled = true;
      },
      broken: async (failure, entry) => {
        const whole = following?.ending(entry) ?? entry;
        const fate = await this.#failed(item, task, failure, whole);
        isSettled = true;
        return fate;
      },
    };
    try {
      for await (const event of conversations.run(turn, signal)) {
        if (event.type === "failed" && !isSettled) throw new Error(event.message, event);
      }
    } finally {
      typing.abort();
      await shown;
    }
  }

  /** The turn is known before it is waited for what comes with it: from then on it can be stopped. */
  async #collected(
    { id }: InboxItem,
    { sessionKey, prompt }: Task,
    following: Following,
    signal: AbortSignal,
  ): Promise<readonly Message[]> {
    const { live, clock } = this.#parts;
    const facts = { id, kind: "channel", sessionKey, question: prompt } as const;
    const run = live.open({ ...facts, acceptedAt: clock.now() });
    try {
      return await following.collect(run.signal, signal);
    } catch (error) {
      run.forget();
      throw error;
    }
  }

  #followingOf({ id }: InboxItem, { follow, sessionKey, target }: Task): Following | undefined {
    if (follow === undefined) return undefined;
    const turn = { item: { id }, sessionKey, channel: target?.outlet.id, read: follow };
    return new Following(this.#parts, turn);
  }

  /** To whoever waits for it, or else to the conversation. */
  async #reply(item: InboxItem, task: Task, text: string, entry: SessionEntry): Promise<void> {
    const { store, waiters, onReply } = this.#parts;
    const claim = waiters.claim(item.id);
    if (claim === undefined) {
      await store.finish(item.id, piecesOf(item, task.target, text), entry);
      return onReply();
    }
    const answer = claim.answerOf(text);
    await store.finish(item.id, [], entry, answer);
    claim.settle(answer);
  }

  async #failed(
    item: InboxItem,
    task: Task,
    failure: AgentFailed,
    said: SessionEntry,
  ): Promise<Broken> {
    const { store, clock, random } = this.#parts;
    if (said.run?.status === "aborted") {
      // Whoever wished it knows: nothing more is said in the conversation.
      await store.finish(item.id, [], said);
      this.#parts.waiters.giveUp(item.id);
      return "over";
    }
    const next = afterFailure(failure, item.attempt, random);
    if (next.do === "retry") {
      await store.retry(item.id, clock.now() + next.delayMs, failure.code);
      return "again";
    }
    // What was asked stays in the session: "try again" must mean something to the model.
    const messages: Message[] = [
      ...said.messages.filter(({ role }) => role === "user"),
      { role: "assistant", text: next.text, toolCalls: [] },
    ];
    await this.#reply(item, task, next.text, { ...said, messages });
    return "over";
  }

  /** The item cannot be made a turn of: later perhaps, or never. */
  async #unreadable(item: InboxItem, error: unknown): Promise<void> {
    const { store, clock, random, log } = this.#parts;
    const isYoung = clock.now() - item.receivedAt < MAX_UNREADABLE_MS;
    if (error instanceof GatewayError && error.code === "overloaded" && isYoung) {
      const delayMs = backoffMs(item.attempt, random, { baseMs: 1_000, maxMs: 60_000 });
      return store.retry(item.id, clock.now() + delayMs, error.message);
    }
    if (error instanceof GatewayError) return this.#bury(item, error.message);
    log.error({ err: error, item: item.id }, "an inbox item could not be handled");
    return this.#bury(item, "handling it failed on our side; the log has the details");
  }

  async #bury(item: InboxItem, reason: string): Promise<void> {
    const facts = { item: item.id, source: item.source, requestId: item.trace, reason };
    this.#parts.log.warn(facts, "inbox item buried");
    await this.#parts.store.bury(item.id, reason);
    this.#parts.runs.dropped(item.id, reason);
    this.#parts.waiters.giveUp(item.id);
  }
}

function originOf({
  outlet,
  conversation,
}: NonNullable<Task["target"]>): NonNullable<Turn["origin"]> {
  return { channel: outlet.id, conversation };
}
