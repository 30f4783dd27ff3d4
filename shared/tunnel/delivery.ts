/** Webhooks as heads of delivery streams, and their answers. Pure. Rules: protocol.md, section 11. */
import { err, ok, type Result } from "../result.ts";
import { encodeFields, type Fields, fieldOf } from "./fields.ts";
import { readHeaders } from "./http.ts";

export interface DeliveryHead {
  /** The sender's id of the event: the same for every try. */
  readonly id: string;
  readonly route: string;
  readonly lane: string;
  /** Unix ms at the edge. */
  readonly receivedAt: number;
  readonly requestId: string;
  /** What the relay wants back with the answer: its own key of a spooled delivery, or "". */
  readonly token: string;
  readonly headers: Headers;
}

/** Credentials have done their work at the edge: they are neither stored nor forwarded. */
const CREDENTIALS: ReadonlySet<string> = new Set([
  "authorization",
  "cookie",
  "x-telegram-bot-api-secret-token",
  "x-openclaw-token",
]);
const DROPPED_PREFIXES = ["x-gw-", "cf-", "x-forwarded-"];

/** The headers of a webhook that are kept. */
export function deliveryHeaders(headers: Headers): [string, string][] {
  return [...headers].filter(
    ([name]) =>
      !CREDENTIALS.has(name) && !DROPPED_PREFIXES.some((prefix) => name.startsWith(prefix)),
  );
}

/** @param headers - As `deliveryHeaders` gave them. */
export function deliveryFields(
  head: Omit<DeliveryHead, "headers">,
  headers: readonly (readonly [string, string])[],
): Fields {
  return [
    [":id", head.id],
    [":route", head.route],
    [":lane", head.lane],
    [":received-at", String(head.receivedAt)],
    [":request-id", head.requestId],
    [":token", head.token],
    ...headers,
  ];
}

/** Reads what `deliveryFields` wrote. */
export function readDelivery(fields: Fields): Result<DeliveryHead, { readonly reason: string }> {
  const headers = readHeaders(fields);
  const receivedAt = Number(fieldOf(fields, ":received-at"));
  const [id, route, lane, requestId, token] = [
    ":id",
    ":route",
    ":lane",
    ":request-id",
    ":token",
  ].map((name) => fieldOf(fields, name));
  if (
    id === undefined ||
    route === undefined ||
    lane === undefined ||
    headers === undefined ||
    !Number.isSafeInteger(receivedAt)
  ) {
    return err({ reason: "incomplete" });
  }
  const rest = { requestId: requestId ?? id, token: token ?? "" };
  return ok({ id, route, lane, receivedAt, headers, ...rest });
}

/** What the core says of a delivery, beside ACK or NACK itself. */
export interface DeliveryAnswer {
  readonly id: string;
  readonly token: string;
  /** The core had it already: it is committed, but not by this try. */
  readonly duplicate: boolean;
  readonly retryAfterMs: number;
  /** Why not; for people. */
  readonly reason: string;
}

/** @throws RangeError when an id of the peer's cannot be written back: it came over this same wire. */
export function encodeAnswer(answer: DeliveryAnswer): Uint8Array {
  const encoded = encodeFields([
    [":id", answer.id],
    [":token", answer.token],
    [":duplicate", answer.duplicate ? "1" : "0"],
    [":retry-after-ms", String(answer.retryAfterMs)],
    // A reason may quote anything; what a header cannot hold becomes a question mark.
    [":reason", answer.reason.replaceAll(/[^ -~]/g, "?").slice(0, 200)],
  ]);
  if (!encoded.ok) throw new RangeError(`answer: ${encoded.error.reason}`);
  return encoded.value;
}

export function readAnswer(fields: Fields): DeliveryAnswer {
  return {
    id: fieldOf(fields, ":id") ?? "",
    token: fieldOf(fields, ":token") ?? "",
    duplicate: fieldOf(fields, ":duplicate") === "1",
    retryAfterMs: Number(fieldOf(fields, ":retry-after-ms") ?? 0) || 0,
    reason: fieldOf(fields, ":reason") ?? "",
  };
}
