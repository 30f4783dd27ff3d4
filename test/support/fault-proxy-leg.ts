import { once } from "node:events";
import type { Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

/** What one direction of a connection does to the bytes in it. */
export interface LegPlan {
  /** How much later everything arrives. */
  readonly delayMs?: number;
  readonly bytesPerSecond?: number;
  readonly cut?: Cut;
}

/** Exactly `atByte` bytes pass, then it happens. */
export interface Cut {
  readonly atByte: number;
  /** `reset`: RST both ways. `end`: FIN both ways. `drop`: nothing arrives any more, nobody is told. */
  readonly how: "reset" | "end" | "drop";
}

/** `stalled` keeps the bytes and goes on later; `dropped` loses them. */
export type LegMode = "passing" | "stalled" | "dropped";

/** Read ahead of the writer: as much as a modest network card would hold. */
const MAX_QUEUED_BYTES = 256 * 1024;
/** A throttled leg writes this often. */
const PACE_MS = 10;

interface Queued {
  readonly bytes: Uint8Array;
  /** By the steady clock. */
  readonly dueAt: number;
}

/** One direction of one connection through the proxy. */
export class Leg {
  readonly #from: Socket;
  readonly #to: Socket;
  readonly #plan: LegPlan;
  /** Both sockets are done for: what a cut and a reset do. */
  readonly #sever: (how: "reset" | "end") => void;
  readonly #queue: Queued[] = [];
  #queuedBytes = 0;
  #ended = false;
  #mode: LegMode = "passing";
  #changed = Promise.withResolvers<void>();
  /** Bytes that have gone on. */
  passedBytes = 0;

  constructor(from: Socket, to: Socket, plan: LegPlan, sever: (how: "reset" | "end") => void) {
    this.#from = from;
    this.#to = to;
    this.#plan = plan;
    this.#sever = sever;
    from.on("data", (bytes: Uint8Array) => this.#read(bytes));
    from.on("end", () => {
      this.#ended = true;
      this.#wake();
    });
    from.on("error", () => {
      if (this.#mode === "passing") sever("reset");
    });
    // Whoever goes away without a word ends the other side too, unless the path is dead.
    from.on("close", () => {
      if (!this.#ended && this.#mode === "passing") to.destroy();
      this.#wake();
    });
    this.#run().catch(() => sever("reset"));
  }

  /** Once dropped, dropped for ever. */
  set mode(mode: LegMode) {
    if (this.#mode === "dropped") return;
    this.#mode = mode;
    if (mode === "dropped") {
      this.#queue.length = 0;
      this.#queuedBytes = 0;
      this.#from.resume();
    }
    this.#wake();
  }

  #read(bytes: Uint8Array): void {
    if (this.#mode === "dropped") return;
    this.#queue.push({ bytes, dueAt: performance.now() + (this.#plan.delayMs ?? 0) });
    this.#queuedBytes += bytes.byteLength;
    if (this.#queuedBytes > MAX_QUEUED_BYTES) this.#from.pause();
    this.#wake();
  }

  async #run(): Promise<void> {
    while (!this.#to.destroyed) {
      const next = this.#mode === "stalled" ? undefined : this.#queue.shift();
      if (next !== undefined) {
        this.#queuedBytes -= next.bytes.byteLength;
        if (this.#queuedBytes <= MAX_QUEUED_BYTES) this.#from.resume();
        await this.#forward(next);
      } else if (this.#ended && this.#mode === "passing") {
        this.#to.end();
        return;
      } else {
        await this.#changed.promise;
      }
    }
  }

  async #forward({ bytes, dueAt }: Queued): Promise<void> {
    const waitMs = dueAt - performance.now();
    if (waitMs > 0) await sleep(waitMs);
    const { cut, bytesPerSecond } = this.#plan;
    const room = (cut?.atByte ?? Number.POSITIVE_INFINITY) - this.passedBytes;
    const allowed = bytes.subarray(0, Math.max(0, room));
    const step =
      bytesPerSecond === undefined
        ? allowed.byteLength
        : Math.max(1, Math.round((bytesPerSecond * PACE_MS) / 1000));
    for (let at = 0; at < allowed.byteLength; at += step) {
      await this.#write(allowed.subarray(at, at + step));
      if (bytesPerSecond !== undefined) await sleep(PACE_MS);
    }
    if (cut !== undefined && this.passedBytes >= cut.atByte) this.#cut(cut);
  }

  async #write(bytes: Uint8Array): Promise<void> {
    while (this.#mode === "stalled" && !this.#to.destroyed) await this.#changed.promise;
    if (this.#mode === "dropped" || this.#to.destroyed) return;
    this.passedBytes += bytes.byteLength;
    if (this.#to.write(bytes)) return;
    // Either way the wait is over: there is room, or nobody to write to.
    await Promise.race([once(this.#to, "drain"), once(this.#to, "close")]);
  }

  #cut({ how }: Cut): void {
    if (how === "drop") this.mode = "dropped";
    else this.#sever(how);
  }

  #wake(): void {
    const { resolve } = this.#changed;
    this.#changed = Promise.withResolvers();
    resolve();
  }
}
