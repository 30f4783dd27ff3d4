/** What must hold after every failure, whatever the failure was. */
import { setTimeout as sleep } from "node:timers/promises";
import { Random } from "./random.ts";

/** How often a condition that tells nobody when it comes true is looked at. */
const LOOK_EVERY_MS = 25;
/** How long a line of a log may be on its way on a busy machine. */
const LINE_MS = 20_000;

/** True once `isSo` is; false when `withinMs` have passed without. A throw means not yet. */
export async function becomes(isSo: () => Promise<boolean>, withinMs: number): Promise<boolean> {
  const until = performance.now() + withinMs;
  while (performance.now() < until) {
    if (await isSo().catch(() => false)) return true;
    await sleep(LOOK_EVERY_MS);
  }
  return false;
}

/**
 * What senders of webhooks were told, and what the core did. Stands for a core's inbox: the first
 * of an id is work, all others are not.
 */
export class Ledger {
  readonly #acknowledged = new Set<string>();
  readonly #executions = new Map<string, number>();
  readonly #order: string[] = [];

  /** The sender was answered 2xx. */
  acknowledge(id: string): void {
    this.#acknowledged.add(id);
  }

  /** The work was done. */
  execute(id: string): void {
    this.#executions.set(id, (this.#executions.get(id) ?? 0) + 1);
    this.#order.push(id);
  }

  /** Does the work unless it was done: what a store with unique ids does. */
  commit(id: string): "committed" | "duplicate" {
    if (this.#executions.has(id)) return "duplicate";
    this.execute(id);
    return "committed";
  }

  get acknowledged(): ReadonlySet<string> {
    return this.#acknowledged;
  }

  /** Ids in the order of their execution. */
  get order(): readonly string[] {
    return this.#order;
  }

  /** Acknowledged, and never executed. */
  get lost(): string[] {
    return [...this.#acknowledged].filter((id) => !this.#executions.has(id));
  }

  /** Executed more than once. */
  get doubled(): string[] {
    return [...this.#executions].filter(([, times]) => times > 1).map(([id]) => id);
  }
}

/** Body `seed`: unlike every other, so that a byte of one is never right in another. */
export function bodyOf(seed: number, length: number): Uint8Array<ArrayBuffer> {
  const bytes = new Random(seed).bytes(length);
  // Its own number in front, so that a mix-up says whose bytes these are.
  if (length >= 4) new DataView(bytes.buffer).setUint32(0, seed);
  return bytes;
}

/** Undefined for body `seed` or a part of its beginning; otherwise what is wrong with it. */
export function strayIn(bytes: Uint8Array, seed: number, length: number): string | undefined {
  if (bytes.byteLength > length) return `${bytes.byteLength} bytes of ${length}`;
  const expected = bodyOf(seed, length);
  const at = bytes.findIndex((byte, index) => byte !== expected[index]);
  return at < 0 ? undefined : `body ${seed} is wrong at ${at}`;
}

/** What the edge and its runtime say while a test runs. */
export class EdgeLog {
  readonly lines: string[] = [];

  readonly onLine = (line: string): void => {
    this.lines.push(line);
  };

  /** How often an event was logged. */
  count(event: string): number {
    return this.lines.filter((line) => line.includes(`"event":"${event}"`)).length;
  }

  /**
   * Waits until an event was logged so often: a line comes by another way than an answer, and later
   * perhaps. @throws Error when it was logged less often, or more often.
   */
  async counted(event: string, times: number): Promise<void> {
    await becomes(async () => this.count(event) >= times, LINE_MS);
    const count = this.count(event);
    if (count !== times) throw new Error(`${event} was logged ${count} times, not ${times}`);
  }

  /** Errors and exceptions nobody caught, without those that are told by `expected`. */
  complaints(expected: readonly string[] = []): string[] {
    return this.lines.filter(
      (line) =>
        (line.includes('"level":"error"') || !line.startsWith("{")) &&
        line.trim() !== "" &&
        !expected.some((text) => line.includes(text)),
    );
  }
}
