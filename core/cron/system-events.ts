/** Notes for an agent that nobody waits for: it reads them with the next prompt of a session. */
import * as z from "zod";
import type { Store } from "../store/store.ts";

/** More than this an agent would not tell apart; the oldest are dropped. */
const MAX_EVENTS = 20;
const MAX_TEXT_UNITS = 4_096;
/** Sessions whose events are known at the same time. */
const MAX_SESSIONS = 1_000;

const Events = z.array(
  z.object({ id: z.string(), at: z.number(), text: z.string().max(MAX_TEXT_UNITS) }),
);
type Events = z.output<typeof Events>;

const keyOf = (sessionKey: string): string => `system-events:${sessionKey}`;

/** Events that are on their way into a prompt. */
export interface HeldEvents {
  readonly ids: readonly string[];
  readonly lines: readonly string[];
}

/** Kept over restarts. One at a time for each session. */
export class SystemEvents {
  readonly #store: Pick<Store, "get" | "set">;
  readonly #now: () => number;
  /** The last thing that was asked for of a session. */
  readonly #busy = new Map<string, Promise<unknown>>();
  /** Ids of events that are on their way into a prompt. */
  readonly #held = new Set<string>();

  constructor(store: Pick<Store, "get" | "set">, now: () => number) {
    this.#store = store;
    this.#now = now;
  }

  /**
   * @param id - The same one again while it waits is the same event.
   * @returns False: it waits already.
   */
  enqueue(sessionKey: string, text: string, id: string): Promise<boolean> {
    return this.#alone(sessionKey, async () => {
      const events = await this.#read(sessionKey);
      if (events.some((one) => one.id === id)) return false;
      const fresh = { id, at: this.#now(), text: text.slice(0, MAX_TEXT_UNITS) };
      await this.#write(sessionKey, [...events, fresh].slice(-MAX_EVENTS));
      return true;
    });
  }

  /** How many wait. */
  async count(sessionKey: string): Promise<number> {
    return (await this.#read(sessionKey)).length;
  }

  /** What waits, oldest first, as lines of a prompt; it waits no longer. */
  drain(sessionKey: string): Promise<string[]> {
    return this.#alone(sessionKey, async () => {
      const events = await this.#read(sessionKey);
      const free = events.filter(({ id }) => !this.#held.has(id));
      if (free.length > 0) {
        await this.#write(
          sessionKey,
          events.filter(({ id }) => this.#held.has(id)),
        );
      }
      return free.map(({ at, text }) => eventLine(text, at));
    });
  }

  /**
   * The same for a prompt that has yet to be kept: nobody else gets these until `settle`. When this
   * process ends before, they wait again.
   */
  hold(sessionKey: string): Promise<HeldEvents> {
    return this.#alone(sessionKey, async () => {
      const free = (await this.#read(sessionKey)).filter(({ id }) => !this.#held.has(id));
      for (const { id } of free) this.#held.add(id);
      return {
        ids: free.map(({ id }) => id),
        lines: free.map(({ at, text }) => eventLine(text, at)),
      };
    });
  }

  /** @param told - True: the prompt is kept; false: they wait again. */
  settle(sessionKey: string, { ids }: HeldEvents, told: boolean): Promise<void> {
    return this.#alone(sessionKey, async () => {
      for (const id of ids) this.#held.delete(id);
      if (!told || ids.length === 0) return;
      const events = await this.#read(sessionKey);
      await this.#write(
        sessionKey,
        events.filter(({ id }) => !ids.includes(id)),
      );
    });
  }

  /** What waits, for people: without taking it. */
  async peek(sessionKey: string): Promise<string[]> {
    return (await this.#read(sessionKey)).map(({ text }) => text);
  }

  async #read(sessionKey: string): Promise<Events> {
    const text = await this.#store.get(keyOf(sessionKey));
    return text === undefined || text === "" ? [] : Events.parse(JSON.parse(text));
  }

  #write(sessionKey: string, events: Events): Promise<void> {
    return this.#store.set(keyOf(sessionKey), events.length === 0 ? "" : JSON.stringify(events));
  }

  async #alone<T>(sessionKey: string, work: () => Promise<T>): Promise<T> {
    const before = this.#busy.get(sessionKey) ?? Promise.resolve();
    // What failed before is known to who asked for it.
    const mine = before.then(work, work);
    this.#busy.set(sessionKey, mine);
    const [oldest] = this.#busy.keys();
    if (this.#busy.size > MAX_SESSIONS && oldest !== undefined) this.#busy.delete(oldest);
    try {
      return await mine;
    } finally {
      if (this.#busy.get(sessionKey) === mine) this.#busy.delete(sessionKey);
    }
  }
}

/** An event as the agent reads it. */
export function eventLine(text: string, at: number): string {
  return `System: [${new Date(at).toISOString()}] ${text.trim()}`;
}
