import * as z from "zod/mini";
import type { StateAnswer } from "./relay-call.ts";
import { type KeepAlive, SingleFlight } from "./single-flight.ts";

const Answer = z.object({
  connected: z.boolean(),
  lastSeenAt: z.nullable(z.number()),
  coreVersion: z.nullable(z.string()),
  spooled: z.number(),
  /** A relay of the version before does not say. */
  colo: z._default(z.nullable(z.string()), null),
});

/** What the relay last said of the core, and which bundle it had then. */
export interface State extends StateAnswer {
  readonly bundleVersion: number | undefined;
}

/** Anyone may ask for `/health`: a flood of that wakes the relay once in this time. */
export const STATE_MAX_AGE_MS = 10_000;

/** Whether a core is connected, as fresh as the caller may have it. */
export class StateCache {
  readonly #load: () => Promise<{ body: unknown; bundleVersion: number | undefined }>;
  readonly #flight = new SingleFlight<State | undefined>();
  #last: { readonly at: number; readonly state: State | undefined } | undefined;

  /** @param load - Asks the relay; the body is a `StateAnswer`. May throw. */
  constructor(load: () => Promise<{ body: unknown; bundleVersion: number | undefined }>) {
    this.#load = load;
  }

  /** Undefined when the relay cannot be asked: remembered as well, so that is not hammered either. */
  async get(fresh: boolean, keepAlive: KeepAlive, now: number): Promise<State | undefined> {
    if (!fresh && this.#last !== undefined && now - this.#last.at < STATE_MAX_AGE_MS) {
      return this.#last.state;
    }
    // Not the waiting one's failure: late and unreachable mean the same to whoever asks.
    return this.#flight.run(() => this.#take(now), keepAlive, now).catch(() => undefined);
  }

  async #take(now: number): Promise<State | undefined> {
    const state = await this.#read();
    this.#last = { at: now, state };
    return state;
  }

  async #read(): Promise<State | undefined> {
    try {
      const { body, bundleVersion } = await this.#load();
      return { ...Answer.parse(body), bundleVersion };
    } catch {
      // The loader has logged why; a health check answers all the same.
      return undefined;
    }
  }
}
