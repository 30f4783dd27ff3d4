import { GatewayError } from "../../shared/errors.ts";
import { LIMITS } from "../../shared/limits.ts";
import type { SyncAnswer } from "../../shared/tunnel/delivery.ts";
import type { Delivered, Delivery } from "../tunnel/handlers.ts";
import { firstBytes } from "../webhooks/first-bytes.ts";

/** The relay has its own copy by then: a try that takes longer is not worth waiting for. */
const TIMEOUT_MS = 60_000;
/** Ids of webhooks that the upstream has: what comes again while an answer was lost. */
const MAX_REMEMBERED = 10_000;
/** What it answered to those whose sender waits: they come again within seconds, or never. */
const MAX_ANSWERS = 64;
/** Of the time a sender waits, kept for the way back to it. */
const SYNC_MARGIN_MS = 250;
/** When to ask again for what the upstream had not answered in time: it may have by then. */
const LATE_RETRY_MS = 5_000;
/** Longest wait that the upstream may ask for. */
const MAX_RETRY_AFTER_MS = 3_600_000;

/** The upstream may think otherwise of the same request later: it is not the request's fault. */
const LATER: ReadonlySet<number> = new Set([408, 409, 425, 429]);

export interface WebhookTarget {
  /** Asks the upstream; resolves to an answer of any status. */
  fetch(request: Request, requestId: string): Promise<Response>;
  readonly url: URL;
}

/**
 * Hands webhooks to the upstream. One that is under way, or known to have arrived, is not sent
 * again: the relay comes back with it when an answer is late or was lost.
 */
export class Webhooks {
  readonly #target: WebhookTarget;
  readonly #underWay = new Map<string, Promise<SyncAnswer>>();
  /** In order of arrival: the oldest is forgotten first. */
  readonly #arrived = new Set<string>();
  readonly #answers = new Map<string, SyncAnswer>();

  constructor(target: WebhookTarget) {
    this.#target = target;
  }

  /**
   * Resolves once the upstream has answered 2xx; for a sender that waits, with its answer.
   *
   * @throws GatewayError `invalid_request` when the upstream will never take it, others for later.
   */
  async deliver(delivery: Delivery): Promise<Delivered> {
    const { id, syncMs } = delivery;
    if (this.#arrived.has(id)) return this.#answers.get(id) ?? "duplicate";
    const already = this.#underWay.get(id);
    const post = already ?? this.#begin(delivery);
    if (syncMs > 0) return inTime(post, Math.max(0, syncMs - SYNC_MARGIN_MS));
    await post;
    return already === undefined ? "committed" : "duplicate";
  }

  #begin(delivery: Delivery): Promise<SyncAnswer> {
    const { id, syncMs } = delivery;
    const post = this.#post(delivery)
      .then((answer) => {
        this.#remember(id);
        if (syncMs > 0) this.#keepAnswer(id, answer);
        return answer;
      })
      .finally(() => this.#underWay.delete(id));
    this.#underWay.set(id, post);
    // Whoever waits for it hears of a failure; when nobody does any more, there is a next try.
    post.catch(() => undefined);
    return post;
  }

  async #post(delivery: Delivery): Promise<SyncAnswer> {
    const headers = new Headers(delivery.headers);
    headers.set("Content-Length", String(delivery.body.byteLength));
    // The sender's own key is among its headers; without one this tells two tries of the same.
    if (!headers.has("Idempotency-Key")) headers.set("Idempotency-Key", delivery.id);
    const address = new URL(`/hooks/${delivery.route}`, this.#target.url);
    address.search = delivery.query;
    const request = new Request(address, {
      method: delivery.method,
      headers,
      body: delivery.body,
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    const response = await this.#target.fetch(request, delivery.requestId);
    const isWaitedFor = delivery.syncMs > 0;
    const body = await firstBytes(response, isWaitedFor ? LIMITS.maxSyncAnswerBytes : 0);
    const fault = faultOf(response.status, response.headers.get("Retry-After"));
    // Who waits is told what the upstream thinks of it; nobody else would be.
    if (fault !== undefined && !(isWaitedFor && fault.code === "invalid_request")) throw fault;
    const contentType = response.headers.get("Content-Type") ?? "";
    return { status: response.status, contentType, body };
  }

  #keepAnswer(id: string, answer: SyncAnswer): void {
    this.#answers.set(id, answer);
    if (this.#answers.size <= MAX_ANSWERS) return;
    for (const oldest of this.#answers.keys()) {
      this.#answers.delete(oldest);
      return;
    }
  }

  #remember(id: string): void {
    this.#arrived.add(id);
    if (this.#arrived.size <= MAX_REMEMBERED) return;
    for (const oldest of this.#arrived) {
      this.#arrived.delete(oldest);
      return;
    }
  }
}

/** @throws GatewayError `overloaded` when it takes longer. */
async function inTime(post: Promise<SyncAnswer>, ms: number): Promise<SyncAnswer> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    const retryAfterMs = LATE_RETRY_MS;
    late.reject(new GatewayError("overloaded", "The upstream is slow", { retryAfterMs }));
  }, ms);
  try {
    return await Promise.race([post, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}

/** What the upstream's answer to a webhook means; undefined: it has it. Pure. */
export function faultOf(status: number, retryAfter: string | null): GatewayError | undefined {
  if (status >= 200 && status < 300) return undefined;
  const message = `The upstream answered with status ${status}`;
  if (status >= 400 && status < 500 && !LATER.has(status)) {
    return new GatewayError("invalid_request", message);
  }
  const seconds = Number(retryAfter ?? Number.NaN);
  const retryAfterMs =
    Number.isFinite(seconds) && seconds >= 0
      ? Math.min(seconds * 1_000, MAX_RETRY_AFTER_MS)
      : undefined;
  return new GatewayError("overloaded", message, { retryAfterMs });
}
