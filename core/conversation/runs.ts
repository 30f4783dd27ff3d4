import type { Logger } from "pino";
import * as z from "zod";
import { GatewayError } from "../../shared/errors.ts";
import type { AgentFailed } from "../agents/event.ts";
import type { Channel } from "../channels/channel.ts";
import type { Clock } from "../channels/clock.ts";
import type { Message } from "../store/message.ts";
import type { RunEnd, StoredRun } from "../store/run.ts";
import { agentIdOf } from "../store/session-key.ts";
import type { InboxItem, NewOutboxItem, SessionEntry, Store } from "../store/store.ts";
import { Aborted, type LiveRun, type LiveRuns, type RunFacts } from "./live-runs.ts";
import { replyText } from "./reply.ts";
import type { RunEvent, RunOrder, RunKind, Runs, RunState } from "./run.ts";
import type { Broken, Conversations, Turn } from "./session.ts";

/** Runs that wait or go on, of all sessions: each may hold some pictures. */
const MAX_OPEN_RUNS = 1_000;
/** About what some turns take. */
const FULL_RETRY_MS = 10_000;
/** An item begun this often has taken the process down with it, again and again. */
const MAX_ATTEMPTS = 10;

const ImagePart = z.object({
  mediaType: z.enum(["image/png", "image/jpeg", "image/gif", "image/webp"]),
  data: z.string(),
});
/** What we wrote earlier, perhaps in an earlier version. */
const Order = z.object({
  id: z.string(),
  kind: z.enum(["chat", "agent", "cron", "heartbeat"]),
  sessionKey: z.string(),
  message: z.string(),
  images: z.array(ImagePart).optional(),
  extraSystem: z.string().optional(),
  model: z.string().optional(),
  deliver: z.object({ channel: z.string(), to: z.string() }).optional(),
  timeoutMs: z.number().optional(),
  keep: z.boolean().optional(),
});
type Order = z.output<typeof Order>;

export interface RunParts {
  readonly store: Pick<Store, "runs" | "retry" | "bury">;
  readonly live: LiveRuns;
  readonly conversations: Conversations;
  readonly channel: (id: string) => Channel | undefined;
  readonly clock: Clock;
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
    poke();
    return { fresh: true, run: run.state };
  }

  async find(id: string): Promise<RunState | undefined> {
    const run = this.#parts.live.find(id);
    if (run !== undefined) return run.state;
    const stored = await this.#parts.store.runs.find(id);
    return stored && stateOf(stored);
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
      await store.runs.finish(order.data.id, failed(run, message, clock.now()));
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
    const finish = async (
      entry: SessionEntry,
      reply: readonly NewOutboxItem[],
      failure?: AgentFailed,
    ): Promise<void> => {
      const end = endOf(entry, run, failure, clock.now());
      const kept = order.keep === false ? undefined : entry;
      await store.runs.finish(order.id, end, { entry: kept, reply });
      isSettled = true;
      if (reply.length > 0) onReply();
    };
    const turn: Turn = {
      ...turnOf(order),
      commit: (entry, answer) => finish(entry, this.#piecesOf(item, order, replyText(answer))),
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

  #piecesOf(item: InboxItem, { deliver }: Order, text: string): NewOutboxItem[] {
    const channel = deliver && this.#parts.channel(deliver.channel);
    if (deliver === undefined || channel === undefined) return [];
    return channel.split(text).map((piece, index) => ({
      id: `${item.id}/${index}`,
      channel: channel.id,
      conversation: deliver.to,
      text: piece,
    }));
  }

  /** Ends one that nobody works on yet. */
  async #cancel(id: string, run: LiveRun | undefined): Promise<boolean> {
    const { store, clock } = this.#parts;
    if (run !== undefined && run.state.status !== "queued") return false;
    const now = clock.now();
    const end = { ...NO_END, status: "aborted", endedAt: now, text: "" } as const;
    if (!(await store.runs.cancel(id, end))) return false;
    run?.stop(new Aborted());
    run?.fail({ code: "canceled", message: "The run was aborted" });
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
    // One that waits again after it was begun: this process will not go on with it.
    if (type === "queued" && run.startedAt === undefined) return;
    for (const end of this.#waiting.get(run.id) ?? []) end();
  }
}

const NO_END = {
  startedAt: undefined,
  stop: undefined,
  error: undefined,
  usage: undefined,
  model: undefined,
} as const;

function factsOf({ id, kind, sessionKey, message }: Order, acceptedAt: number): RunFacts {
  return { id, kind, sessionKey, question: message, acceptedAt };
}

function turnOf(order: Order): Turn {
  const { id, kind, sessionKey, message, images, extraSystem, model, deliver } = order;
  const system: Message[] =
    extraSystem === undefined ? [] : [{ role: "system", text: extraSystem }];
  const origin = deliver && { channel: deliver.channel, conversation: deliver.to };
  return {
    sessionKey,
    messages: [...system, { role: "user", text: message, images }],
    continues: true,
    via: kind,
    kind,
    runId: id,
    model,
    origin,
  };
}

/** The gateway stops: it goes on with this run after its start. */
function isOurStop({ code }: AgentFailed, run: LiveRun): boolean {
  return code === "core_draining" || (code === "canceled" && !run.wasAborted);
}

function endOf(
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

function failed(run: LiveRun, message: string, now: number): RunEnd {
  const { startedAt } = run;
  const error = { code: "internal", message } as const;
  return { ...NO_END, status: "error", startedAt, endedAt: now, text: "", error };
}

function stateOf({ id, kind, sessionKey, acceptedAt, end }: StoredRun): RunState {
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

function tooLong(): GatewayError {
  return new GatewayError("model_timeout", "The run took longer than it may");
}
