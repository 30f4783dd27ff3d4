import { GatewayError } from "../../shared/errors.ts";
import { deliveryOf } from "../../shared/ingress/items.ts";
import type { FixedAnswer } from "../../shared/ingress/route.ts";
import type { ReceivedWebhook, WebhookItem } from "../../shared/ingress/scheme.ts";
import { err, ok, type Result } from "../../shared/result.ts";
import { holdBody } from "../ingress/body.ts";
import { deliver, type Disputed, type Kept } from "../ingress/deliver.ts";
import type { Gate } from "../ingress/gate.ts";
import { hookName } from "../ingress/hook-path.ts";
import { isOwn, toOwn } from "../ingress/own-answers.ts";
import type { Fault } from "../ingress/refusals.ts";
import { checkHead, type Head, turnAway } from "../ingress/turn-away.ts";
import type { Visit } from "../visit.ts";

const RETRY_MS = 5_000;
/** How often one webhook is judged anew because its route has changed meanwhile. */
const MAX_JUDGEMENTS = 3;

/** On answers to who has proved to be the sender: what became of the webhook. */
const DELIVERY_HEADER = "X-Gw-Delivery";

/**
 * ALL /hooks/:route, or below what the core says instead: takes a webhook in once it has proved
 * where it comes from.
 *
 * The 2xx is the promise that there is a durable copy: it is given for nothing but the relay's
 * word that there is one.
 *
 * @throws GatewayError `not_found` for a route nobody published, here or at all, `core_offline` while that is not
 *   known, and one for each way of being turned away.
 */
export async function hooks(visit: Visit): Promise<Response> {
  const gate = gateOf(visit) ?? (await findGate(visit));
  return isOwn(gate) ? toOwn(visit, () => takeIn(visit, gate)) : takeIn(visit, gate);
}

async function takeIn(visit: Visit, known: Gate): Promise<Response> {
  const { gate, verdict } = await judge(visit, known, (one) => checkHead(visit, one));
  if (!verdict.ok) return turnAway(visit, gate, verdict.error);
  if (visit.request.method === "GET") return challenge(visit, gate);
  const work = receive(visit, gate, verdict.value);
  // A sender that leaves would take the request with it, before it has given back what it holds.
  visit.keepAlive(work.catch(() => undefined));
  return work;
}

async function receive(visit: Visit, gate: Gate, { declaredBytes }: Head): Promise<Response> {
  const held = await holdBody(visit.request.body, {
    maxBytes: gate.route.maxBodyBytes,
    declaredBytes,
    budget: visit.isolate.bodies,
    now: () => Date.now(),
  });
  if (!held.ok) return turnAway(visit, gate, held.error);
  try {
    return await take(visit, gate, held.value.bytes);
  } finally {
    held.value[Symbol.dispose]();
  }
}

async function findGate(visit: Visit): Promise<Gate> {
  await visit.isolate.verifiers.missed("webhook", visit.keepAlive, visit.now);
  return gateNow(visit);
}

/** By what is known now of the routes, and of where they are. */
function gateOf({ isolate: { verifiers }, path }: Visit): Gate | undefined {
  const name = hookName(verifiers, path);
  return name === undefined ? undefined : verifiers.route(name);
}

function gateNow(visit: Visit): Gate {
  const found = gateOf(visit);
  if (found !== undefined) return found;
  const { verifiers } = visit.isolate;
  if (!verifiers.knowsRoutes) {
    // Not 404: to many senders that means that the hook is gone for good.
    throw new GatewayError("core_offline", "No core has told this edge its webhooks yet", {
      retryAfterMs: RETRY_MS,
    });
  }
  throw new GatewayError("not_found", "No such webhook");
}

/**
 * What a gate says; and what it says by the newest settings when it says no, for they may be what
 * has changed. How often these are asked for, `Verifiers` decides.
 */
async function judge<T>(
  visit: Visit,
  gate: Gate,
  check: (gate: Gate) => Promise<Result<T, Fault>>,
): Promise<{ readonly gate: Gate; readonly verdict: Result<T, Fault> }> {
  const verdict = await check(gate);
  if (verdict.ok) return { gate, verdict };
  await visit.isolate.verifiers.missed("webhook", visit.keepAlive, visit.now);
  const newest = gateOf(visit) ?? gate;
  return newest === gate ? { gate, verdict } : { gate: newest, verdict: await check(newest) };
}

/** The sender tries the address out (Meta's `hub.challenge`). */
async function challenge(visit: Visit, first: Gate): Promise<Response> {
  const url = new URL(visit.request.url);
  const { gate, verdict } = await judge(visit, first, async ({ scheme }) => {
    const response = await scheme?.challenge?.(url);
    return response?.ok === true ? ok(response) : err("challenge");
  });
  return verdict.ok ? named(visit, verdict.value) : turnAway(visit, gate, verdict.error);
}

/**
 * Takes a webhook in by the newest settings: a relay hears of them first, and says so when they are
 * others than those of this isolate. A secret that was taken back opens nothing anywhere from then
 * on, and costs nothing where all is as it was.
 */
async function take(visit: Visit, first: Gate, body: Uint8Array<ArrayBuffer>): Promise<Response> {
  let gate = first;
  let isAsked = false;
  for (let judgements = 0; judgements < MAX_JUDGEMENTS; judgements += 1) {
    const taken = await takeBy(visit, gate, body, isAsked);
    if (taken instanceof Response) return taken;
    gate = await gateAfter(visit, taken);
    // Nobody knows better: the relay that does not agree is behind.
    isAsked = gate.mark === taken.gate.mark;
    const fault = isAsked ? undefined : await headFault(visit, gate, body);
    if (fault !== undefined) return turnAway(visit, gate, fault);
  }
  throw new GatewayError("overloaded", "This webhook is being changed: send it again", {
    retryAfterMs: RETRY_MS,
  });
}

/** What is known when a relay knows another route than the one that a webhook was judged by. */
async function gateAfter(visit: Visit, { dispute }: InDispute): Promise<Gate> {
  const { isolate, keepAlive } = visit;
  const { relay, version } = dispute;
  if (!(await isolate.verifiers.disputed(relay, version, keepAlive, Date.now()))) {
    throw new GatewayError("overloaded", "This webhook cannot be checked now: send it again", {
      retryAfterMs: RETRY_MS,
    });
  }
  return gateNow(visit);
}

async function headFault(
  visit: Visit,
  gate: Gate,
  body: Uint8Array<ArrayBuffer>,
): Promise<Fault | undefined> {
  const head = await checkHead(visit, gate);
  if (!head.ok) return head.error;
  return body.byteLength > gate.route.maxBodyBytes ? "too_large" : undefined;
}

/** A webhook that was judged by other settings than a relay has. */
interface InDispute {
  readonly gate: Gate;
  readonly dispute: Disputed;
}

/** @param isAsked - There is nothing newer than `first`, whatever a relay says. */
async function takeBy(
  visit: Visit,
  first: Gate,
  body: Uint8Array<ArrayBuffer>,
  isAsked: boolean,
): Promise<Response | InDispute> {
  const { request, isolate, keepAlive, now } = visit;
  const { method, headers } = request;
  const route = first.route.name;
  const webhook = { route, method, url: new URL(request.url), headers, body, now };
  const { gate, verdict } = await judge(visit, first, async ({ scheme }) => {
    if (scheme === undefined) return ok(undefined);
    const proof = await scheme.verify(webhook, { jwt: isolate.jwt(keepAlive) });
    return proof.ok ? ok(proof.value.secret) : err(proof.error.reason);
  });
  if (!verdict.ok) return turnAway(visit, gate, verdict.error);
  const handshake = gate.scheme?.handshake(webhook);
  if (handshake !== undefined) return named(visit, handshake);
  const items = await itemsOf(gate, webhook);
  if (!items.ok) return turnAway(visit, gate, items.error.reason);
  if (items.value.length === 0) return named(visit, accepted(gate, webhook, []));
  const kept = await deliver(visit, {
    gate,
    named: await deliveryOf(gate.route, items.value, webhook),
    body,
    secret: verdict.value,
    mark: isAsked && gate.mark === first.mark ? undefined : gate.mark,
  });
  if (kept instanceof Response) return kept;
  if (kept.result === "disputed") return { gate, dispute: kept };
  return answered(visit, kept, gate, () => accepted(gate, webhook, items.value));
}

/** @param usual - As the scheme has it. */
function answered(
  visit: Visit,
  { sync, result }: Kept,
  { route }: Gate,
  usual: () => Response,
): Response {
  const response = sync ?? fallback(route.sync?.fallback) ?? usual();
  response.headers.set(DELIVERY_HEADER, result);
  return named(visit, response);
}

/** What only the core can check, only the core can name: until then each request is one of its own. */
function itemsOf({ scheme, route: { name } }: Gate, webhook: ReceivedWebhook) {
  if (scheme !== undefined) return scheme.identify(webhook);
  return Promise.resolve(ok([{ id: `${name}:${crypto.randomUUID()}`, lane: name }]));
}

function accepted(
  { scheme }: Gate,
  webhook: ReceivedWebhook,
  items: readonly WebhookItem[],
): Response {
  return scheme === undefined ? new Response(null) : scheme.accepted(webhook, items);
}

function fallback(answer: FixedAnswer | undefined): Response | undefined {
  if (answer === undefined) return undefined;
  const { status, contentType, body } = answer;
  const headers = { "Content-Type": contentType };
  return new Response(body === "" ? null : body, { status, headers });
}

/** Every answer names its request: that is how a webhook is found in the log. */
function named({ requestId }: Visit, response: Response): Response {
  response.headers.set("X-Request-Id", requestId);
  return response;
}
