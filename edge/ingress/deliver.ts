/** A webhook on its way to a relay, and what comes of it. */
import * as z from "zod/mini";
import { fromBase64Url } from "../../shared/bytes.ts";
import { GatewayError } from "../../shared/errors.ts";
import type { IngressRoute } from "../../shared/ingress/route.ts";
import type { NamedDelivery } from "../../shared/ingress/items.ts";
import { LIMITS } from "../../shared/limits.ts";
import { problem } from "../answer.ts";
import { logLine } from "../log.ts";
import { CALL_HEADER, DISPUTED_HEADER, encodeCall } from "../relay-call.ts";
import { relayError } from "../relay-client.ts";
import { versionOf } from "../relays/member.ts";
import { observe, passBack } from "../routes/forward.ts";
import type { Visit } from "../visit.ts";
import type { Gate } from "./gate.ts";
import { sendOutageAlert } from "./outage.ts";

/** Most senders wait ten seconds, and a relay decides within its own time: later is a relay at fault. */
const DEADLINE_GRACE_MS = 5_000;
/** Leaves another relay the time it may take. */
const PATIENCE_GRACE_MS = 1_000;
const RETRY_MS = 5_000;
/** Of a route that says nothing of it, when anybody can have his webhook sent to the core by it. */
const UNCHECKED_RATE = { perSecond: 20, burst: 100 } as const;

const Sync = z.object({ status: z.int(), contentType: z.string(), body: z.string() });
const Answer = z.object({
  result: z.enum(["committed", "duplicate", "spooled"]),
  sync: z.optional(Sync),
  outageMs: z.optional(z.number()),
});

/** What is known of a webhook before it goes. */
export interface Parcel {
  readonly gate: Gate;
  readonly named: NamedDelivery;
  readonly body: Uint8Array<ArrayBuffer>;
  /** Which of the live secrets it was verified with; undefined: only the core can. */
  readonly secret: number | undefined;
  /** Of the route; undefined: it is taken, whatever the relay knows of the route. */
  readonly mark: string | undefined;
}

/** A relay knows another route than the webhook was judged by. There is no copy. */
export interface Disputed {
  readonly result: "disputed";
  readonly relay: string;
  /** Of what the relay knows. */
  readonly version: number;
}

/** There is a durable copy. */
export interface Kept {
  readonly result: z.output<typeof Answer>["result"];
  /** What the core answers to a sender that waits, when it did so in time. */
  readonly sync: Response | undefined;
}

/** Hands a webhook over; otherwise why not, as the sender shall see it. */
export async function deliver(visit: Visit, parcel: Parcel): Promise<Kept | Disputed | Response> {
  const { isolate, keepAlive, requestId } = visit;
  const { gate, named, body } = parcel;
  const syncMs = syncMsOf(gate.route);
  const refused = isolate.refusals.take();
  const headers = new Headers(visit.request.headers);
  headers.set(CALL_HEADER, encodeCall({ ...callOf(visit, parcel), syncMs, ...told({ refused }) }));
  const ownMs = Math.max(LIMITS.deliverTimeoutMs, syncMs);
  const handed = await isolate.relays.deliver({
    headers,
    body,
    deadlineMs: ownMs + DEADLINE_GRACE_MS,
    patienceMs: ownMs + PATIENCE_GRACE_MS,
    keepAlive,
  });
  if (!handed.ok) {
    const { reason } = handed.error;
    const facts = { route: gate.route.name, reason, deliveryId: named.id, requestId };
    logLine("error", { event: "webhook_not_stored", ...facts });
    return problem(visit, notStored(relayError(handed.error, Math.random)), "relay");
  }
  const { relay, response } = handed.value;
  if (response.headers.has(DISPUTED_HEADER)) {
    const version = versionOf(response.headers) ?? 0;
    return { result: "disputed", relay: relay.name, version };
  }
  if (!response.ok) return passBack(visit, handed.value);
  observe(visit, relay, response);
  const answer = response.status === 200 ? Answer.safeParse(await response.json()) : undefined;
  if (answer?.success !== true) return problem(visit, notStored(undefined), "relay");
  const { result, sync, outageMs } = answer.data;
  const { outageAlert } = isolate.verifiers;
  if (outageMs !== undefined && outageAlert !== undefined) {
    sendOutageAlert(outageAlert, { outageMs, keepAlive, fetch: (url, init) => fetch(url, init) });
  }
  return { result, sync: sync === undefined ? undefined : syncResponse(sync) };
}

function callOf(visit: Visit, { gate, named, body, secret, mark }: Parcel) {
  const { route } = gate;
  const { outageAlert } = visit.isolate.verifiers;
  return {
    v: 1,
    kind: "deliver",
    requestId: visit.requestId,
    route: route.name,
    deliveryId: named.id,
    items: named.items,
    receivedAt: visit.now,
    bytes: body.byteLength,
    mode: route.mode,
    verified: secret === undefined ? "" : route.verification.scheme,
    secret: secret ?? 0,
    method: visit.request.method,
    query: visit.query,
    ip: visit.ip,
    ...told({ mark, secretHeader: gate.secretHeader }),
    ...told({ rate: route.rate ?? (secret === undefined ? UNCHECKED_RATE : undefined) }),
    ...told({ outageAfterMs: outageAlert?.afterMs }),
  } as const;
}

/** Without what is undefined: the call is written out with every webhook. */
function told<T extends object>(facts: T): Partial<T> {
  const kept: Partial<T> = { ...facts };
  for (const name in kept) if (kept[name] === undefined) delete kept[name];
  return kept;
}

function syncMsOf({ mode, sync }: IngressRoute): number {
  if (mode !== "sync") return 0;
  return sync?.deadlineMs ?? LIMITS.deliverTimeoutMs;
}

function syncResponse({ status, contentType, body }: z.output<typeof Sync>): Response | undefined {
  const bytes = fromBase64Url(body);
  if (bytes === undefined || status < 200 || status > 599) return undefined;
  const headers = new Headers(contentType === "" ? [] : [["Content-Type", contentType]]);
  // These have no body (RFC 9110 section 15), and `Response` insists on it.
  const isBare = status === 204 || status === 205 || status === 304;
  return new Response(isBare ? null : bytes, { status, headers });
}

/** Sent again, the same id finds its copy if there is one: no sender can do harm by it. */
function notStored(cause: unknown): GatewayError {
  return new GatewayError("overloaded", "This webhook could not be stored now: send it again", {
    retryAfterMs: RETRY_MS,
    cause,
  });
}
