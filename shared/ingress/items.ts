/** Names of events and lanes: how every scheme makes them, and one delivery of them all. */
import { fromUtf8, utf8 } from "../bytes.ts";
import { jsonOrUndefined } from "../json.ts";
import { LIMITS } from "../limits.ts";
import { err, ok, type Result } from "../result.ts";
import type { DeliveryItem } from "../tunnel/delivery.ts";
import { sha256 } from "./crypto.ts";
import type { IngressRoute } from "./route.ts";
import type { ReceivedWebhook, WebhookItem } from "./scheme.ts";

/** What fits a header of the tunnel and a line of a table; anything else goes by its hash. */
const PLAIN = /^[\x21-\x7e]{1,200}$/;
/** Names of all events of one webhook, as JSON: they ride in one head, which takes 128 KiB. */
const MAX_ITEMS_BYTES = 48 * 1024;

/** One event, as the sender speaks of it. */
export interface SenderEvent {
  /** The sender's own id of the event, the same for every try. */
  readonly id: string | number;
  /** What the event is about, where events about one thing have an order: a chat, an issue, a customer. */
  readonly conversation?: string | number | undefined;
  /** The envelope with nothing but this event in it, when the body holds several. */
  readonly value?: unknown;
}

/** `<route>:<id>`; an id that is long or odd goes by its hash. */
export async function itemId(route: string, vendorId: string | number): Promise<string> {
  return `${route}:${await plain(String(vendorId))}`;
}

/** `<route>:<conversation>`, or the route alone. */
export async function laneOf(route: string, conversation?: string | number): Promise<string> {
  if (conversation === undefined || conversation === "") return route;
  return `${route}:${await plain(String(conversation))}`;
}

/** The event as an item of its route. */
export async function itemOf(route: string, event: SenderEvent): Promise<WebhookItem> {
  const id = await itemId(route, event.id);
  const lane = await laneOf(route, event.conversation);
  return event.value === undefined ? { id, lane } : { id, lane, value: event.value };
}

/** All of them, in their order. */
export function itemsOf(route: string, events: readonly SenderEvent[]): Promise<WebhookItem[]> {
  return Promise.all(events.map((event) => itemOf(route, event)));
}

/** What `identify` answers for these events. */
export async function identified(
  route: string,
  events: readonly SenderEvent[],
): Promise<Result<readonly WebhookItem[], { readonly reason: "malformed" }>> {
  return ok(await itemsOf(route, events));
}

/** What `identify` answers for a body this sender does not send. */
export function malformed(): Promise<Result<never, { readonly reason: "malformed" }>> {
  return Promise.resolve(err({ reason: "malformed" }));
}

/** Larger bodies are not parsed to find a lane: an isolate has 128 MB, and JSON takes ten times its text. */
const MAX_PARSED_BYTES = 2 * 1024 * 1024;

/** The body as JSON where it only helps to find a lane; undefined for what is no JSON or too large. */
export function smallJsonBody(body: Uint8Array): unknown {
  return body.byteLength > MAX_PARSED_BYTES ? undefined : jsonBody(body);
}

/** The body as JSON; undefined for anything else. For reading only: what is signed are the bytes. */
export function jsonBody(body: Uint8Array): unknown {
  return jsonOrUndefined(fromUtf8(body));
}

/** A webhook on its way: what the relay and the core know it by. */
export interface NamedDelivery {
  readonly id: string;
  readonly items: DeliveryItem[];
}

/**
 * What a webhook is called, by the rules of its route: `dedupe` and `laneHeader` count here and
 * nowhere else. Edge and core come to the same names.
 *
 * @param items - What `identify` gave, at least one. When there are too many to name, they become
 *   one item of the whole body; the core still tells the events apart.
 * @returns As many items as were given, in the same order, or that one.
 */
export async function deliveryOf(
  route: Pick<IngressRoute, "name" | "dedupe" | "laneHeader">,
  items: readonly WebhookItem[],
  webhook: Pick<ReceivedWebhook, "body" | "headers">,
): Promise<NamedDelivery> {
  const named = await Promise.all(items.map((item) => namedBy(route, item, webhook.headers)));
  const isTooMuch =
    named.length > LIMITS.maxWebhookItems ||
    utf8(JSON.stringify(named.map(({ id, lane }) => [id, lane]))).byteLength > MAX_ITEMS_BYTES;
  if (isTooMuch || named.length === 0) {
    const id = `${route.name}:${await sha256(webhook.body)}`;
    return { id, items: [{ id, lane: route.name }] };
  }
  const unique = route.dedupe === "body" ? await byBody(route.name, named, webhook.body) : named;
  const [first] = unique;
  if (unique.length === 1 && first !== undefined) return { id: first.id, items: unique };
  const all = utf8(unique.map(({ id }) => id).join("\n"));
  return { id: `${route.name}:${await sha256(all)}`, items: unique };
}

/** An item without its value, in the lane that the route asks for. */
async function namedBy(
  route: Pick<IngressRoute, "name" | "laneHeader">,
  { id, lane }: WebhookItem,
  headers: Headers,
): Promise<DeliveryItem> {
  if (route.laneHeader === undefined || lane !== route.name) return { id, lane };
  return { id, lane: await laneOf(route.name, headers.get(route.laneHeader) ?? undefined) };
}

async function byBody(
  route: string,
  items: readonly DeliveryItem[],
  body: Uint8Array<ArrayBuffer>,
): Promise<DeliveryItem[]> {
  const hash = await sha256(body);
  if (items.length === 1) return items.map(({ lane }) => ({ id: `${route}:${hash}`, lane }));
  return items.map(({ lane }, index) => ({ id: `${route}:${hash}.${index}`, lane }));
}

async function plain(text: string): Promise<string> {
  return PLAIN.test(text) ? text : sha256(utf8(text));
}
