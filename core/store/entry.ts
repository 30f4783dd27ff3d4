/** What comes in, what is kept of a turn, and what is sent because of it. Times are Unix ms. */
import type { ErrorCode } from "../../shared/errors.ts";
import type { Message, Usage } from "./message.ts";
import type { ModelCall } from "./usage.ts";

/** Something to be worked on: it entered once, and leaves when its turn is over. */
export interface InboxItem {
  readonly id: string;
  /** Which handler knows the payload: a channel id, or `hook`. */
  readonly source: string;
  /** Items of one lane are handled one after another, oldest first. */
  readonly lane: string;
  /** JSON: what it cannot say (undefined, bytes, functions) does not come back. */
  readonly payload: unknown;
  /** How often handling was begun, this time included. */
  readonly attempt: number;
  readonly receivedAt: number;
  /** Id of the request it came with: in every log line about it, and on its replies. */
  readonly trace?: string | undefined;
  /** `seq` of the webhook it came with: its id may have come to name another since. */
  readonly webhook?: number | undefined;
}

export type NewInboxItem = Omit<InboxItem, "attempt" | "webhook">;

export type RunEndStatus = "ok" | "error" | "aborted";

/** How a run ended. */
export interface RunEnd {
  readonly status: RunEndStatus;
  /** Unix ms; undefined: it never began. */
  readonly startedAt: number | undefined;
  readonly endedAt: number;
  readonly text: string;
  readonly stop: string | undefined;
  /** Fit for the user. */
  readonly error: { readonly code: ErrorCode; readonly message: string } | undefined;
  readonly usage: Usage | undefined;
  /** `provider/model` that answered. */
  readonly model: string | undefined;
}

/** A turn of a conversation that is kept. */
export interface StoredMessage {
  readonly seq: number;
  readonly at: number;
  readonly message: Message;
}

/** One piece of a reply on its way to a platform. */
export interface OutboxItem {
  /** `<inbox id>/<piece>`: the same work gives the same id, so it cannot be queued twice. */
  readonly id: string;
  readonly channel: string;
  readonly conversation: string;
  readonly text: string;
  /** How often it was begun so far, each time without arriving. */
  readonly attempts: number;
  /** As that of the item it answers. */
  readonly trace?: string | undefined;
}

export type NewOutboxItem = Omit<OutboxItem, "attempts">;

/** The run that an entry comes from. Times are Unix ms. */
export interface EntryRun {
  readonly id: string;
  readonly kind: string;
  readonly status: RunEndStatus;
  readonly startedAt: number;
  readonly endedAt: number;
  /** `provider/model` that answered. */
  readonly model: string | undefined;
  readonly stop: string | undefined;
  /** Fit for the user. */
  readonly error: string | undefined;
  /** Conversation of a channel that it was asked for in. */
  readonly origin: { readonly channel: string; readonly conversation: string } | undefined;
}

/** A message that was told to a turn of another one, behind which it waited in its lane. */
export interface HeardItem {
  /** Id of its item. */
  readonly id: string;
  /** How its run has ended, when it is one. */
  readonly run?: { readonly id: string; readonly end: RunEnd } | undefined;
}

/** What a turn adds to its session. */
export interface SessionEntry {
  /** Items that end with the turn, in its transaction; those that have ended already are let be. */
  readonly heard?: readonly HeardItem[] | undefined;
  readonly sessionKey: string;
  readonly messages: readonly Message[];
  readonly usage: Usage;
  /** What models were asked for it, in order: kept with it, one by one. Absent: none. */
  readonly calls?: readonly ModelCall[] | undefined;
  readonly at: number;
  readonly run?: EntryRun | undefined;
}
