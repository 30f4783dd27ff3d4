import { randomBytes } from "node:crypto";
import type { Logger } from "pino";
import { randomToken } from "../../shared/bytes.ts";
import { GatewayError } from "../../shared/errors.ts";
import type { TurnScope } from "../agents/turn-scope.ts";
import type { AccessPolicy } from "../channels/allow-list.ts";
import type { Channel, InboundMessage, Outlet, RawEvent } from "../channels/channel.ts";
import type { Clock } from "../channels/clock.ts";
import { Pairing } from "../channels/pairing.ts";
import type { Store } from "../store/store.ts";
import type { NewWebhook, NewWebhookWork } from "../store/webhook.ts";
import { Bell } from "./bell.ts";
import { CommandDesk } from "./commands/desk.ts";
import { EndedRuns } from "./ended-runs.ts";
import { HISTORY_LIMITS } from "./history.ts";
import type { HistoryLimits } from "./history.ts";
import { HOOK_SOURCE } from "./hook.ts";
import type { HookInput } from "./hook.ts";
import { startInbox } from "./inbox.ts";
import { Interrupts } from "./interrupts.ts";
import { LiveRuns } from "./live-runs.ts";
import { startOutbox } from "./outbox.ts";
import { QUEUE_DEFAULTS, type QueueConfig } from "./queue.ts";
import { isForGateway } from "./reception.ts";
import type { RouteSettings } from "./route.ts";
import { routed } from "./routing.ts";
import type { Runs } from "./run.ts";
import { DurableRuns } from "./runs.ts";
import { Conversations } from "./session.ts";
import type { AgentSettings } from "../agents/directory.ts";
import { Sessions } from "./sessions.ts";
import { Waiters } from "./waiters.ts";
import type { WorkHandler } from "./work.ts";
import type { Worker } from "./worker.ts";

/** What a disposal waits for work under way: less than the ten seconds before containers are killed. */
const DISPOSE_DRAIN_MS = 8_000;

/** Longest a run may take where nobody says otherwise. */
const TURN_TIMEOUT_MS = 600_000;

/** Functions are asked for every turn: a changed config counts from the next one on. */
export interface EngineParts {
  readonly store: Store;
  readonly agent: (
    agentId: string,
    model?: string,
    scope?: TurnScope | string,
  ) => AgentSettings | Promise<AgentSettings>;
  readonly channel: (id: string) => Channel | undefined;
  /** Ways back to senders of webhooks, by scheme. */
  readonly senders?: ReadonlyMap<string, Outlet> | undefined;
  readonly access: (channel: string) => AccessPolicy;
  /** Of a message; without one: of what comes from nowhere. */
  readonly route: (message?: InboundMessage) => RouteSettings;
  readonly limits?: HistoryLimits | undefined;
  /** Longest a run may take, milliseconds. Undefined: ten minutes. */
  readonly turnTimeoutMs?: (() => number) | undefined;
  /** What becomes of messages that come while a turn goes on. Undefined: `QUEUE_DEFAULTS`. */
  readonly queue?: (() => QueueConfig) | undefined;
  /** See `ConversationParts`. */
  readonly systemNotes?: ((sessionKey: string) => Promise<readonly string[]>) | undefined;
  /** For items that are no turns, by their source. */
  readonly handlers?: ReadonlyMap<string, WorkHandler> | undefined;
  /** Those that ended before, under another engine of this process. Undefined: none. */
  readonly endedRuns?: EndedRuns | undefined;
  /** False while nothing of what waits may be begun. Undefined: always. */
  readonly mayBegin?: (() => boolean) | undefined;
  readonly clock: Clock;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  readonly log: Logger;
}

/** A request of a webhook, to be worked on once. */
export interface HookRequest {
  /** Unique per delivery: the same one again is not work again. */
  readonly id: string;
  /** Requests of one lane are handled one after another. */
  readonly lane: string;
  readonly payload: HookInput;
}

/** Text for a conversation that nobody asked for. */
export interface Notice {
  /** The same id is sent once. */
  readonly id: string;
  readonly channel: string;
  readonly conversation: string;
  readonly text: string;
}

/** Everything between what comes in and what goes out: sessions, inbox and outbox, running. */
export interface Engine extends AsyncDisposable {
  readonly conversations: Conversations;
  readonly runs: Runs;
  readonly sessions: Sessions;
  readonly pairing: Pairing;
  /** What is said to the gateway, not to an agent. */
  readonly commands: CommandDesk;
  /**
   * Commits what a platform sent, in one transaction; work on it begins at once.
   *
   * @returns How many were new.
   * @throws GatewayError `overloaded` when the inbox is full.
   */
  accept(source: string, events: readonly RawEvent[]): Promise<number>;
  /** The same for a webhook of our own. @returns False when we had it already. */
  acceptHook(request: HookRequest): Promise<boolean>;
  /**
   * Commits a webhook with all the work on it, in one transaction; work on it begins at once.
   *
   * @returns The ids that were new, of work and of ignored events; none: we had it already.
   * @throws GatewayError `overloaded` when the inbox or the log is full.
   */
  acceptWebhook(webhook: NewWebhook, work: readonly NewWebhookWork[]): Promise<string[]>;
  /** Rings when work came in, and when some has ended or was put off. */
  readonly progress: Bell;
  /** Pieces of replies since the start, by `<channel> <sent | lost>`. */
  readonly replies: ReadonlyMap<string, number>;
  /** Who waits for the answers to webhooks. */
  readonly waiters: Waiters;
  /**
   * Queues a message to a conversation.
   *
   * @returns False when one with this id was queued before.
   * @throws GatewayError not_found for a channel that is not configured.
   */
  tell(notice: Notice): Promise<boolean>;
  /** Begins nothing new; settles when turns and sends under way have ended, or were cut off. */
  drain(deadlineMs: number): Promise<void>;
}

/** Starts working. What an earlier process left in the store is taken up first. */
export function startEngine(parts: EngineParts): Engine {
  const { store, clock, random, log, channel } = parts;
  const live = new LiveRuns(clock.now);
  const conversations = new Conversations({
    ...parts,
    runs: live,
    limits: parts.limits ?? HISTORY_LIMITS,
    log: log.child({ part: "conversation" }),
  });
  const pairing = new Pairing({ store, now: clock.now, randomBytes });
  const waiters = new Waiters((ms, signal) => clock.wait(ms, signal));
  const progress = new Bell();
  const replies = new Map<string, number>();
  const senders = new Map(parts.senders?.values().map((one) => [one.id, one] as const));
  const outbox = startOutbox({
    store,
    outlet: (id) => channel(id) ?? senders.get(id),
    onEnd(id, fate) {
      const key = `${id} ${fate}`;
      replies.set(key, (replies.get(key) ?? 0) + 1);
      progress.ring();
    },
    onPutOff: () => progress.ring(),
    clock,
    random,
    log: log.child({ part: "outbox" }),
  });
  const sessionKeyOf = (message: InboundMessage): Promise<string> =>
    routed(message, { ...parts, pairing });
  const queue = parts.queue ?? (() => QUEUE_DEFAULTS);
  const interrupts = new Interrupts({
    ...parts,
    live,
    queue,
    pairing,
    sessionKeyOf,
    isCommand: isForGateway,
    log: log.child({ part: "runs" }),
  });
  const runs = new DurableRuns({
    store,
    live,
    ended: parts.endedRuns ?? new EndedRuns(clock.now),
    queue,
    interrupts,
    conversations,
    channel,
    clock,
    timeoutMs: parts.turnTimeoutMs ?? (() => TURN_TIMEOUT_MS),
    poke: () => inbox.poke(),
    onReply: () => outbox.poke(),
    log: log.child({ part: "runs" }),
  });
  const sessions = new Sessions({ ...parts, conversations, runs });
  const commands = new CommandDesk({
    ...parts,
    queue,
    sessions,
    runs,
    pairing,
    sessionKeyOf,
    now: clock.now,
    log: log.child({ part: "commands" }),
  });
  const inbox = startInbox({
    ...parts,
    live,
    queue,
    conversations,
    runs,
    pairing,
    commands,
    waiters,
    onProgress: () => progress.ring(),
    boundary: () => randomToken(12),
    onReply: () => outbox.poke(),
    log: log.child({ part: "inbox" }),
  });
  return {
    conversations,
    runs,
    sessions,
    pairing,
    commands,
    accept: (source, events) => accept(parts, { inbox, commands, interrupts }, source, events),
    async acceptHook({ id, lane, payload }) {
      const event = { id, lane, payload };
      return (await accept(parts, { inbox, commands, interrupts }, HOOK_SOURCE, [event])) > 0;
    },
    async acceptWebhook(webhook, work) {
      const placed = commands.placed(work);
      const before = interrupts.underWay();
      const { fresh } = await store.keepWebhook(webhook, placed);
      if (fresh.length > 0) inbox.poke();
      commands.hurry(placed, fresh);
      await interrupts.byItems(placed, fresh, before);
      progress.ring();
      return fresh;
    },
    progress,
    replies,
    waiters,
    async tell({ id, channel: name, conversation, text }) {
      const to = channel(name);
      if (to === undefined) throw new GatewayError("not_found", `No channel named ${name}`);
      const queued = await store.queue(
        to.split(text).map((piece, index) => ({
          id: `${id}/${index}`,
          channel: name,
          conversation,
          text: piece,
        })),
      );
      if (queued > 0) outbox.poke();
      return queued > 0;
    },
    drain,
    [Symbol.asyncDispose]: () => drain(DISPOSE_DRAIN_MS),
  };

  /** The inbox first: what its last turns answer may still be sent. The rest is sent after a start. */
  async function drain(deadlineMs: number): Promise<void> {
    const until = clock.now() + deadlineMs;
    runs.drain();
    await inbox.drain(deadlineMs);
    // What was not begun is not answered by us: a restart must not wait for those who wait for it.
    waiters.end();
    await outbox.drain(Math.max(0, until - clock.now()));
  }
}

/** Who looks at what comes in. */
interface Arrivals {
  readonly inbox: Worker;
  readonly commands: CommandDesk;
  readonly interrupts: Interrupts;
}

async function accept(
  { store, clock }: EngineParts,
  { inbox, commands, interrupts }: Arrivals,
  source: string,
  events: readonly RawEvent[],
): Promise<number> {
  const receivedAt = clock.now();
  const items = events.map(({ id, lane, payload }) => ({ id, source, lane, payload, receivedAt }));
  const placed = commands.placed(items);
  const before = interrupts.underWay();
  const fresh = await store.keep(placed);
  if (fresh.length > 0) inbox.poke();
  commands.hurry(placed, fresh);
  await interrupts.byItems(placed, fresh, before);
  return fresh.length;
}
