import type { Generated, Kysely } from "kysely";

/**
 * Rows as they are stored. Times are Unix milliseconds.
 *
 * Inbox and outbox are queues of lanes: at any moment one item of a lane, the oldest that has not
 * ended, is its head. Only a head is ever `waiting` or busy; those behind it are `queued`. So the
 * next piece of work is found by an index on the waiting rows alone, however long the backlog is.
 */
interface LaneRow {
  /** Order of arrival. */
  readonly seq: Generated<number>;
  readonly id: string;
  readonly lane: string;
  /** 0: at once. */
  readonly not_before: Generated<number>;
  /** Null exactly while the row has a place in its lane. */
  readonly ended_at: number | null;
  /** Why it was put back or given up. */
  readonly reason: string | null;
}

export interface InboxRow extends LaneRow {
  readonly state: "queued" | "waiting" | "running" | "done" | "dead";
  readonly source: string;
  /** JSON; null once done: what remains is the id, to know it again. */
  readonly payload: string | null;
  readonly attempt: Generated<number>;
  readonly received_at: number;
}

export interface OutboxRow extends LaneRow {
  readonly state: "queued" | "waiting" | "sending" | "sent" | "lost";
  readonly channel: string;
  readonly conversation: string;
  /** Empty once sent. */
  readonly text: string;
  readonly platform_id: string | null;
}

export interface SessionRow {
  readonly id: Generated<number>;
  readonly key: string;
  readonly created_at: number;
  readonly updated_at: number;
  readonly message_count: number;
  readonly input_tokens: number;
  readonly output_tokens: number;
}

export interface MessageRow {
  readonly session_id: number;
  /** 1 is the first message of the session. */
  readonly seq: number;
  readonly at: number;
  /** JSON of a `Message`. */
  readonly message: string;
}

export interface FactRow {
  readonly key: string;
  readonly value: string;
}

export interface Tables {
  readonly inbox: InboxRow;
  readonly outbox: OutboxRow;
  readonly session: SessionRow;
  readonly message: MessageRow;
  readonly fact: FactRow;
}

/** A database, or a transaction on it. */
export type Db = Kysely<Tables>;
