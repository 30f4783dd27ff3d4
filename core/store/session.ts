import type { Usage } from "./message.ts";
import type { EntryRun, SessionEntry, StoredMessage } from "./entry.ts";

/** What was chosen for a session: a model, how it is shown. Absent: as everywhere else. */
export type Setting = string | number | boolean;
export type SessionSettings = Readonly<Record<string, Setting>>;

/** What is known of a session, without what was said in it. Times are Unix ms. */
export interface SessionInfo {
  readonly key: string;
  /** A UUID: another one after a reset. */
  readonly sessionId: string;
  /** Raised by one with each change of label, settings or archive. */
  readonly revision: number;
  readonly createdAt: number;
  readonly updatedAt: number;
  readonly messageCount: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
  /** Tokens of the last prompt that a model has read: how full its context is. 0: not known. */
  readonly contextTokens: number;
  /** True: nothing has been added to the session since that prompt was answered, nor taken out. */
  readonly contextFresh: boolean;
  /** US dollars, of all its turns; undefined: none had a price. */
  readonly costUsd: number | undefined;
  readonly label: string | undefined;
  readonly settings: SessionSettings;
  /** Kind of the run that made it, or who else did. */
  readonly createdBy: string;
  /** Conversation of a channel that it was last talked in from. */
  readonly origin: { readonly channel: string; readonly conversation: string } | undefined;
  readonly archivedAt: number | undefined;
  readonly lastInteractionAt: number | undefined;
  readonly lastRun: Omit<EntryRun, "kind" | "origin"> | undefined;
  readonly compactions: number;
  /** Of the same key before its reset. */
  readonly previousId: string | undefined;
  readonly parentKey: string | undefined;
}

/** What a turn begins with. */
export interface SessionOpening {
  readonly sessionId: string | undefined;
  readonly settings: SessionSettings;
  /** Of all that was said before `messages`, when the session was compacted. */
  readonly summary: string | undefined;
  /** Not those that the summary stands for. Oldest first. */
  readonly messages: readonly StoredMessage[];
}

/** A message with what is known of its making. */
export interface SessionMessage extends StoredMessage {
  readonly run: string | undefined;
  readonly model: string | undefined;
  readonly stop: string | undefined;
  readonly usage: Usage | undefined;
}

export interface SessionPage {
  readonly info: SessionInfo;
  /** Oldest first. */
  readonly messages: readonly SessionMessage[];
}

export interface SessionFilter {
  readonly limit: number;
  readonly offset: number;
  /** Part of a key or label, in lower case; looked for in the 20,000 sessions used last. */
  readonly search?: string | undefined;
  /** Unix ms. */
  readonly updatedSince?: number | undefined;
  readonly agentId?: string | undefined;
  readonly label?: string | undefined;
  readonly parentKey?: string | undefined;
  readonly sessionId?: string | undefined;
  /** What a `sessionId` begins with. */
  readonly shortId?: string | undefined;
  readonly archived: "no" | "only" | "all";
}

export interface SessionChange {
  readonly label?: string | null | undefined;
  readonly archived?: boolean | undefined;
  /** Null: as everywhere else from now on. */
  readonly settings?: Readonly<Record<string, Setting | null>> | undefined;
}

/** What must be so for a change to be made. */
export interface SessionExpectation {
  readonly sessionId?: string | undefined;
  readonly revision?: number | undefined;
}

export interface NewSession {
  readonly key: string;
  readonly createdBy: string;
  readonly label?: string | undefined;
  readonly settings?: SessionSettings | undefined;
  readonly parentKey?: string | undefined;
  readonly at: number;
}

export interface SearchHit {
  readonly key: string;
  readonly sessionId: string;
  readonly message: SessionMessage;
}

/**
 * Sessions, beside what turns add to them. Each method is one transaction, as in `Store`. What was
 * reset or deleted is kept for `RETIRED_SESSION_MS` under its own id; nobody is shown it.
 */
export interface SessionStore {
  /** The newest `limit` messages, and what else a turn must know. */
  opening(key: string, limit: number): Promise<SessionOpening>;
  /** Adds what a turn leaves; the session is made on first use. */
  add(entry: SessionEntry): Promise<void>;
  find(key: string): Promise<SessionInfo | undefined>;
  /** Newest first, with how many there are in all. */
  list(
    filter: SessionFilter,
  ): Promise<{ readonly sessions: readonly SessionInfo[]; readonly total: number }>;
  /** @throws GatewayError invalid_request for a label that another session has. */
  create(session: NewSession): Promise<{ readonly fresh: boolean; readonly info: SessionInfo }>;
  /**
   * Changes a session, which is made on first use.
   *
   * @throws GatewayError conflict when it is not as expected, invalid_request for a label in use.
   */
  patch(
    key: string,
    change: SessionChange,
    at: number,
    expected?: SessionExpectation,
  ): Promise<SessionInfo>;
  /** Begins anew: an empty session with the same settings. */
  reset(key: string, at: number): Promise<SessionInfo>;
  /** @returns Id of what was removed; undefined: there was none. @throws GatewayError conflict */
  remove(
    key: string,
    at: number,
    expected?: SessionExpectation & { readonly archivedOnly?: boolean | undefined },
  ): Promise<string | undefined>;
  /** At most `limit` messages before or after a place, or the newest. Undefined: no such session. */
  page(
    key: string,
    range: {
      readonly limit: number;
      readonly before?: number | undefined;
      readonly after?: number | undefined;
    },
  ): Promise<SessionPage | undefined>;
  /**
   * From now on `summary` stands for the messages up to `upTo` when a model is asked.
   *
   * @throws GatewayError conflict when the session was reset or compacted in between.
   */
  compact(
    key: string,
    made: { readonly summary: string; readonly upTo: number; readonly sessionId: string },
    at: number,
  ): Promise<SessionInfo>;
  /** Makes a session of the first messages of another, up to `upTo`. */
  fork(key: string, upTo: number, to: NewSession): Promise<SessionInfo | undefined>;
  /** Messages with `text` in them, of the sessions used last; ASCII letters match in either case. */
  search(
    text: string,
    filter: {
      readonly limit: number;
      readonly agentId?: string | undefined;
      readonly keys?: readonly string[] | undefined;
    },
  ): Promise<{ readonly hits: readonly SearchHit[]; readonly truncated: boolean }>;
}
