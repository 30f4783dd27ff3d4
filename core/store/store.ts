import type { CronStore } from "./cron.ts";
import type { DeviceStore } from "./device.ts";
import type { Message, Usage } from "./message.ts";
import type { ResponseStore } from "./response.ts";
import type { RunStore } from "./run.ts";
import type { SessionStore } from "./session.ts";
import type { UsageStore } from "./usage.ts";
import type { WebhookAnswer, WebhookStore } from "./webhook.ts";
import type {
  StoredMessage,
  OutboxItem,
  NewOutboxItem,
  SessionEntry,
  InboxItem,
  NewInboxItem,
} from "./entry.ts";

/** Source of items that are posted on to a server: these are waited for, turns mostly are not. */
export const FORWARD_SOURCE = "forward";

/** Which items of the inbox: those whose source is `FORWARD_SOURCE`, or all others. */
export type WorkKind = "turn" | "forward";

/**
 * The right to write, as it was taken when the store was opened. Of two processes that claim to
 * have written last, the one with the higher epoch of the same store is right.
 */
export interface Lease {
  /**
   * Names these data and no others, 43 characters of URL-safe base64. A copy of them has a name of
   * its own once it was opened, since from then on the two are no longer the same.
   */
  readonly store: string;
  /** Raised by one, durably, each time a process takes the writer lock: at least 1. */
  readonly epoch: number;
}

/**
 * Where the core keeps what must not be lost. Every method is one transaction: once its promise
 * resolves, the change survives a kill at any moment; when it rejects, nothing has changed.
 *
 * Calls made in the same turn of the event loop share one wait for the disk, so callers with many
 * items make their calls side by side. Every method throws GatewayError `overloaded` when the disk
 * is full, fails or cannot follow, and `core_draining` once the store is disposed of; disposing
 * first finishes what was asked before. An item that is not in the state a method needs (`finish`
 * of one that is not running) is a RangeError: a caller's bug.
 */
export interface Store extends WebhookStore, AsyncDisposable {
  readonly lease: Lease;
  readonly sessions: SessionStore;
  readonly runs: RunStore;
  readonly cron: CronStore;
  readonly responses: ResponseStore;
  readonly devices: DeviceStore;
  readonly usage: UsageStore;

  /**
   * Takes in new work. Returns the ids that were new; the others we had within the last days.
   *
   * @throws GatewayError `overloaded` when too much is waiting already.
   */
  keep(items: readonly NewInboxItem[]): Promise<string[]>;
  /**
   * Takes the oldest waiting item of every lane that has none running, at most `limit`, and marks
   * them running. What was put back and is due again goes before what has not been tried. Items
   * left running by a killed process are waiting again after `open`. Takes nothing while
   * `MAX_UNSENT` pieces of replies wait to be sent.
   *
   * @param kind - Default: `turn`. A lane with items of both kinds is one lane all the same.
   */
  take(limit: number, now: number, kind?: WorkKind): Promise<InboxItem[]>;
  /** Items that wait behind one that is running, in its lane, oldest first. They go on waiting. */
  behind(id: string, limit: number): Promise<InboxItem[]>;
  /**
   * Ends an item, queues its reply and adds its turn to the session (as `append` does), all in one
   * transaction: after a kill none of it has happened, or all.
   *
   * @param answer - For the sender of the webhook that the item came with: kept with its log row.
   */
  finish(
    id: string,
    reply: readonly NewOutboxItem[],
    entry?: SessionEntry,
    answer?: WebhookAnswer,
  ): Promise<void>;
  /** Puts an item back until `notBefore` (Unix ms); its lane waits with it. */
  retry(id: string, notBefore: number, reason: string): Promise<void>;
  /** Gives an item up: it stays readable and blocks nothing. */
  bury(id: string, reason: string): Promise<void>;
  /** Earliest time at which `take` may return more than now; undefined when nothing waits. */
  nextDue(kind?: WorkKind): Promise<number | undefined>;

  /** Queues pieces that answer nothing. Returns how many were new; the others were queued before. */
  queue(pieces: readonly NewOutboxItem[]): Promise<number>;
  /** The oldest unsent piece of every conversation that may be sent at `now`, at most `limit`. */
  unsent(limit: number, now: number): Promise<OutboxItem[]>;
  /** Written before the platform is called: afterwards nobody knows whether it arrived. */
  markSending(id: string): Promise<void>;
  markSent(id: string, platformId: string): Promise<void>;
  /** Known not to have arrived: try again at `notBefore`. */
  markUnsent(id: string, notBefore: number, reason: string): Promise<void>;
  /** Not sent and never will be, or perhaps sent: kept for people to look at. */
  markLost(id: string, reason: string): Promise<void>;
  nextUnsent(): Promise<number | undefined>;

  /**
   * Adds messages to a session, which is made on first use. One that was made for a single request
   * (`isEphemeral`) is forgotten when it has not been used for `EPHEMERAL_SESSION_MS`.
   */
  append(
    sessionKey: string,
    messages: readonly Message[],
    usage: Usage,
    now: number,
  ): Promise<void>;
  /** The newest `limit` messages of a session, oldest first. */
  history(sessionKey: string, limit: number): Promise<StoredMessage[]>;

  /** Small things with a name: keys of devices, the edge's identity, offsets. */
  get(key: string): Promise<string | undefined>;
  set(key: string, value: string): Promise<void>;
}
