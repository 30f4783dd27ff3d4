import { concat } from "../../shared/bytes.ts";
import { GatewayError } from "../../shared/errors.ts";
import { LIMITS } from "../../shared/limits.ts";
import { encodeAnswer, readDelivery } from "../../shared/tunnel/delivery.ts";
import type { Fields } from "../../shared/tunnel/fields.ts";
import { FrameType, NackCode, ResetCode } from "../../shared/tunnel/frame.ts";
import type { Stream } from "../../shared/tunnel/stream.ts";
import type { Delivery } from "./handlers.ts";
import { count, observe } from "./metrics.ts";
import type { Service } from "./service.ts";

/** The core could not say when to try again. */
const RETRY_AFTER_MS = 5_000;
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
  stream.listen((event) => {
    if (event.type === "data") {
      bytes += event.bytes.byteLength;
      if (bytes > LIMITS.maxWebhookBytes) stream.reset(ResetCode.tooLarge, "webhook too large");
      else chunks.push(event.bytes);
      stream.consume(event.bytes.byteLength);
    } else if (event.type === "reset") {
      count(metrics.resets, event.code);
    } else if (event.type === "end") {
      const delivery = { ...rest, body: concat(chunks) };
      commit({ stream, token, delivery }, service).catch((err: unknown) => {
        log.error({ err, id: rest.id }, "webhook could not be answered");
        stream.reset(ResetCode.coreError, "no answer");
      });
    }
  });
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
    stream.answer(FrameType.ack, encodeAnswer({ ...plain, duplicate: result === "duplicate" }));
    return result;
  } catch (err) {
    const known = err instanceof GatewayError ? err : undefined;
    const poison = known?.code === "invalid_request" || known?.code === "not_found";
    log.warn({ err, id, route: delivery.route, poison }, "webhook not accepted");
    const refusal = {
      ...plain,
      retryAfterMs: known?.retryAfterMs ?? RETRY_AFTER_MS,
      reason: known?.message ?? "the core could not keep it",
    };
    const code = poison ? NackCode.poison : NackCode.later;
    stream.answer(FrameType.nack, encodeAnswer(refusal), code);
    return poison ? "poison" : "later";
  }
}
