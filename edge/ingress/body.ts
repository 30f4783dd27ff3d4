/** The body of a webhook, whole, before anybody knows whether it is genuine. */
import { err, ok, type Result } from "../../shared/result.ts";
import { DeadlineError, within } from "../deadline.ts";

/** `cut`: its sender has gone. */
export type BodyFault = "too_large" | "slow" | "busy" | "cut";

/**
 * Bodies an isolate holds at once, until they are handed on. Half of the memory it has: a body is
 * there twice while it goes to the relay.
 */
export const MAX_HELD_BYTES = 64 * 1024 * 1024;
/** What a sender has for any body: the most patient of them gives the whole webhook 30 s, most 10. */
export const BODY_PATIENCE_MS = 10_000;
/** And a second more for so much that has come: 25 MB over a line of one megabit. */
export const BODY_BYTES_PER_SECOND = 128 * 1024;

/**
 * Room for a body to begin with, unless it is known to be shorter: one address can hold as many of
 * these as it may open connections within `BODY_PATIENCE_MS`, and fills half of the budget by it.
 */
const FIRST_BYTES = 16 * 1024;
/** Room for one that fills it; it doubles when it is full. */
const NEXT_BYTES = 256 * 1024;

/**
 * The longest anybody can hold a body: the slowest there may be, and a sender that waits for its
 * answer. The runtime may drop a request with all its `finally`s, for the time it has used: its
 * place is free again after this.
 */
const MAX_HOLD_MS = 300_000;

/** What the bodies of an isolate may take together. */
export class BodyBudget {
  readonly #maxBytes: number;
  readonly #places = new Map<object, { readonly bytes: number; readonly takenAt: number }>();
  #bytes = 0;

  constructor(maxBytes = MAX_HELD_BYTES) {
    this.#maxBytes = maxBytes;
  }

  /** Taken by all together. */
  get bytes(): number {
    return this.#bytes;
  }

  /**
   * So much for one body from now on. False, and all is as it was, when that is more than there is.
   *
   * @param holder - Whose place it is.
   */
  take(holder: object, bytes: number, now: number): boolean {
    const more = bytes - (this.#places.get(holder)?.bytes ?? 0);
    if (this.#bytes + more > this.#maxBytes) this.#sweep(now);
    if (this.#bytes + more > this.#maxBytes) return false;
    this.#bytes += more;
    this.#places.set(holder, { bytes, takenAt: now });
    return true;
  }

  /** Nothing happens to who has no place any more. */
  giveBack(holder: object): void {
    this.#bytes -= this.#places.get(holder)?.bytes ?? 0;
    this.#places.delete(holder);
  }

  #sweep(now: number): void {
    for (const [holder, { takenAt }] of this.#places) {
      if (now - takenAt > MAX_HOLD_MS) this.giveBack(holder);
    }
  }
}

/** Disposing gives its place in the budget back. */
export interface HeldBody extends Disposable {
  readonly bytes: Uint8Array<ArrayBuffer>;
}

export interface BodyRules {
  readonly maxBytes: number;
  /** `Content-Length`: for room that fits. A length alone gets nobody more than a little of it. */
  readonly declaredBytes: number | undefined;
  readonly budget: BodyBudget;
  /** Unix ms. */
  readonly now: () => number;
}

/**
 * Reads all of it, for as long as it comes fast enough and there is room. What is left of a refused
 * body is for `discardBody`, but for a slow one, which is given up.
 */
export async function holdBody(
  body: ReadableStream<Uint8Array> | null,
  rules: BodyRules,
): Promise<Result<HeldBody, BodyFault>> {
  if (body === null) return ok({ bytes: new Uint8Array(0), [Symbol.dispose]: () => undefined });
  const reader = body.getReader({ mode: "byob" });
  const room = new Room(rules);
  try {
    const fault = await fill(room, reader, rules);
    return fault === undefined ? ok(room.keep()) : err(fault);
  } catch (error) {
    if (!(error instanceof DeadlineError)) return err("cut");
    await reader.cancel().catch(() => undefined);
    return err("slow");
  } finally {
    room[Symbol.dispose]();
    reader.releaseLock();
  }
}

async function fill(
  room: Room,
  reader: ReadableStreamBYOBReader,
  { maxBytes, now }: BodyRules,
): Promise<BodyFault | undefined> {
  const startedAt = now();
  for (;;) {
    if (!room.widen()) return "busy";
    const allowedMs = BODY_PATIENCE_MS + (room.filledBytes / BODY_BYTES_PER_SECOND) * 1_000;
    const leftMs = Math.max(startedAt + allowedMs - now(), 0);
    const part = await within(reader.read(room.free()), leftMs);
    // At the end, too, it comes back with nothing new in it.
    if (part.value === undefined) throw new TypeError("the runtime has kept the buffer");
    room.took(part.value);
    if (room.filledBytes > maxBytes) return "too_large";
    if (part.done) return undefined;
  }
}

/**
 * One buffer that a body is read into. A list of parts would cost many times what is in them, if a
 * sender chose to send byte by byte.
 */
class Room implements Disposable {
  readonly #rules: BodyRules;
  #buffer = new ArrayBuffer(0);
  #reservedBytes = 0;
  #isKept = false;
  filledBytes = 0;

  constructor(rules: BodyRules) {
    this.#rules = rules;
  }

  /** Makes sure that there is some. False when the budget of the isolate does not allow it. */
  widen(): boolean {
    if (this.filledBytes < this.#reservedBytes) return true;
    const { maxBytes, declaredBytes, budget, now } = this.#rules;
    // One byte more than there should be: by that the end is seen, and a body that is too long.
    const isFirst = this.#reservedBytes === 0;
    const wanted = declaredBytes === undefined ? FIRST_BYTES : declaredBytes + 1;
    const more = isFirst ? FIRST_BYTES : Math.max(this.#reservedBytes * 2, NEXT_BYTES);
    const fitting = wanted > this.#reservedBytes ? Math.min(wanted, more) : more;
    const bytes = Math.min(fitting, maxBytes + 1);
    if (!budget.take(this, bytes, now())) return false;
    const wider = new Uint8Array(bytes);
    wider.set(new Uint8Array(this.#buffer, 0, this.filledBytes));
    this.#buffer = wider.buffer;
    this.#reservedBytes = bytes;
    return true;
  }

  /** To be read into; the buffer is gone until `took` brings it back. */
  free(): Uint8Array<ArrayBuffer> {
    return new Uint8Array(this.#buffer, this.filledBytes);
  }

  took(part: Uint8Array<ArrayBuffer>): void {
    this.#buffer = part.buffer;
    this.filledBytes += part.byteLength;
  }

  keep(): HeldBody {
    this.#isKept = true;
    return {
      bytes: new Uint8Array(this.#buffer, 0, this.filledBytes),
      [Symbol.dispose]: () => this.#rules.budget.giveBack(this),
    };
  }

  /** Gives back what is not kept. */
  [Symbol.dispose](): void {
    if (!this.#isKept) this.#rules.budget.giveBack(this);
  }
}
