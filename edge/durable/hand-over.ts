import { type DeliveryAnswer, deliveryFields, readAnswer } from "../../shared/tunnel/delivery.ts";
import { encodeFields, type Fields } from "../../shared/tunnel/fields.ts";
import { NackCode, ResetCode } from "../../shared/tunnel/frame.ts";
import type { Session } from "../../shared/tunnel/session.ts";
import type { Stream } from "../../shared/tunnel/stream.ts";
import type { NewDelivery } from "./spool/tables.ts";

/** What became of handing a webhook to the core. */
export type Outcome =
  | { readonly result: "ack"; readonly answer: DeliveryAnswer }
  | { readonly result: "later"; readonly retryAfterMs: number }
  | { readonly result: "poison"; readonly reason: string }
  /** No answer: it may or may not be committed there. The core knows its id. */
  | { readonly result: "unknown" }
  /** The same, and that connection is gone. */
  | { readonly result: "lost" }
  /** The session takes no more streams now. */
  | { readonly result: "unsent" };

export interface Sent {
  /** Undefined when the session would not take it. */
  readonly stream: Stream | undefined;
  readonly outcome: Promise<Outcome>;
}

/** What of a webhook differs from try to try. */
export interface Try {
  /** Comes back with the answer. */
  readonly token: string;
  /** How long its sender waits for the core's answer; 0: not. */
  readonly syncMs: number;
  readonly attempts: number;
}

const RESET_OUTCOMES: ReadonlyMap<number, Outcome> = new Map([
  [ResetCode.refused, { result: "later", retryAfterMs: 0 }],
  [ResetCode.lost, { result: "lost" }],
]);

/** Hands one webhook to the core; the outcome is what it says. */
export function handOver(session: Session, delivery: NewDelivery, how: Try): Sent {
  const { headers, body, keys: _, ...head } = delivery;
  const fields = deliveryFields({ ...head, ...how }, headers);
  const stream = session.openStream("delivery", fields, body.byteLength === 0);
  if (stream === undefined) return { stream, outcome: Promise.resolve(whyUnsent(fields)) };
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

/** A head that cannot be written would never be: its lane must not wait for it. */
function whyUnsent(fields: Fields): Outcome {
  const encoded = encodeFields(fields);
  return encoded.ok
    ? { result: "unsent" }
    : { result: "poison", reason: `headers: ${encoded.error.reason}` };
}
