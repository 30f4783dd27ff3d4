import type { Message } from "./message.ts";

/** An answer that a client may ask for again, and go on from. */
export interface StoredResponse {
  /** `resp_…`. */
  readonly id: string;
  /** Who asked: nobody else sees it. */
  readonly owner: string;
  readonly agent: string;
  readonly sessionKey: string;
  /** The response that this one goes on from. */
  readonly previous: string | undefined;
  /** Unix ms. */
  readonly createdAt: number;
  /** What was said in this turn, question and answer; what came before is with `previous`. */
  readonly messages: readonly Message[];
  /**
   * True: the turn went on from its session, so what follows it does as well. False: the messages
   * of the chain are the conversation.
   */
  readonly continues: boolean;
  /** The object as the client got it. */
  readonly body: Readonly<Record<string, unknown>>;
}

/** Responses to be asked for again. Every method as those of `Store`. */
export interface ResponseStore {
  /** Keeps one, and forgets the oldest where there are more than `RESPONSE_LIMITS` allow. */
  save(response: StoredResponse): Promise<void>;
  /** Undefined: unknown, forgotten, or somebody else's. */
  find(id: string, owner: string): Promise<StoredResponse | undefined>;
  /**
   * The messages of a response and of those it goes on from, oldest first; at most `maxLinks`
   * responses. It begins where an earlier one is forgotten.
   */
  chain(id: string, owner: string, maxLinks: number): Promise<Message[]>;
  /** @returns False: there was none of this owner. */
  remove(id: string, owner: string): Promise<boolean>;
}
