/** Webhooks as heads of delivery streams, and their answers. Pure. Rules: protocol.md, section 11. */
import * as z from "zod/mini";
import { fromBase64Url, toBase64Url, utf8 } from "../bytes.ts";
import { jsonOrUndefined } from "../json.ts";
import { LIMITS } from "../limits.ts";
import { err, ok, type Result } from "../result.ts";
import { encodeFields, type Fields, fieldOf } from "./fields.ts";
import { readHeaders } from "./http.ts";

/** One event of a webhook: its id, the same for every try, and its lane. */
export interface DeliveryItem {
  readonly id: string;
  readonly lane: string;
}

export interface DeliveryHead {
  /** Of the webhook as a whole: that of its one event, or made of those of all. */
  readonly id: string;
  readonly route: string;
  /** Never empty. */
  readonly items: readonly DeliveryItem[];
  /** Unix ms at the edge. */
  readonly receivedAt: number;
  readonly requestId: string;
  /** What the relay wants back with the answer: its own key of a spooled delivery, or "". */
  readonly token: string;
  /** The scheme by which the edge has verified it; empty: it has not, the core must. */
  readonly verified: string;
  /** Which of the live secrets it was verified with. */
  readonly secret: number;
  readonly method: string;
  /** Of the address, with its `?`; or empty. */
  readonly query: string;
  /** Of the sender, as the edge saw it. */
  readonly ip: string;
  /** The sender waits this long, in ms, for what the core answers; 0: it has its answer. */
  readonly syncMs: number;
  /** How often it was sent before. */
  readonly attempts: number;
  readonly headers: Headers;
}

/** Credentials have done their work at the edge: they are neither stored nor forwarded. */
const CREDENTIALS: ReadonlySet<string> = new Set([
  "authorization",
  "cookie",
  "x-gitlab-token",
  "x-telegram-bot-api-secret-token",
  "x-openclaw-token",
]);
const DROPPED_PREFIXES = ["x-gw-", "cf-", "x-forwarded-"];

/**
 * The headers of a webhook that are kept.
 *
 * @param secretHeader - In lower case: one more that holds a secret as it is.
 */
export function deliveryHeaders(headers: Headers, secretHeader?: string): [string, string][] {
  return carried(headers).filter(([name]) => !CREDENTIALS.has(name) && name !== secretHeader);
}

/**
 * The headers of a webhook that only the core can check: with what it is to be checked by, until
 * then also where it is spooled.
 */
export function uncheckedHeaders(headers: Headers): [string, string][] {
  return carried(headers).filter(([name]) => name !== "cookie");
}

/** The same as people may see them: credentials are there, and are not told. */
export function shownHeaders(
  headers: readonly (readonly [string, string])[],
): (readonly [string, string])[] {
  return headers.map(([name, value]) => [name, CREDENTIALS.has(name) ? "(not shown)" : value]);
}

function carried(headers: Headers): [string, string][] {
  return [...headers]
    .filter(([name]) => !DROPPED_PREFIXES.some((prefix) => name.startsWith(prefix)))
    .map(([name, value]) => [name, asBytes(value)]);
}

/** As it came: where a runtime has read UTF-8, its bytes, one character each. A field holds no more. */
function asBytes(value: string): string {
  if (!/[\u0100-\uffff]/.test(value)) return value;
  return Array.from(utf8(value), (byte) => String.fromCharCode(byte)).join("");
}

/** @param headers - As `deliveryHeaders` gave them. */
export function deliveryFields(
  head: Omit<DeliveryHead, "headers">,
  headers: readonly (readonly [string, string])[],
): Fields {
  const [first] = head.items;
  const isPlain = head.items.length === 1 && first?.id === head.id && isHeaderText(first.lane);
  return [
    [":id", head.id],
    [":route", head.route],
    [":lane", isPlain ? first.lane : head.route],
    [":received-at", String(head.receivedAt)],
    [":request-id", head.requestId],
    [":token", head.token],
    [":verified", head.verified],
    [":secret", String(head.secret)],
    [":method", head.method],
    [":query", head.query],
    [":ip", head.ip],
    [":sync-ms", String(head.syncMs)],
    [":attempts", String(head.attempts)],
    ...(isPlain ? [] : ([[":items", itemsText(head.items)]] as const)),
    ...headers,
  ];
}

/** A lane may be named by anything a sender calls a conversation; a field holds Latin-1 at most. */
function isHeaderText(text: string): boolean {
  return /^[ -~]*$/.test(text);
}

function itemsText(items: readonly DeliveryItem[]): string {
  const json = JSON.stringify(items.map(({ id, lane }) => [id, lane]));
  return json.replaceAll(
    /[^ -~]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

const Items = z
  .array(z.tuple([z.string().check(z.minLength(1)), z.string().check(z.minLength(1))]))
  .check(z.minLength(1), z.maxLength(LIMITS.maxWebhookItems));

/** Reads what `deliveryFields` wrote. */
export function readDelivery(fields: Fields): Result<DeliveryHead, { readonly reason: string }> {
  const headers = readHeaders(fields);
  const receivedAt = Number(fieldOf(fields, ":received-at"));
  const [id, route, lane] = [":id", ":route", ":lane"].map((name) => fieldOf(fields, name));
  if (
    id === undefined ||
    route === undefined ||
    lane === undefined ||
    headers === undefined ||
    !Number.isSafeInteger(receivedAt)
  ) {
    return err({ reason: "incomplete" });
  }
  const items = readItems(fieldOf(fields, ":items"), { id, lane });
  if (items === undefined) return err({ reason: "items" });
  const text = (name: string): string => fieldOf(fields, name) ?? "";
  return ok({
    id,
    route,
    items,
    receivedAt,
    requestId: text(":request-id") || id,
    token: text(":token"),
    verified: text(":verified"),
    secret: countOf(text(":secret")),
    method: text(":method") || "POST",
    query: text(":query"),
    ip: text(":ip"),
    syncMs: Math.min(countOf(text(":sync-ms")), LIMITS.maxSyncMs),
    attempts: countOf(text(":attempts")),
    headers,
  });
}

function readItems(text: string | undefined, only: DeliveryItem): DeliveryItem[] | undefined {
  if (text === undefined) return [only];
  const read = Items.safeParse(jsonOrUndefined(text));
  return read.success ? read.data.map(([id, lane]) => ({ id, lane })) : undefined;
}

function countOf(text: string): number {
  return /^\d{1,15}$/.test(text) ? Number(text) : 0;
}

/** What a sender that waits is answered. */
export interface SyncAnswer {
  readonly status: number;
  readonly contentType: string;
  /** At most `LIMITS.maxSyncAnswerBytes`. */
  readonly body: Uint8Array<ArrayBuffer>;
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
  /** For a sender that waits, with ACK; undefined: none, or not in time. */
  readonly sync?: SyncAnswer | undefined;
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
    ...syncFields(answer.sync),
  ]);
  if (!encoded.ok) throw new RangeError(`answer: ${encoded.error.reason}`);
  return encoded.value;
}

function syncFields(sync: SyncAnswer | undefined): Fields {
  if (sync === undefined || sync.body.byteLength > LIMITS.maxSyncAnswerBytes) return [];
  return [
    [":sync-status", String(sync.status)],
    [":sync-type", sync.contentType],
    [":sync-body", toBase64Url(sync.body)],
  ];
}

export function readAnswer(fields: Fields): DeliveryAnswer {
  return {
    id: fieldOf(fields, ":id") ?? "",
    token: fieldOf(fields, ":token") ?? "",
    duplicate: fieldOf(fields, ":duplicate") === "1",
    retryAfterMs: Number(fieldOf(fields, ":retry-after-ms") ?? 0) || 0,
    reason: fieldOf(fields, ":reason") ?? "",
    sync: readSync(fields),
  };
}

function readSync(fields: Fields): SyncAnswer | undefined {
  const status = Number(fieldOf(fields, ":sync-status"));
  const body = fromBase64Url(fieldOf(fields, ":sync-body") ?? "");
  if (!Number.isInteger(status) || status < 200 || status > 599 || body === undefined) {
    return undefined;
  }
  return { status, contentType: fieldOf(fields, ":sync-type") ?? "", body };
}
