import * as z from "zod";
import type { Store } from "../../store/store.ts";

/** Conversations whose last stop is remembered: nothing waits for longer than others stop. */
const MAX_KEPT = 256;
/** Nothing waits for longer than this. */
const KEPT_MS = 24 * 3_600_000;
const KEY = "stops:channels";

const Book = z.array(z.tuple([z.string(), z.number()])).max(MAX_KEPT);

export interface StopParts {
  readonly store: Pick<Store, "get" | "set">;
  /** Unix ms. */
  readonly now: () => number;
}

/**
 * When each conversation was last told to stop: what was said in it before then and waits is not
 * answered any more, also by a process after this one.
 */
export class Stops {
  readonly #parts: StopParts;
  /** Unix ms by conversation, the last one last. */
  readonly #stops = new Map<string, number>();
  #loading: Promise<void> | undefined;
  #saving: Promise<void> = Promise.resolve();

  constructor(parts: StopParts) {
    this.#parts = parts;
  }

  /** To be waited for before `covers` is asked. */
  load(): Promise<void> {
    this.#loading ??= this.#read().catch((error: unknown) => {
      this.#loading = undefined;
      throw error;
    });
    return this.#loading;
  }

  /** When the last one of all was received, of those that are loaded: Unix ms. */
  get newest(): number {
    return Math.max(0, ...this.#stops.values());
  }

  /** Counts at once; settles when it is kept. @param at - Unix ms at which it was received. */
  async mark(conversation: string, at: number): Promise<void> {
    const last = Math.max(at, this.#stops.get(conversation) ?? 0);
    this.#stops.delete(conversation);
    this.#stops.set(conversation, last);
    await this.load();
    const saved = this.#saving.then(() => this.#write());
    this.#saving = saved.catch(() => undefined); // its caller hears of it; the next one goes on
    await saved;
  }

  /** Whether what was received at `at` came before a stop. */
  covers(conversation: string, at: number): boolean {
    return at <= (this.#stops.get(conversation) ?? 0);
  }

  async #read(): Promise<void> {
    const text = await this.#parts.store.get(KEY);
    const kept = Book.safeParse(text === undefined ? [] : JSON.parse(text)).data ?? [];
    for (const [conversation, at] of kept) {
      this.#stops.set(conversation, Math.max(at, this.#stops.get(conversation) ?? 0));
    }
  }

  async #write(): Promise<void> {
    const oldest = this.#parts.now() - KEPT_MS;
    for (const [conversation, at] of this.#stops) {
      if (at < oldest || this.#stops.size > MAX_KEPT) this.#stops.delete(conversation);
    }
    await this.#parts.store.set(KEY, JSON.stringify([...this.#stops]));
  }
}
