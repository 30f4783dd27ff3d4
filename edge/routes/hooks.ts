import * as z from "zod";
import type { IngressRoute } from "../../shared/edge-bundle.ts";
import { GatewayError } from "../../shared/errors.ts";
import { LIMITS } from "../../shared/limits.ts";
import { problem } from "../answer.ts";
import { readBody } from "../body.ts";
import { verifierOf } from "../ingress/registry.ts";
import type { Identity } from "../ingress/verifier.ts";
import { logLine } from "../log.ts";
import { bodyTooLarge } from "../middleware/limits.ts";
import { countFailure, rateKey } from "../middleware/rate-limit.ts";
import { CALL_HEADER, encodeCall } from "../relay-call.ts";
import { relayError } from "../relay-client.ts";
import type { Visit } from "../visit.ts";
import { observe, passBack } from "./forward.ts";

/** Most senders wait ten seconds, and a relay decides within 2.5: later is a relay at fault. */
const DELIVER_DEADLINE_MS = LIMITS.deliverTimeoutMs + 5_000;
/** Leaves another relay the time it may take. */
const DELIVER_PATIENCE_MS = LIMITS.deliverTimeoutMs + 1_000;
const RETRY_MS = 5_000;

const PREFIX = "/hooks/";

const Answer = z.object({ result: z.enum(["committed", "duplicate", "spooled"]) });

/**
 * POST /hooks/:route: takes a webhook in once it has proved where it comes from.
 *
 * The 2xx is the promise that there is a durable copy: it is given for nothing but the relay's
 * word that there is one.
 *
 * @throws GatewayError `not_found` for a route nobody published, `unauthenticated`, `too_large`,
 *   `invalid_request` for a body without the sender's own id.
 */
export async function hooks(visit: Visit): Promise<Response> {
  const name = visit.path.slice(PREFIX.length);
  const route = await findRoute(visit, name);
  checkLength(visit.request.headers, route);
  const verifier = verifierOf(route);
  const genuine = await verifier.authenticate(route, visit.request.headers);
  if (!genuine.ok) {
    const { reason } = genuine.error;
    logLine("warn", { event: "webhook_refused", route: name, reason, requestId: visit.requestId });
    await countFailure(visit, rateKey(visit.ip));
    throw new GatewayError("unauthenticated", "This webhook does not prove where it comes from");
  }
  const body = await readBody(visit.request.body, route.maxBodyBytes);
  const { now } = visit;
  const identity = await verifier.identify({ route, headers: visit.request.headers, body, now });
  if (!identity.ok)
    throw new GatewayError("invalid_request", "The body is not what this route takes");
  const refused = await deliver(visit, route, identity.value, body);
  if (refused !== undefined) return refused;
  const response = verifier.accepted(identity.value);
  response.headers.set("X-Request-Id", visit.requestId);
  return response;
}

async function findRoute({ isolate, keepAlive, now }: Visit, name: string): Promise<IngressRoute> {
  const known = isolate.verifiers.route(name);
  if (known !== undefined) return known;
  await isolate.verifiers.missed("client", keepAlive, now);
  const found = isolate.verifiers.route(name);
  if (found !== undefined) return found;
  if (!isolate.verifiers.published) {
    // Not 404: to many senders that means that the hook is gone for good.
    throw new GatewayError("core_offline", "No core has ever connected to this edge", {
      retryAfterMs: RETRY_MS,
    });
  }
  throw new GatewayError("not_found", "No such webhook");
}

function checkLength(headers: Headers, { maxBodyBytes }: IngressRoute): void {
  if (Number(headers.get("Content-Length") ?? 0) > maxBodyBytes) throw bodyTooLarge(maxBodyBytes);
}

/** Undefined once there is a durable copy; otherwise why not, as the sender shall see it. */
async function deliver(
  visit: Visit,
  route: IngressRoute,
  { deliveryId, lane }: Identity,
  body: Uint8Array<ArrayBuffer>,
): Promise<Response | undefined> {
  const { request, isolate, keepAlive, now } = visit;
  const headers = new Headers(request.headers);
  headers.set(
    CALL_HEADER,
    encodeCall({
      v: 1,
      kind: "deliver",
      requestId: visit.requestId,
      route: route.name,
      deliveryId,
      lane,
      receivedAt: now,
    }),
  );
  const handed = await isolate.relays.deliver({
    headers,
    body,
    deadlineMs: DELIVER_DEADLINE_MS,
    patienceMs: DELIVER_PATIENCE_MS,
    keepAlive,
  });
  if (!handed.ok) {
    const { reason } = handed.error;
    const cause = relayError(handed.error, Math.random);
    logLine("error", { event: "webhook_not_stored", route: route.name, reason, deliveryId });
    return problem(visit, notStored(cause), "relay");
  }
  const { relay, response: answer } = handed.value;
  if (!answer.ok) return passBack(visit, handed.value);
  observe(visit, relay, answer);
  const stored = answer.status === 200 && Answer.safeParse(await answer.json()).success;
  return stored ? undefined : problem(visit, notStored(undefined), "relay");
}

/** Sent again, the same id finds its copy if there is one: no sender can do harm by it. */
function notStored(cause: unknown): GatewayError {
  return new GatewayError("overloaded", "This webhook could not be stored now: send it again", {
    retryAfterMs: RETRY_MS,
    cause,
  });
}
