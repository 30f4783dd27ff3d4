import { concat } from "../../../shared/bytes.ts";
import { GatewayError } from "../../../shared/errors.ts";
import { LIMITS } from "../../../shared/limits.ts";
import { encodeAnswer, readDelivery } from "../../../shared/tunnel/delivery.ts";
import type { Fields } from "../../../shared/tunnel/fields.ts";
import { FrameType, NackCode, ResetCode } from "../../../shared/tunnel/frame.ts";
import type { Stream } from "../../../shared/tunnel/stream.ts";
import type { Delivery } from "../handlers.ts";
import { count, observe } from "../metrics.ts";
import type { Service } from "./service.ts";

/** The core could not say when to try again. */
const RETRY_AFTER_MS = 5_000;
/** Bodies of webhooks in memory: a few of the longest there are, or very many as they usually are. */
const MAX_HELD_BYTES = 96 * 1024 * 1024;
/** When there may be room again: so long takes a disk for a few long ones. */
const FULL_RETRY_MS = 2_000;
/** Routes counted apart; no core has as many. */
const MAX_COUNTED = 256;

/** Collects a webhook, has it committed, and says so. */
export function takeDelivery(stream: Stream, fields: Fields, service: Service): void {
  const { metrics, log } = service;
  const head = readDelivery(fields);
  if (!head.ok) {
    count(metrics.resets, ResetCode.protocol);
    stream.reset(ResetCode.protocol, "bad delivery head");
    return;
  }
  const { token, ...rest } = head.value;
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  const release = (): void => {
    chunks.length = 0;
    metrics.heldBytes -= bytes;
    bytes = 0;
  };
  const take = (chunk: Uint8Array): void => {
    if (bytes + chunk.byteLength > LIMITS.maxWebhookBytes) {
      release();
      stream.reset(ResetCode.tooLarge, "webhook too large");
    } else if (metrics.heldBytes + chunk.byteLength > MAX_HELD_BYTES) {
      release();
      refuse({ stream, token, id: rest.id }, "the core holds as much as it can");
    } else {
      bytes += chunk.byteLength;
      metrics.heldBytes += chunk.byteLength;
      chunks.push(chunk);
      stream.consume(chunk.byteLength);
    }
  };
  stream.listen((event) => {
    if (event.type === "data") take(event.bytes);
    else if (event.type === "reset") {
      release();
      count(metrics.resets, event.code);
    } else if (event.type === "end") {
      const delivery = { ...rest, body: concat(chunks) };
      chunks.length = 0;
      commit({ stream, token, delivery }, service)
        .catch((err: unknown) => {
          log.error({ err, id: rest.id }, "webhook could not be answered");
          stream.reset(ResetCode.coreError, "no answer");
        })
        .finally(release);
    }
  });
}

/** Not now: nothing of it is kept, and it will come again. */
function refuse(
  { stream, token, id }: { stream: Stream; token: string; id: string },
  reason: string,
): void {
  const refusal = { id, token, duplicate: false, retryAfterMs: FULL_RETRY_MS, reason };
  stream.answer(FrameType.nack, encodeAnswer(refusal), NackCode.later);
}

interface Item {
  readonly stream: Stream;
  /** The relay's, to go back with the answer. */
  readonly token: string;
  readonly delivery: Delivery;
}

async function commit(item: Item, service: Service): Promise<void> {
  const { metrics } = service;
  const { route, receivedAt } = item.delivery;
  metrics.open.delivery += 1;
  try {
    const result = await answer(item, service);
    const { deliveries } = metrics;
    count(deliveries, `${deliveries.size < MAX_COUNTED ? route : "other"} ${result}`);
    if (result === "duplicate") metrics.dedupeHits += 1;
    observe(metrics.deliveryLag, Math.max(0, service.edgeNow() - receivedAt) / 1_000);
  } finally {
    metrics.open.delivery -= 1;
  }
}

async function answer(
  { stream, token, delivery }: Item,
  { handlers, log }: Service,
): Promise<"committed" | "duplicate" | "poison" | "later"> {
  const { id } = delivery;
  const plain = { id, token, duplicate: false, retryAfterMs: 0, reason: "" };
  try {
    const result = await handlers.deliver(delivery);
    const sync = typeof result === "string" ? undefined : result;
    const duplicate = result === "duplicate";
    stream.answer(FrameType.ack, encodeAnswer({ ...plain, duplicate, sync }));
    return duplicate ? "duplicate" : "committed";
  } catch (err) {
    const { code, ...why } = refusalOf(err);
    const poison = code === NackCode.poison;
    const { route, requestId } = delivery;
    log.warn({ err, id, route, requestId, poison }, "webhook not accepted");
    stream.answer(FrameType.nack, encodeAnswer({ ...plain, ...why }), code);
    return poison ? "poison" : "later";
  }
}

/** What the relay is told of a webhook that was not taken. */
function refusalOf(err: unknown): {
  readonly code: (typeof NackCode)[keyof typeof NackCode];
  readonly retryAfterMs: number;
  readonly reason: string;
} {
  if (!(err instanceof GatewayError)) {
    const reason = "the core could not keep it";
    return { code: NackCode.later, retryAfterMs: RETRY_AFTER_MS, reason };
  }
  const { code, retryAfterMs = RETRY_AFTER_MS, message: reason } = err;
  const isPoison = code === "invalid_request" || code === "not_found";
  return { code: isPoison ? NackCode.poison : NackCode.later, retryAfterMs, reason };
}
