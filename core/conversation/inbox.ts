import { backoffMs } from "../../shared/backoff.ts";
import { GatewayError } from "../../shared/errors.ts";
import { accessOf } from "../channels/allow-list.ts";
import type { AccessPolicy } from "../channels/allow-list.ts";
import type { Channel, InboundMessage, Outlet } from "../channels/channel.ts";
import { pairingText } from "../channels/pairing.ts";
import type { Pairing } from "../channels/pairing.ts";
import type { AgentFailed } from "../agents/event.ts";
import { RUN_SOURCE } from "../store/run.ts";
import type { InboxItem, NewOutboxItem, SessionEntry, Store } from "../store/store.ts";
import { HOOK_SOURCE, HookPayload, hookTurn } from "./hook.ts";
import type { HookTurn } from "./hook.ts";
import { afterFailure, replyText } from "./reply.ts";
import { promptOf, sessionKeyOf } from "./route.ts";
import type { RouteSettings } from "./route.ts";
import type { DurableRuns } from "./runs.ts";
import type { Broken, Conversations, Turn } from "./session.ts";
import type { Waiters } from "./waiters.ts";
import type { WorkHandler } from "./work.ts";
import { startWorker } from "./worker.ts";
import type { Worker, WorkerParts } from "./worker.ts";

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

export interface InboxParts extends WorkerParts {
  readonly store: Pick<Store, "take" | "finish" | "retry" | "bury" | "nextDue">;
  readonly conversations: Conversations;
  readonly channel: (id: string) => Channel | undefined;
  /** Ways back to senders of webhooks, by scheme. */
  readonly senders?: ReadonlyMap<string, Outlet> | undefined;
  readonly access: (channel: string) => AccessPolicy;
  readonly route: (message?: InboundMessage) => RouteSettings;
  readonly pairing: Pairing;
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
  /** Replies are waiting in the outbox. */
  readonly onReply: () => void;
}

/** A turn to be run for an item, and where its answer goes: undefined for nowhere. */
interface Task {
  readonly sessionKey: string;
  readonly prompt: string;
  readonly target: { readonly outlet: Outlet; readonly conversation: string } | undefined;
  /** Shows that an answer is being made; undefined: nobody is looking. */
  readonly typing: ((signal: AbortSignal) => Promise<void>) | undefined;
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

  constructor(parts: InboxParts) {
    this.#parts = parts;
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
    else await this.#guarded(item, () => this.#run(item, found, signal));
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
    const channel = this.#parts.channel(item.source);
    if (channel === undefined) throw new GatewayError("not_found", "The channel is not configured");
    const message = channel.toInbound(item.payload);
    if (message !== undefined && (await this.#mayTalk(item, channel, message))) {
      return {
        sessionKey: sessionKeyOf(message, this.#parts.route(message)),
        prompt: promptOf(message),
        target: { outlet: channel, conversation: message.conversation },
        typing: (signal) => channel.typing(message.conversation, signal),
      };
    }
    if (message === undefined) await this.#parts.store.finish(item.id, []);
    return undefined;
  }

  /** False: the item has ended, with or without a word to the stranger. */
  async #mayTalk(item: InboxItem, channel: Channel, message: InboundMessage): Promise<boolean> {
    const { access, pairing, store, onReply, log } = this.#parts;
    const paired = (await pairing.approved(channel.id)).map(({ sender }) => sender);
    const decision = accessOf(message, access(channel.id), paired);
    if (decision === "allow") return true;
    const { sender, senderName: name, conversation } = message;
    const answer =
      decision === "pair"
        ? await pairing.ask(channel.id, { sender, name, askedBy: item.id })
        : ({ state: "ignored" } as const);
    if (answer.state === "approved") return true;
    log.info({ channel: channel.id, sender, state: answer.state }, "message of a stranger");
    const text = answer.state === "new" ? pairingText(channel.id, answer.code) : "";
    await store.finish(item.id, piecesOf(item, { outlet: channel, conversation }, text));
    onReply();
    return false;
  }

  async #run(item: InboxItem, task: Task, signal: AbortSignal): Promise<void> {
    const { conversations } = this.#parts;
    const typing = new AbortController();
    const shown = task.typing?.(typing.signal);
    let isSettled = false;
    const { sessionKey, prompt, target } = task;
    const isHook = item.source === HOOK_SOURCE;
    const turn: Turn = {
      sessionKey,
      messages: [{ role: "user", text: prompt }],
      continues: true,
      via: item.source,
      kind: isHook ? "hook" : "channel",
      runId: item.id,
      origin: isHook ? undefined : target && originOf(target),
      requestId: item.trace,
      commit: async (entry, answer) => {
        await this.#reply(item, task, replyText(answer), entry);
        isSettled = true;
      },
      broken: async (failure, entry) => {
        const fate = await this.#failed(item, task, failure, entry);
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
    const messages = [
      { role: "user", text: task.prompt },
      { role: "assistant", text: next.text, toolCalls: [] },
    ] as const;
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

/** The pieces of a reply. Their ids follow from the item's, so the same work cannot queue them twice. */
function piecesOf(item: InboxItem, target: Task["target"], text: string): NewOutboxItem[] {
  if (target === undefined) return [];
  const { outlet, conversation } = target;
  return outlet.split(text).map((piece, index) => ({
    id: `${item.id}/${index}`,
    channel: outlet.id,
    conversation,
    text: piece,
    trace: item.trace,
  }));
}
