import type { Fields } from "../../shared/tunnel/fields.ts";
import { LIMITS } from "../../shared/limits.ts";
import { readAnswer } from "../../shared/tunnel/delivery.ts";
import { NackCode, ResetCode } from "../../shared/tunnel/frame.ts";
import type { Session } from "../../shared/tunnel/session.ts";
import type { Stream } from "../../shared/tunnel/stream.ts";
import { logLine } from "../log.ts";
import { handOver, type Outcome } from "./hand-over.ts";
import { retryMs } from "./retry.ts";
import type { Spool, SpooledDelivery } from "./spool/spool.ts";

/** A spooled webhook that was sent and not answered is sent again after this. */
const RESEND_MS = 30_000;
/** A session that takes no streams has many others to end first. */
const BUSY_MS = 5_000;
/** How often the spool is looked over while there is nothing to do. */
const HOUSEKEEPING_MS = 6 * 3_600_000;
/** Bodies under way at once: all are in memory, of which there are 128 MB. */
const MAX_BYTES_IN_FLIGHT = 8 * 1024 * 1024;

export interface DrainHost {
  session(): Session | undefined;
  readonly spool: Spool;
  /** Wakes the relay at `at` (Unix ms) to go on, unless it will wake sooner. */
  wakeAt(at: number): void;
}

interface Flight {
  readonly size: number;
  readonly sentAt: number;
  readonly stream: Stream | undefined;
}

/** Brings what is in the spool to the core: few at a time, one of a lane, in order. */
export class Drain {
  readonly #host: DrainHost;
  /** Bodies that are still in our queue. */
  readonly #sending = new Set<Promise<void>>();
  /** With the core now, by number. */
  readonly #flights = new Map<number, Flight>();
  #bytes = 0;

  constructor(host: DrainHost) {
    this.#host = host;
  }

  /** Sends what may go now. Called when a core is ready, after each answer, and by the alarm. */
  run(now: number): void {
    try {
      this.#sendDue(now);
      this.rearm(now);
    } catch (error) {
      // Storage that fails must not cost us the tunnel, on which all else goes on.
      logLine("error", { event: "drain_failed", err: String(error) });
      this.#host.wakeAt(now + RESEND_MS);
    }
  }

  /** An answer to something sent before the relay slept. */
  lateAnswer(answer: "ack" | "nack", code: number, fields: Fields): void {
    const read = readAnswer(fields);
    const seq = Number(read.token);
    if (read.token === "" || !Number.isSafeInteger(seq)) return;
    try {
      const stored = this.#host.spool.read(seq);
      if (stored === undefined || stored.id !== read.id) return;
      const outcome = lateOutcome(answer, code, read);
      this.#settle({ ...stored, attempts: this.#host.spool.find(seq)?.attempts ?? 0 }, outcome);
    } catch (error) {
      // It is sent again, and answered again.
      logLine("error", { event: "late_answer_failed", err: String(error) });
    }
  }

  /** Settles when nothing waits in our own queue: until then the relay must not sleep. */
  async sent(): Promise<void> {
    await Promise.all(this.#sending);
  }

  /**
   * While anything waits there is an alarm: for the next retry, for what is never answered, or,
   * with no core to send to (its coming wakes us by itself), for what has waited too long.
   */
  rearm(now: number): void {
    const { spool } = this.#host;
    if (spool.items === 0 && spool.dead.size === 0) return;
    const latest = now + HOUSEKEEPING_MS;
    if (spool.items === 0 || this.#host.session() === undefined) {
      this.#host.wakeAt(latest);
      return;
    }
    const due = spool.nextDueAt(now) ?? latest;
    const isAnswerDue = this.#flights.size > 0 || due <= now;
    this.#host.wakeAt(isAnswerDue ? now + RESEND_MS : Math.min(due, latest));
  }

  #sendDue(now: number): void {
    this.#giveUp(now);
    const session = this.#host.session();
    if (session === undefined) return;
    while (session.open && this.#flights.size < LIMITS.maxDeliveriesInFlight) {
      const delivery = this.#host.spool.take(now, (size) => this.#fits(size));
      if (delivery === undefined) return;
      this.#send(session, delivery, now);
    }
  }

  #fits(size: number): boolean {
    return this.#flights.size === 0 || this.#bytes + size <= MAX_BYTES_IN_FLIGHT;
  }

  #send(session: Session, delivery: SpooledDelivery, now: number): void {
    const { seq, size, attempts } = delivery;
    const how = { token: String(seq), syncMs: 0, attempts };
    const { stream, outcome } = handOver(session, delivery, how);
    this.#flights.set(seq, { size, sentAt: now, stream });
    this.#bytes += size;
    const sent = stream?.drained();
    if (sent !== undefined) this.#track(sent);
    outcome
      .then((known) => this.#settle(delivery, known))
      .catch((error: unknown) =>
        logLine("error", { event: "delivery_failed", err: String(error) }),
      );
  }

  /**
   * The core commits in milliseconds: what it has had for so long, it does not answer any more. One
   * that is still on its way there is not late, only long.
   */
  #giveUp(now: number): void {
    for (const { stream, sentAt } of this.#flights.values()) {
      if (stream === undefined || stream.queued || now - sentAt < RESEND_MS) continue;
      stream.abort(ResetCode.deadline, "no answer to a webhook");
    }
  }

  #track(sent: Promise<void>): void {
    const tracked = sent.finally(() => this.#sending.delete(tracked));
    this.#sending.add(tracked);
  }

  #settle(delivery: SpooledDelivery, outcome: Outcome): void {
    const now = Date.now();
    this.#land(delivery.seq);
    this.#decide(delivery, outcome, now);
    this.run(now);
  }

  #land(seq: number): void {
    this.#bytes -= this.#flights.get(seq)?.size ?? 0;
    this.#flights.delete(seq);
  }

  #decide({ seq, id, keys, attempts }: SpooledDelivery, outcome: Outcome, now: number): void {
    const { spool } = this.#host;
    switch (outcome.result) {
      case "ack":
        spool.settle(seq, keys);
        break;
      case "poison":
        logLine("warn", { event: "webhook_dead", id, reason: outcome.reason });
        spool.bury(seq, outcome.reason, now);
        break;
      case "later":
        spool.postpone(
          seq,
          now + retryMs(attempts, outcome.retryAfterMs, Math.random),
          attempts + 1,
        );
        break;
      case "unknown":
        // A core that is there, and gave up on it, may do so again.
        if (this.#host.session()?.open === true) {
          spool.postpone(seq, now + retryMs(attempts, 0, Math.random), attempts + 1);
        } else {
          spool.putBack(seq, now);
        }
        break;
      case "unsent":
        spool.putBack(seq, now + BUSY_MS);
        break;
      case "lost":
        // To the next core, if there is one already.
        spool.putBack(seq, now);
        break;
    }
  }
}

function lateOutcome(
  answer: "ack" | "nack",
  code: number,
  read: ReturnType<typeof readAnswer>,
): Outcome {
  if (answer === "ack") return { result: "ack", answer: read };
  if (code === NackCode.poison) return { result: "poison", reason: read.reason };
  return { result: "later", retryAfterMs: read.retryAfterMs };
}
