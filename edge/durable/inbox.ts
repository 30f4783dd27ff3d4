import { toBase64Url } from "../../shared/bytes.ts";
import { GatewayError } from "../../shared/errors.ts";
import { LIMITS } from "../../shared/limits.ts";
import {
  deliveryHeaders,
  type DeliveryAnswer,
  uncheckedHeaders,
} from "../../shared/tunnel/delivery.ts";
import { ResetCode } from "../../shared/tunnel/frame.ts";
import type { Session } from "../../shared/tunnel/session.ts";
import { logLine } from "../log.ts";
import type { CallOf, DeliverAnswer } from "../relay-call.ts";
import type { Drain, DrainHost } from "./drain.ts";
import { handOver, type Outcome, type Try } from "./hand-over.ts";
import type { Outage } from "./outage.ts";
import { RateLimiter } from "./rate-limiter.ts";
import { retryMs } from "./retry.ts";
import { keysOf } from "./spool/key-table.ts";
import type { NewDelivery } from "./spool/tables.ts";
import type { WebhookStats } from "./webhook-stats.ts";

type Call = CallOf<"deliver">;

/** Sender and core are told to come back after this when storage fails. */
const STORAGE_RETRY_MS = 30_000;
const FULL_RETRY_MS = 60_000;
/** What a sender waits on beyond the core's own deadline: both ways through the tunnel. */
const SYNC_MARGIN_MS = 250;

export interface InboxHost extends DrainHost {
  readonly drain: Drain;
  readonly outage: Outage;
  readonly stats: WebhookStats;
  /** What sockets carry through a sleep has changed. */
  changed(): void;
}

/**
 * Webhooks on their way to the core: at once when it is there and quick, through the spool when
 * it is not, or when their route says so. Order is kept within a lane, what is known is not taken
 * twice, and nothing is answered 2xx without a durable copy.
 */
export class Inbox {
  readonly #host: InboxHost;
  readonly #limiter = new RateLimiter();

  constructor(host: InboxHost) {
    this.#host = host;
  }

  /**
   * @throws GatewayError `rate_limited`: more than the route takes; `spool_full` or `overloaded`: the
   *   sender must keep it; `invalid_request`: the core refused it for good.
   */
  async accept(
    call: Call,
    headers: Headers,
    body: Uint8Array<ArrayBuffer>,
  ): Promise<DeliverAnswer> {
    const { stats } = this.#host;
    stats.refuse(call.refused ?? []);
    this.#checkRate(call);
    const delivery = await newDelivery(call, headers, body);
    try {
      const answer = this.#isKnown(delivery)
        ? ({ result: "duplicate" } as const)
        : await this.#deliver(call, delivery);
      if (answer.result === "duplicate") stats.duplicates += 1;
      else stats.accepted += 1;
      return answer;
    } finally {
      this.#host.changed();
    }
  }

  #checkRate({ route, rate }: Call): void {
    if (rate === undefined) return;
    const { allowed, retryAfterMs } = this.#limiter.spend(route, rate, Date.now());
    if (allowed) return;
    this.#host.stats.refuse([{ route, reason: "rate_limited", count: 1 }]);
    throw new GatewayError("rate_limited", "More webhooks than this route takes", { retryAfterMs });
  }

  /** All of it is durably somewhere. */
  #isKnown({ keys }: NewDelivery): boolean {
    return keys.length > 0 && this.#host.spool.seen.unknown(keys).length === 0;
  }

  async #deliver(call: Call, delivery: NewDelivery): Promise<DeliverAnswer> {
    const session = this.#host.session();
    const isBehind = this.#host.spool.isBehind(delivery.items.map(({ lane }) => lane));
    if (session?.open !== true || isBehind || call.mode === "durable") {
      const kept = this.#keep(call, delivery, 0, 0);
      if (session?.open === true) this.#host.drain.run(Date.now());
      return kept;
    }
    return this.#settled(call, delivery, await tryNow(session, delivery, call));
  }

  #settled(call: Call, delivery: NewDelivery, outcome: Outcome): DeliverAnswer {
    const { seen } = this.#host.spool;
    switch (outcome.result) {
      case "ack":
        seen.committed(seen.unknown(delivery.keys));
        return answered(outcome.answer);
      case "poison":
        throw new GatewayError("invalid_request", outcome.reason);
      case "later": {
        const waitMs = retryMs(0, outcome.retryAfterMs, Math.random);
        return this.#keep(call, delivery, Date.now() + waitMs, 1);
      }
      case "unknown":
      case "unsent":
        return this.#keep(call, delivery, 0, 0);
      case "lost": {
        const kept = this.#keep(call, delivery, 0, 0);
        // To the next core, if there is one already.
        this.#host.drain.run(Date.now());
        return kept;
      }
    }
  }

  #keep(call: Call, delivery: NewDelivery, notBefore: number, attempts: number): DeliverAnswer {
    // The same may have come meanwhile on another connection of the sender.
    if (this.#isKnown(delivery)) return { result: "duplicate" };
    if (!this.#added(delivery, notBefore, attempts)) {
      throw new GatewayError("spool_full", "Too many webhooks are waiting for the core", {
        retryAfterMs: FULL_RETRY_MS,
      });
    }
    const { stats, drain, outage } = this.#host;
    stats.spooledTotal += 1;
    logLine("info", { event: "webhook_spooled", route: delivery.route, id: delivery.id });
    const now = Date.now();
    drain.rearm(now);
    const isAway = this.#host.session() === undefined;
    const outageMs = isAway ? outage.toTell(call.outageAfterMs, now) : undefined;
    return { result: "spooled", ...(outageMs === undefined ? {} : { outageMs }) };
  }

  /** @throws GatewayError `overloaded` when the storage fails: the sender must keep it. */
  #added(delivery: NewDelivery, notBefore: number, attempts: number): boolean {
    try {
      return this.#host.spool.add(delivery, notBefore, attempts);
    } catch (cause) {
      logLine("error", { event: "spool_failed", err: String(cause) });
      throw new GatewayError("overloaded", "The webhook could not be written down", {
        cause,
        retryAfterMs: STORAGE_RETRY_MS,
      });
    }
  }
}

async function newDelivery(
  call: Call,
  headers: Headers,
  body: Uint8Array<ArrayBuffer>,
): Promise<NewDelivery> {
  const { route, items, receivedAt, requestId, verified, secret, method, query, ip } = call;
  return {
    id: call.deliveryId,
    route,
    items,
    receivedAt,
    requestId,
    verified,
    secret,
    method,
    query,
    ip,
    body,
    headers:
      verified === "" ? uncheckedHeaders(headers) : deliveryHeaders(headers, call.secretHeader),
    // What nobody has verified says nothing: a stranger could make the real one a duplicate.
    keys: verified === "" ? [] : await keysOf(items.map(({ id }) => id)),
  };
}

function answered({ duplicate, sync }: DeliveryAnswer): DeliverAnswer {
  const result = duplicate ? "duplicate" : "committed";
  if (sync === undefined) return { result };
  const { status, contentType } = sync;
  return { result, sync: { status, contentType, body: toBase64Url(sync.body) } };
}

/** The sender waits for us: a core that is slower than it can wait gets it from the spool. */
async function tryNow(session: Session, delivery: NewDelivery, call: Call): Promise<Outcome> {
  const { deadlineMs, ...how } = patience(call);
  const { promise, resolve } = Promise.withResolvers<Outcome>();
  // The webhook's own request keeps the relay awake while this runs, so the timer costs nothing.
  // oxlint-disable-next-line no-restricted-globals -- see above; cleared below
  const timer = setTimeout(() => resolve({ result: "unknown" }), deadlineMs);
  try {
    const { stream, outcome } = handOver(session, delivery, how);
    const first = await Promise.race([outcome, promise]);
    // Half a webhook may not stay in the queue of a relay that falls asleep now.
    if (first.result === "unknown" && stream?.queued === true) stream.reset(ResetCode.deadline);
    return first;
  } finally {
    clearTimeout(timer);
  }
}

function patience({ mode, syncMs }: Call): Try & { readonly deadlineMs: number } {
  const how = { token: "", attempts: 0 };
  if (mode !== "sync") return { ...how, syncMs: 0, deadlineMs: LIMITS.deliverTimeoutMs };
  const deadlineMs = Math.min(Math.max(syncMs, SYNC_MARGIN_MS * 2), LIMITS.maxSyncMs);
  return { ...how, syncMs: deadlineMs - SYNC_MARGIN_MS, deadlineMs };
}
