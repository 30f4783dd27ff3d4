import { GatewayError } from "../../shared/errors.ts";
import type { Delivery } from "../tunnel/handlers.ts";

/** The relay has its own copy by then: a try that takes longer is not worth waiting for. */
const TIMEOUT_MS = 60_000;
/** Ids of webhooks that the upstream has: what comes again while an answer was lost. */
const MAX_REMEMBERED = 10_000;
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
  readonly #underWay = new Map<string, Promise<void>>();
  /** In order of arrival: the oldest is forgotten first. */
  readonly #arrived = new Set<string>();

  constructor(target: WebhookTarget) {
    this.#target = target;
  }

  /**
   * Resolves once the upstream has answered 2xx.
   *
   * @throws GatewayError `invalid_request` when the upstream will never take it, others for later.
   */
  async deliver(delivery: Delivery): Promise<"committed" | "duplicate"> {
    const { id } = delivery;
    if (this.#arrived.has(id)) return "duplicate";
    const already = this.#underWay.get(id);
    if (already !== undefined) {
      await already;
      return "duplicate";
    }
    const post = this.#post(delivery);
    this.#underWay.set(id, post);
    try {
      await post;
    } finally {
      this.#underWay.delete(id);
    }
    this.#remember(id);
    return "committed";
  }

  async #post(delivery: Delivery): Promise<void> {
    const headers = new Headers(delivery.headers);
    headers.set("Content-Length", String(delivery.body.byteLength));
    // The sender's own key is among its headers; without one this tells two tries of the same.
    if (!headers.has("Idempotency-Key")) headers.set("Idempotency-Key", delivery.id);
    const request = new Request(new URL(`/hooks/${delivery.route}`, this.#target.url), {
      method: "POST",
      headers,
      body: new Uint8Array(delivery.body),
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    const response = await this.#target.fetch(request, delivery.requestId);
    await response.body?.cancel();
    const fault = faultOf(response.status, response.headers.get("Retry-After"));
    if (fault !== undefined) throw fault;
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
