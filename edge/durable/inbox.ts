import { backoffMs } from "../../shared/backoff.ts";
import { GatewayError } from "../../shared/errors.ts";
import { LIMITS } from "../../shared/limits.ts";
import {
  type DeliveryAnswer,
  deliveryFields,
  deliveryHeaders,
  readAnswer,
} from "../../shared/tunnel/delivery.ts";
import type { Fields } from "../../shared/tunnel/fields.ts";
import { NackCode, ResetCode } from "../../shared/tunnel/frame.ts";
import type { Session } from "../../shared/tunnel/session.ts";
import type { Stream } from "../../shared/tunnel/stream.ts";
import { logLine } from "../log.ts";
import type { CallOf, DeliverAnswer } from "../relay-call.ts";
import type { NewDelivery, Spool, SpooledDelivery } from "./spool.ts";

/** What became of handing a webhook to the core. */
type Outcome =
  | { readonly result: "ack"; readonly answer: DeliveryAnswer }
  | { readonly result: "later"; readonly retryAfterMs: number }
  | { readonly result: "poison"; readonly reason: string }
  /** No answer: it may or may not be committed there. The core knows its id. */
  | { readonly result: "unknown" }
  /** The same, and that connection is gone. */
  | { readonly result: "lost" };

/** A spooled webhook that was sent and not answered is sent again after this. */
const RESEND_MS = 30_000;
/** How often the spool is looked over while no core is there. */
const HOUSEKEEPING_MS = 6 * 3_600_000;
const RETRY = { baseMs: 1_000, maxMs: 3_600_000 };

export interface InboxHost {
  session(): Session | undefined;
  spool: Spool;
  /** Wakes the relay at `at` (Unix ms) to go on, unless it will wake sooner. */
  wakeAt(at: number): void;
}

/**
 * Webhooks on their way to the core: at once when it is there and quick, through the spool when
 * it is not. Order is kept within a lane; nothing is answered 2xx without a durable copy.
 */
export class Inbox {
  readonly #host: InboxHost;
  /** Bodies that are still in our queue. */
  readonly #sending = new Set<Promise<void>>();
  /** Spooled ones that are with the core now: seq by lane. */
  readonly #inFlight = new Map<string, number>();

  constructor(host: InboxHost) {
    this.#host = host;
  }

  /** @throws GatewayError `spool_full`: the sender must keep it; `invalid_request`: the core refused it for good. */
  async accept(
    call: CallOf<"deliver">,
    headers: Headers,
    body: Uint8Array<ArrayBuffer>,
  ): Promise<DeliverAnswer> {
    const delivery: NewDelivery = {
      id: call.deliveryId,
      route: call.route,
      lane: call.lane,
      receivedAt: call.receivedAt,
      requestId: call.requestId,
      headers: deliveryHeaders(headers),
      body,
    };
    const session = this.#host.session();
    if (session?.open !== true || this.#host.spool.hasLane(delivery.lane)) {
      return this.#keep(delivery, 0);
    }
    const outcome = await withDeadline(session, delivery);
    if (outcome.result === "ack") {
      return { result: outcome.answer.duplicate ? "duplicate" : "committed" };
    }
    if (outcome.result === "poison") throw new GatewayError("invalid_request", outcome.reason);
    const isLater = outcome.result === "later";
    const kept = this.#keep(delivery, isLater ? Date.now() + retryMs(0, outcome.retryAfterMs) : 0);
    // To the next core, if there is one already.
    if (outcome.result === "lost") this.drain(Date.now());
    return kept;
  }

  /** Sends what may go now. Called when a core is ready, after each answer, and by the alarm. */
  drain(now: number): void {
    try {
      this.#sendDue(now);
    } catch (error) {
      // A row that cannot be read must not cost us the tunnel, on which all else goes on.
      logLine("error", { event: "drain_failed", err: String(error) });
      this.#host.wakeAt(now + RESEND_MS);
    }
  }

  #sendDue(now: number): void {
    const session = this.#host.session();
    const { spool } = this.#host;
    if (session?.open !== true || spool.items === 0) {
      this.#rearm(now);
      return;
    }
    const room = LIMITS.maxDeliveriesInFlight - this.#inFlight.size;
    for (const delivery of spool.due(now, new Set(this.#inFlight.keys()), room)) {
      this.#inFlight.set(delivery.lane, delivery.seq);
      const { stream, outcome } = send(session, delivery, String(delivery.seq));
      const sent = stream?.drained();
      if (sent !== undefined) this.#track(sent);
      outcome
        .then((known) => this.#settle(delivery, known))
        .catch((error: unknown) =>
          logLine("error", { event: "delivery_failed", err: String(error) }),
        );
    }
    this.#rearm(now);
  }

  /** An answer to something sent before the relay slept. */
  lateAnswer(answer: "ack" | "nack", code: number, fields: Fields): void {
    const read = readAnswer(fields);
    const seq = Number(read.token);
    if (read.token === "" || !Number.isSafeInteger(seq)) return;
    if (answer === "ack") this.#host.spool.remove(seq);
    else if (code === NackCode.poison) this.#host.spool.bury(seq, read.reason);
    else this.#host.spool.postpone(seq, Date.now() + read.retryAfterMs);
    this.drain(Date.now());
  }

  /** Settles when nothing waits in our own queue: until then the relay must not sleep. */
  async sent(): Promise<void> {
    await Promise.all(this.#sending);
  }

  /** The core is gone: what it had will be sent to the next one. */
  coreLost(): void {
    this.#inFlight.clear();
  }

  #track(sent: Promise<void>): void {
    const tracked = sent.finally(() => this.#sending.delete(tracked));
    this.#sending.add(tracked);
  }

  #keep(delivery: NewDelivery, notBefore: number): DeliverAnswer {
    if (!this.#added(delivery, notBefore)) {
      throw new GatewayError("spool_full", "Too many webhooks are waiting for the core", {
        retryAfterMs: 60_000,
      });
    }
    logLine("info", { event: "webhook_spooled", route: delivery.route, id: delivery.id });
    this.#rearm(Date.now());
    return { result: "spooled" };
  }

  /** @throws GatewayError `overloaded` when the storage fails: the sender must keep it. */
  #added(delivery: NewDelivery, notBefore: number): boolean {
    try {
      return this.#host.spool.add(delivery, notBefore);
    } catch (cause) {
      logLine("error", { event: "spool_failed", err: String(cause) });
      throw new GatewayError("overloaded", "The webhook could not be written down", {
        cause,
        retryAfterMs: RESEND_MS,
      });
    }
  }

  #settle(delivery: SpooledDelivery, outcome: Outcome): void {
    if (this.#inFlight.get(delivery.lane) === delivery.seq) this.#inFlight.delete(delivery.lane);
    const { spool } = this.#host;
    const now = Date.now();
    switch (outcome.result) {
      case "ack":
        spool.remove(delivery.seq);
        break;
      case "poison":
        logLine("warn", { event: "webhook_dead", id: delivery.id, reason: outcome.reason });
        spool.bury(delivery.seq, outcome.reason);
        break;
      case "later":
        spool.postpone(delivery.seq, now + retryMs(delivery.attempts, outcome.retryAfterMs));
        break;
      case "unknown":
        // No core any more, most likely: that is no fault of the webhook and costs it no attempt.
        this.#rearm(now);
        return;
      case "lost":
        // To the next core, if there is one already.
        break;
    }
    this.drain(now);
  }

  /**
   * While anything waits there is an alarm: for the next retry, for what is never answered, or,
   * with no core to send to (its coming wakes us by itself), for what has waited too long.
   */
  #rearm(now: number): void {
    const due = this.#host.spool.nextDueAt();
    if (due === undefined) return;
    if (this.#host.session() === undefined) {
      this.#host.wakeAt(now + HOUSEKEEPING_MS);
      return;
    }
    const answerDue = this.#inFlight.size > 0 || due <= now;
    this.#host.wakeAt(answerDue ? now + RESEND_MS : due);
  }
}

/** When to try again after so many attempts: as the core wishes, and later each time. */
function retryMs(attempts: number, wishMs: number): number {
  return Math.max(wishMs, backoffMs(Math.min(attempts, 30), Math.random, RETRY));
}

const RESET_OUTCOMES: ReadonlyMap<number, Outcome> = new Map([
  [ResetCode.refused, { result: "later", retryAfterMs: 0 }],
  [ResetCode.lost, { result: "lost" }],
]);

interface Sent {
  /** Undefined when the session would not take it. */
  readonly stream: Stream | undefined;
  readonly outcome: Promise<Outcome>;
}

/** Hands one webhook to the core and waits for what it says. */
function send(session: Session, delivery: NewDelivery, token: string): Sent {
  const { id, route, lane, receivedAt, requestId, headers, body } = delivery;
  const fields = deliveryFields({ id, route, lane, receivedAt, requestId, token }, headers);
  const stream = session.openStream("delivery", fields, body.byteLength === 0);
  if (stream === undefined) return { stream, outcome: Promise.resolve({ result: "unknown" }) };
  const { promise: outcome, resolve } = Promise.withResolvers<Outcome>();
  stream.listen((event) => {
    if (event.type === "ack") {
      resolve({ result: "ack", answer: readAnswer(event.fields) });
    } else if (event.type === "nack") {
      const { reason, retryAfterMs } = readAnswer(event.fields);
      resolve(
        event.code === NackCode.poison
          ? { result: "poison", reason }
          : { result: "later", retryAfterMs },
      );
    } else if (event.type === "reset") {
      resolve(RESET_OUTCOMES.get(event.code) ?? { result: "unknown" });
    }
  });
  if (body.byteLength > 0) {
    stream.write(body);
    stream.end();
  }
  return { stream, outcome };
}

/** The sender waits for us: a core that is slower than this gets it from the spool. */
async function withDeadline(session: Session, delivery: NewDelivery): Promise<Outcome> {
  const { promise, resolve } = Promise.withResolvers<Outcome>();
  // The webhook's own request keeps the relay awake while this runs, so the timer costs nothing.
  // oxlint-disable-next-line no-restricted-globals -- see above; cleared below
  const timer = setTimeout(() => resolve({ result: "unknown" }), LIMITS.deliverTimeoutMs);
  try {
    const { stream, outcome } = send(session, delivery, "");
    const first = await Promise.race([outcome, promise]);
    // Half a webhook may not stay in the queue of a relay that falls asleep now.
    if (first.result === "unknown" && stream?.queued === true) stream.reset(ResetCode.deadline);
    return first;
  } finally {
    clearTimeout(timer);
  }
}
