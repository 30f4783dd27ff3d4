/** The log of webhooks: what came, what it became, and what was answered. */
import type { NewInboxItem } from "./entry.ts";

/**
 * `waiting`: none of its work is running. `running`: some is. `done`: all has ended. `filtered`: the
 * settings wanted nothing done. `dead`: all has ended, and some of it was given up.
 */
export type WebhookState = "waiting" | "running" | "done" | "filtered" | "dead";

/** What its sender was answered, or would have been had it waited longer. */
export interface WebhookAnswer {
  readonly status: number;
  readonly contentType: string;
  readonly body: Uint8Array<ArrayBuffer>;
}

/** A webhook to be written down. */
export interface NewWebhook {
  /** Of the delivery; a replay has one of its own: `<id>#<n>`. */
  readonly id: string;
  readonly route: string;
  /** By which it was verified. */
  readonly scheme: string;
  /** Who verified it. */
  readonly verifiedBy: "edge" | "core";
  /** Which of the live secrets it was verified with: 0 is the first. */
  readonly secret: number;
  /** One id from the request to the reply. */
  readonly requestId: string;
  readonly method: string;
  /** With its `?`; or empty. */
  readonly query: string;
  /** Of the sender; empty: unknown. */
  readonly ip: string;
  /** Unix ms, by the clock of whoever received it. */
  readonly receivedAt: number;
  readonly lanes: readonly string[];
  /** Without credentials. */
  readonly headers: readonly (readonly [string, string])[];
  readonly body: Uint8Array<ArrayBuffer>;
  /** Id of the webhook that this one is a replay of. */
  readonly replayOf?: string | undefined;
  /** How often the edge had tried before. */
  readonly attempts: number;
  /** Its sender waits for an answer. */
  readonly sync: boolean;
  /** Ids of events for which nothing is to be done: known from now on all the same. */
  readonly ignored: readonly string[];
}

/** Work on a webhook. */
export interface NewWebhookWork extends NewInboxItem {
  /** Ids of the events it is about, where they are others than its own: it is kept when any is new. */
  readonly events?: readonly string[] | undefined;
}

/** What of a webhook is listed. */
export interface WebhookRow {
  /** Ascending in the order they came. */
  readonly seq: number;
  readonly id: string;
  readonly route: string;
  readonly scheme: string;
  readonly verifiedBy: "edge" | "core";
  readonly requestId: string;
  readonly method: string;
  readonly state: WebhookState;
  /** Why, of what was given up or put off last. */
  readonly reason: string | undefined;
  readonly receivedAt: number;
  /** Unix ms, by our clock: when it was committed. */
  readonly acceptedAt: number;
  /** When the last of its work ended; undefined: some goes on. */
  readonly endedAt: number | undefined;
  readonly lanes: readonly string[];
  /** Bytes of its body. */
  readonly size: number;
  /** Pieces of work that it was. */
  readonly items: number;
  readonly replayOf: string | undefined;
  /** How often it came again. */
  readonly duplicates: number;
  readonly attempts: number;
  readonly sync: boolean;
}

export interface WebhookItemRow {
  readonly id: string;
  readonly source: string;
  readonly lane: string;
  readonly state: "queued" | "waiting" | "running" | "done" | "dead";
  readonly attempt: number;
  readonly reason: string | undefined;
  /** When handling was last begun. */
  readonly startedAt: number | undefined;
  readonly endedAt: number | undefined;
  /** Of the turn it became. */
  readonly sessionKey: string | undefined;
}

export interface WebhookReply {
  readonly id: string;
  readonly state: "queued" | "waiting" | "sending" | "sent" | "lost";
  readonly channel: string;
  readonly conversation: string;
  readonly platformId: string | undefined;
  readonly reason: string | undefined;
  readonly endedAt: number | undefined;
}

/** All that is known of one webhook but its body. */
export interface WebhookDetail extends WebhookRow {
  readonly query: string;
  readonly ip: string;
  readonly secret: number;
  readonly headers: readonly (readonly [string, string])[];
  /** Its work, the newest thousand; forgotten when its ids are. Named apart from `items`, the count. */
  readonly work: readonly WebhookItemRow[];
  readonly replies: readonly WebhookReply[];
  /** Ids of its replays, oldest first. */
  readonly replays: readonly string[];
  readonly answer: WebhookAnswer | undefined;
}

/** Absent: any. */
export interface WebhookFilter {
  readonly route?: string | undefined;
  readonly state?: WebhookState | undefined;
  /** The one id from the request to the reply. */
  readonly requestId?: string | undefined;
  /** Accepted at or after, Unix ms. */
  readonly since?: number | undefined;
  /** Accepted before, Unix ms. */
  readonly until?: number | undefined;
  /** Only those after this `seq`, oldest first: what is new since a look before. */
  readonly after?: number | undefined;
  /** Only those before this `seq`: the next page. */
  readonly before?: number | undefined;
  /** At most 1,000. */
  readonly limit: number;
}

/** Of one route, since the state was made. */
export interface WebhookStats {
  readonly route: string;
  readonly accepted: number;
  readonly duplicates: number;
  /** When the last was accepted, Unix ms. */
  readonly lastAt: number;
  /** What the log holds of it, bytes. */
  readonly bytes: number;
}

/** How much of the log is kept; what has yet to be worked on always is. */
export interface WebhookLogLimits {
  readonly maxAgeMs: number;
  readonly maxBytes: number;
}

/** The part of the store port that webhooks are kept by. */
export interface WebhookStore {
  /**
   * Takes in a webhook: its row in the log, the ids of its events and the work on them, in one
   * transaction. When none of its events is new nothing is written but that it came again.
   *
   * @returns Ids of work and of ignored events that were new.
   * @throws GatewayError `overloaded` when too much is waiting already.
   */
  keepWebhook(
    webhook: NewWebhook,
    work: readonly NewWebhookWork[],
  ): Promise<{ readonly fresh: string[] }>;
  /** What matches, newest first, unless `after` is given. */
  webhooks(filter: WebhookFilter): Promise<WebhookRow[]>;
  /** @param id - Of the delivery, or its `seq` as text. */
  webhook(id: string): Promise<WebhookDetail | undefined>;
  /**
   * Bytes of the body from `offset` on, at most `limit`.
   *
   * @param id - As for `webhook`.
   */
  webhookBody(
    id: string,
    offset: number,
    limit: number,
  ): Promise<{ readonly bytes: Uint8Array<ArrayBuffer>; readonly total: number } | undefined>;
  webhookStats(): Promise<WebhookStats[]>;
  /**
   * Forgets one whose work was given up; its ids stay known.
   *
   * @param id - As for `webhook`.
   * @returns False when there is none of this id that is dead.
   */
  dismissWebhook(id: string): Promise<boolean>;
}
