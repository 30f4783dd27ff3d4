/** What is known of the processes that had this state: when they began, and how they ended. */
import * as z from "zod";
import type { Store } from "../../store/store.ts";

const KEPT_UNDER = "life";

/** What we wrote earlier, perhaps in an earlier version. */
const Kept = z.object({
  version: z.string(),
  startedAt: z.number(),
  /** Undefined: it has not said that it ends. */
  endedAt: z.number().optional(),
  starts: z.number(),
  crashes: z.number(),
  update: z.object({ at: z.number(), from: z.string(), to: z.string() }).optional(),
});
type Kept = z.output<typeof Kept>;

export interface LifeFacts {
  readonly version: string;
  /** Unix ms. */
  readonly startedAt: number;
  /** Processes that have had this state, this one among them. */
  readonly starts: number;
  /** Those that did not say that they end: killed, or out of memory. */
  readonly crashes: number;
  /** True: the one before this one was one of those. */
  readonly isAfterCrash: boolean;
  /** Undefined: this is the first process of this state. */
  readonly previous:
    | { readonly startedAt: number; readonly endedAt: number | undefined }
    | undefined;
  /** The last time that a process of another version was the next one. Times in Unix ms. */
  readonly update: { readonly at: number; readonly from: string; readonly to: string } | undefined;
}

type Shelf = Pick<Store, "get" | "set">;

/** Of this process, and of those before it. */
export class Life {
  readonly #version: string;
  readonly #startedAt: number;
  readonly #now: () => number;
  #shelf: Shelf | undefined;
  #current: Kept;
  #previous: Kept | undefined;

  /** @param now - Unix ms. */
  constructor(version: string, now: () => number) {
    this.#version = version;
    this.#startedAt = now();
    this.#now = now;
    this.#current = { version, startedAt: this.#startedAt, starts: 1, crashes: 0 };
  }

  /** The state is ours from now on. */
  async begin(shelf: Shelf): Promise<void> {
    this.#shelf = shelf;
    const text = await shelf.get(KEPT_UNDER);
    const read = text === undefined ? undefined : Kept.safeParse(JSON.parse(text));
    this.#previous = read?.success === true ? read.data : undefined;
    this.#current = this.#after(this.#previous);
    await shelf.set(KEPT_UNDER, JSON.stringify(this.#current));
  }

  /** This process ends, as it should. Once. */
  async end(): Promise<void> {
    if (this.#current.endedAt !== undefined) return;
    this.#current = { ...this.#current, endedAt: this.#now() };
    await this.#shelf?.set(KEPT_UNDER, JSON.stringify(this.#current));
  }

  get facts(): LifeFacts {
    const { version, startedAt, starts, crashes, update } = this.#current;
    const previous = this.#previous;
    return {
      version,
      startedAt,
      starts,
      crashes,
      isAfterCrash: previous !== undefined && previous.endedAt === undefined,
      previous: previous && { startedAt: previous.startedAt, endedAt: previous.endedAt },
      update,
    };
  }

  #after(before: Kept | undefined): Kept {
    const begun = { version: this.#version, startedAt: this.#startedAt };
    if (before === undefined) return { ...begun, starts: 1, crashes: 0 };
    const { starts, crashes, version: from, endedAt, update } = before;
    const to = this.#version;
    return {
      ...begun,
      starts: starts + 1,
      crashes: crashes + (endedAt === undefined ? 1 : 0),
      update: from === to ? update : { at: this.#startedAt, from, to },
    };
  }
}
