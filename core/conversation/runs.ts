import type { Logger } from "pino";
import { GatewayError } from "../../shared/errors.ts";
import type { AgentFailed } from "../agents/event.ts";
import type { Channel } from "../channels/channel.ts";
import type { Clock } from "../channels/clock.ts";
import { RUN_SOURCE } from "../store/run.ts";
import type { Store } from "../store/store.ts";
import { dressed } from "./commands/dress.ts";
import { type Follower, Following, type FollowingParts } from "./following.ts";
import type { Interrupts } from "./interrupts.ts";
import type { EndedRuns } from "./ended-runs.ts";
import { Aborted, type LiveRun, type LiveRuns } from "./live-runs.ts";
import type { QueueConfig } from "./queue.ts";
import { replyWithThinking } from "./reply.ts";
import type { RunEvent, RunOrder, Runs, RunState } from "./run.ts";
import { endOf, failedEnd, NO_END, spentOn, stateOf } from "./run-end.ts";
import { factsOf, isSameTalk, isTalk, Order, turnOf } from "./run-order.ts";
import type { Conversations } from "./session.ts";
import type { Broken, Turn } from "./turn.ts";
import type { NewOutboxItem, SessionEntry, InboxItem } from "../store/entry.ts";

/** Runs that wait or go on, of all sessions: each may hold some pictures. */
const MAX_OPEN_RUNS = 1_000;
/** About what some turns take. */
const FULL_RETRY_MS = 10_000;
/** An item begun this often has taken the process down with it, again and again. */
const MAX_ATTEMPTS = 10;

export interface RunParts {
  readonly store: Pick<Store, "runs" | "retry" | "bury"> & FollowingParts["store"];
  readonly live: LiveRuns;
  /** How those ended that are not in the store. */
  readonly ended: EndedRuns;
  readonly conversations: Conversations;
  readonly channel: (id: string) => Channel | undefined;
  readonly clock: Clock;
  readonly queue: () => QueueConfig;
  readonly interrupts: Pick<Interrupts, "underWay" | "by">;
  /** Longest a run may take unless it says otherwise, milliseconds. */
  readonly timeoutMs: () => number;
  /** There is a run in the inbox. */
  readonly poke: () => void;
  /** Replies are waiting in the outbox. */
  readonly onReply: () => void;
  readonly log: Logger;
}

/** Runs in the inbox: kept before they are begun, so that a process after this one goes on with them. */
export class DurableRuns implements Runs {
  readonly #parts: RunParts;
  /** Told when a run has ended or was put off, by its id. */
  readonly #waiting = new Map<string, Set<() => void>>();
  #isDraining = false;

  constructor(parts: RunParts) {
    this.#parts = parts;
    parts.live.watch((event) => this.#wake(event));
  }

  async start(order: RunOrder): Promise<{ fresh: boolean; run: RunState }> {
    const { live, store, clock, poke } = this.#parts;
    const { id, kind, sessionKey } = order;
    const known = live.find(id);
    if (known !== undefined) return { fresh: false, run: known.state };
    if (live.size >= MAX_OPEN_RUNS) {
      throw new GatewayError("overloaded", "Too many runs are waiting", {
        retryAfterMs: FULL_RETRY_MS,
      });
    }
    const acceptedAt = clock.now();
    const before = kind === "chat" ? this.#parts.interrupts.underWay(sessionKey) : [];
    // Before it is kept: from then on somebody may work on it.
    const run = live.open({ id, kind, sessionKey, question: order.message, acceptedAt });
    try {
      const kept = await store.runs.begin({ id, kind, sessionKey, acceptedAt, payload: order });
      if (!kept.fresh) {
        run.forget();
        return { fresh: false, run: stateOf(kept.run) };
      }
    } catch (error) {
      run.forget();
      throw error;
    }
    run.announce();
    await this.#parts.interrupts.by(sessionKey, before, { own: order.queueMode });
    poke();
    return { fresh: true, run: run.state };
  }

  async find(id: string): Promise<RunState | undefined> {
    const run = this.#parts.live.find(id);
    if (run !== undefined) return run.state;
    const stored = await this.#parts.store.runs.find(id);
    return stored === undefined ? this.#parts.ended.find(id) : stateOf(stored);
  }

  active(sessionKey?: string): readonly RunState[] {
    return this.#parts.live.of(sessionKey).map(({ state }) => state);
  }

  async abort(which: { readonly id?: string; readonly sessionKey?: string }): Promise<string[]> {
    const { live } = this.#parts;
    const ids = new Set(await this.#idsOf(which));
    const ended: string[] = [];
    for (const id of ids) {
      const run = live.find(id);
      if (await this.#cancel(id, run)) ended.push(id);
      else if (run !== undefined && !run.wasAborted) {
        run.stop(new Aborted());
        ended.push(id);
      }
    }
    return ended;
  }

  async wait(id: string, timeoutMs: number, signal: AbortSignal): Promise<RunState | undefined> {
    const over = new AbortController();
    const end = (): void => over.abort();
    const waiting = this.#waiting.get(id) ?? new Set();
    this.#waiting.set(id, waiting.add(end));
    signal.addEventListener("abort", end, { once: true });
    try {
      const known = await this.find(id);
      if (known?.endedAt !== undefined || signal.aborted || this.#isPutOff(known)) return known;
      await this.#parts.clock.wait(timeoutMs, over.signal);
      return await this.find(id);
    } finally {
      signal.removeEventListener("abort", end);
      waiting.delete(end);
      if (waiting.size === 0) this.#waiting.delete(id);
    }
  }

  /** Nothing is begun any more: whoever waits for a run that does not go on is told so. */
  drain(): void {
    this.#isDraining = true;
    for (const [id, waiting] of this.#waiting) {
      if (this.#isPutOff(this.#parts.live.find(id)?.state)) for (const end of waiting) end();
    }
  }

  #isPutOff(run: RunState | undefined): boolean {
    return this.#isDraining && run?.status !== "running";
  }

  watch(listener: (event: RunEvent) => void): Disposable {
    return this.#parts.live.watch(listener);
  }

  /** A turn that was put off will not be run again. */
  dropped(id: string, reason: string): void {
    this.#parts.live.find(id)?.fail({ code: "not_found", message: reason });
  }

  /** Works on an item of the inbox that is a run, to its end. */
  async work(item: InboxItem, signal: AbortSignal): Promise<void> {
    const { live, store, clock } = this.#parts;
    const order = Order.safeParse(item.payload);
    if (!order.success) return store.bury(item.id, "not a run of ours");
    const run = live.open(factsOf(order.data, item.receivedAt));
    if (item.attempt > MAX_ATTEMPTS) {
      const message = `It was begun ${MAX_ATTEMPTS} times without an end`;
      await store.runs.finish(order.data.id, failedEnd(run, message, clock.now()));
      return run.fail({ code: "internal", message });
    }
    const timer = setTimeout(
      () => run.stop(tooLong()),
      order.data.timeoutMs ?? this.#parts.timeoutMs(),
    );
    try {
      await this.#run(item, order.data, run, signal);
    } finally {
      clearTimeout(timer);
    }
  }

  async #run(item: InboxItem, order: Order, run: LiveRun, signal: AbortSignal): Promise<void> {
    const { conversations, store, clock, onReply } = this.#parts;
    let isSettled = false;
    const following = isTalk(order) ? this.#followingOf(item, order) : undefined;
    const finish = async (
      entry: SessionEntry,
      reply: readonly NewOutboxItem[],
      failure?: AgentFailed,
    ): Promise<void> => {
      const end = endOf(entry, run, failure, clock.now());
      const followers = { ...end, text: "", usage: undefined };
      const whole = following?.ending(entry, followers) ?? entry;
      const left = order.keep === false ? { spent: spentOn(entry) } : { entry: whole };
      await store.runs.finish(order.id, end, { ...left, reply });
      isSettled = true;
      following?.ended(followers);
      if (reply.length > 0) onReply();
    };
    const asked = turnOf(order);
    const collected = (await following?.collect(run.signal, signal)) ?? [];
    const turn: Turn = {
      ...asked,
      messages: [...asked.messages, ...collected],
      heard: following && (() => following.steer()),
      commit: async (entry, answer) => {
        const text = replyWithThinking(answer);
        await finish(entry, await this.#piecesOf(item, order, { text, entry }));
      },
      broken: async (failure, entry): Promise<Broken> => {
        if (isOurStop(failure, run)) {
          await store.retry(item.id, clock.now(), "the gateway stopped");
          isSettled = true;
          return "again";
        }
        await finish(entry, [], failure);
        return "over";
      },
    };
    for await (const event of conversations.run(turn, signal)) {
      // What happens is told by the run itself; the failure is for whoever keeps the inbox.
      if (event.type === "failed" && !isSettled) throw new Error(event.message, event);
    }
  }

  #followingOf({ id }: InboxItem, order: Order): Following {
    const { sessionKey, queueMode } = order;
    const read = async (item: InboxItem): Promise<Follower | undefined> => {
      const next = Order.safeParse(item.payload).data;
      if (item.source !== RUN_SOURCE || next === undefined || !isSameTalk(order, next)) {
        return undefined;
      }
      const { images, message: text } = next;
      const message = { role: "user", text, images } as const;
      const run = factsOf(next, item.receivedAt);
      return { id: next.id, message, queueMode: next.queueMode, run };
    };
    return new Following(this.#parts, {
      item: { id },
      sessionKey,
      channel: undefined,
      queueMode,
      read,
    });
  }

  /** The answer as its session wants it shown elsewhere; none when nothing may leave it. */
  async #piecesOf(
    item: InboxItem,
    { deliver, sessionKey }: Order,
    { text, entry }: { readonly text: string; readonly entry: SessionEntry },
  ): Promise<NewOutboxItem[]> {
    const channel = deliver && this.#parts.channel(deliver.channel);
    if (deliver === undefined || channel === undefined) return [];
    const { settings = {} } = (await this.#parts.store.sessions.find(sessionKey)) ?? {};
    if (settings["sendPolicy"] === "deny") return [];
    return channel.split(dressed(text, entry, settings)).map((piece, index) => ({
      id: `${item.id}/${index}`,
      channel: channel.id,
      conversation: deliver.to,
      text: piece,
    }));
  }

  /** Ends one that nobody works on yet. */
  async #cancel(id: string, run: LiveRun | undefined): Promise<boolean> {
    const { store, clock, live } = this.#parts;
    if (run !== undefined && run.state.status !== "queued") return false;
    // One that came to an earlier process is known to the store alone.
    const facts = run?.facts ?? (await this.find(id));
    const now = clock.now();
    const end = { ...NO_END, status: "aborted", endedAt: now, text: "" } as const;
    if (!(await store.runs.cancel(id, end))) return false;
    const ended = facts && live.open(facts);
    ended?.stop(new Aborted());
    ended?.fail({ code: "canceled", message: "The run was aborted" });
    return true;
  }

  async #idsOf(which: { readonly id?: string; readonly sessionKey?: string }): Promise<string[]> {
    const { live, store } = this.#parts;
    const { id, sessionKey } = which;
    if (id !== undefined) {
      const found = await this.find(id);
      const isMeant = sessionKey === undefined || found?.sessionKey === sessionKey;
      return found !== undefined && found.endedAt === undefined && isMeant ? [id] : [];
    }
    const kept = await store.runs.open(MAX_OPEN_RUNS, sessionKey);
    return [...kept.map((run) => run.id), ...live.of(sessionKey).map((run) => run.facts.id)];
  }

  #wake({ type, run }: RunEvent): void {
    if (type === "started" || type === "text" || type === "tool_start" || type === "tool_end") {
      return;
    }
    if (run.endedAt !== undefined && !Order.shape.kind.safeParse(run.kind).success) {
      this.#parts.ended.add(run);
    }
    // One that waits again after it was begun: this process will not go on with it.
    if (type === "queued" && run.startedAt === undefined) return;
    for (const end of this.#waiting.get(run.id) ?? []) end();
  }
}

/** The gateway stops: it goes on with this run after its start. */
function isOurStop({ code }: AgentFailed, run: LiveRun): boolean {
  return code === "core_draining" || (code === "canceled" && !run.wasAborted);
}

function tooLong(): GatewayError {
  return new GatewayError("model_timeout", "The run took longer than it may");
}
