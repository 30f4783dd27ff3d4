import { within } from "./deadline.ts";
import { errorFacts, logLine } from "./log.ts";
import { type KeepAlive, SingleFlight } from "./single-flight.ts";

export type Fetch = (url: string, init: RequestInit) => Promise<Response>;

/** Keys as they were published at one time. */
export interface KeyList {
  has(kid: string): boolean;
}

export interface Publisher<List extends KeyList> {
  readonly load: (signal: AbortSignal) => Promise<List>;
  /** Older keys may not be trusted any more. */
  readonly maxAgeMs: number;
  /** Anyone can make up the id of a key: to ask for each of them would let him ask for us. */
  readonly retryMs: number;
  /** Logged when the keys cannot be had. */
  readonly failure: { readonly event: string; readonly host: string };
}

/** Keys change within days or weeks: an hour is soon enough to see one go. */
const REFRESH_MS = 3_600_000;
const LOAD_DEADLINE_MS = 3_000;

/** The keys of somebody else, as long as the isolate lives. */
export class PublishedKeys<List extends KeyList> {
  readonly #publisher: Publisher<List>;
  readonly #flight = new SingleFlight<void>();
  #known: { readonly at: number; readonly list: List } | undefined;
  #triedAt = -Infinity;

  constructor(publisher: Publisher<List>) {
    this.#publisher = publisher;
  }

  /**
   * Asks anew once an hour, and for a key that is not there.
   *
   * @returns undefined when there are no keys that may be trusted.
   */
  async listFor(
    kid: string | undefined,
    keepAlive: KeepAlive,
    now: number,
  ): Promise<List | undefined> {
    const isStale = this.#known === undefined || now - this.#known.at > REFRESH_MS;
    const isNews = kid !== undefined && this.#known?.list.has(kid) !== true;
    if (isStale || isNews) await this.#refresh(keepAlive, now);
    const isTooOld = this.#known === undefined || now - this.#known.at > this.#publisher.maxAgeMs;
    return isTooOld ? undefined : this.#known?.list;
  }

  async #refresh(keepAlive: KeepAlive, now: number): Promise<void> {
    const isDue = now - this.#triedAt >= this.#publisher.retryMs;
    if (!isDue && !this.#flight.busy(now)) return;
    if (isDue) this.#triedAt = now;
    try {
      await this.#flight.run(() => this.#load(now), keepAlive, now);
    } catch (error) {
      // What we have may still be good; without any, the door stays shut.
      logLine("error", { ...this.#publisher.failure, ...errorFacts(error) });
    }
  }

  async #load(now: number): Promise<void> {
    const stop = new AbortController();
    try {
      const list = await within(this.#publisher.load(stop.signal), LOAD_DEADLINE_MS);
      this.#known = { at: now, list };
    } finally {
      stop.abort();
    }
  }
}

/** A document as JSON. @throws Error for anything but a 200 with no more than `maxBytes`. */
export async function fetchJson(
  fetch: Fetch,
  { url, maxBytes, signal }: { url: string; maxBytes: number; signal: AbortSignal },
): Promise<unknown> {
  // Workers know no `redirect: "error"`: an answer that is not 200 is none.
  const response = await fetch(url, { redirect: "manual", signal });
  const length = Number(response.headers.get("Content-Length") ?? 0);
  if (response.status !== 200 || length > maxBytes) throw new Error("no keys in the answer");
  const decoder = new TextDecoder();
  let text = "";
  let bytes = 0;
  for await (const part of response.body?.values() ?? []) {
    bytes += part.byteLength;
    if (bytes > maxBytes) throw new Error("too many keys in the answer");
    text += decoder.decode(part, { stream: true });
  }
  return JSON.parse(text + decoder.decode());
}
