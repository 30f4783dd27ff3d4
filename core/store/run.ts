import type { NewOutboxItem, SessionEntry, RunEnd } from "./entry.ts";
import type { SpentCalls } from "./usage.ts";

/** Where inbox items that are runs come from. */
export const RUN_SOURCE = "run";

/** A run to be kept, with the item of the inbox that makes somebody work on it. */
export interface NewRun {
  /** Chosen by whoever asks for it. */
  readonly id: string;
  readonly kind: string;
  readonly sessionKey: string;
  /** Unix ms. */
  readonly acceptedAt: number;
  /** JSON, for whoever runs it. */
  readonly payload: unknown;
}

export interface StoredRun {
  readonly id: string;
  readonly kind: string;
  readonly sessionKey: string;
  readonly acceptedAt: number;
  /** Id of its inbox item. */
  readonly item: string;
  /** Undefined while it waits or is under way. */
  readonly end: RunEnd | undefined;
}

/** Runs that must not be lost, nor run twice. Each method is one transaction, as in `Store`. */
export interface RunStore {
  /**
   * Keeps a run and queues it, unless there is one with its id already: `fresh` is false then.
   *
   * @throws GatewayError `overloaded` when too much is waiting already.
   */
  begin(run: NewRun): Promise<{ readonly fresh: boolean; readonly run: StoredRun }>;
  find(id: string): Promise<StoredRun | undefined>;
  /** Those that have not ended, oldest first, at most `limit`; of one session or of all. */
  open(limit: number, sessionKey?: string): Promise<StoredRun[]>;
  /**
   * Ends a run that is being worked on, its item, and adds what it leaves to its session.
   *
   * @throws RangeError when its item is not running: a caller's bug.
   */
  finish(
    id: string,
    end: RunEnd,
    left?: {
      readonly reply?: readonly NewOutboxItem[];
      readonly entry?: SessionEntry | undefined;
      /** What models were asked for it, when it leaves no entry. */
      readonly spent?: SpentCalls | undefined;
    },
  ): Promise<void>;
  /** Ends a run that nobody works on yet. @returns False when somebody does, or it has ended. */
  cancel(id: string, end: RunEnd): Promise<boolean>;
}
