import type { Challenge } from "../../shared/gateway/device-proof.ts";
import { LIMITS } from "../../shared/limits.ts";
import type { Result } from "../../shared/result.ts";
import type { Fields } from "../../shared/tunnel/fields.ts";
import { requestFields } from "../../shared/tunnel/http.ts";
import { problem } from "../answer.ts";
import { capBody } from "../body.ts";
import { withoutOurs } from "../login/cookie.ts";
import { bodyTooLarge, VIA } from "../middleware/limits.ts";
import { CALL_HEADER, encodeCall, UNSENT_HEADER } from "../relay-call.ts";
import { relayError, type RelayFailure } from "../relay-client.ts";
import { type Member, versionOf } from "../relays/member.ts";
import type { Answered } from "../relays/relays.ts";
import type { Caller } from "../verifiers.ts";
import type { Visit } from "../visit.ts";

/** The relay keeps the deadline of a request; this long after it, the relay itself is at fault. */
const RELAY_GRACE_MS = 10_000;

const INTERNAL_PREFIX = "x-gw-internal-";

/** Which relay answered: said only when it is not the one that was to be expected. */
const RELAY_HEADER = "X-Gw-Relay";

/**
 * ALL * : hands a request, or the upgrade to a WebSocket, to a relay, and the answer back.
 *
 * Nothing is buffered in either direction, and the relay, of which there are few, gets the head
 * ready made.
 */
export async function forward(visit: Visit, caller: Caller): Promise<Response> {
  const answer = await send(visit, caller);
  if (!answer.ok) return problem(visit, relayError(answer.error, Math.random), "relay");
  return passBack(visit, answer.value);
}

/**
 * As `forward`, with the answer as the relay gave it.
 *
 * @param connect - The challenge that this client has answered already.
 * @throws GatewayError `too_large` for a body that turns out to be.
 */
export async function send(
  visit: Visit,
  caller: Caller,
  connect?: Challenge,
): Promise<Result<Answered, RelayFailure>> {
  const { request, isolate } = visit;
  const isUpgrade = visit.header("upgrade")?.toLowerCase() === "websocket";
  const deadlineMs = isUpgrade ? LIMITS.acceptTimeoutMs : LIMITS.firstByteTimeoutMs;
  const call = {
    v: 1,
    kind: isUpgrade ? "websocket" : "http",
    requestId: visit.requestId,
    digest: caller.digest,
    subject: caller.principal.subject,
    head: headOf(visit, caller, deadlineMs, connect),
    startedAt: visit.now,
    ...(caller.ticket === undefined ? {} : { ticket: caller.ticket }),
    ...(caller.isPassing === undefined ? {} : { isPassing: caller.isPassing }),
  } as const;
  // Of a known length, it was refused already if it is too long.
  const capped =
    request.body !== null && visit.header("content-length") === undefined
      ? capBody(request.body, LIMITS.maxRequestBodyBytes)
      : undefined;
  const answer = await isolate.relays.forward({
    request,
    init(relay) {
      const bundleVersion = isolate.verifiers.versionAt(relay.name);
      const header = encodeCall({ ...call, bundleVersion });
      // The runtime wants to see that a WebSocket was asked for; all else is in the call.
      const headers = { [CALL_HEADER]: header, ...(isUpgrade ? { Upgrade: "websocket" } : {}) };
      return capped === undefined ? { headers } : { headers, body: capped.body };
    },
    deadlineMs: deadlineMs + RELAY_GRACE_MS,
    keepAlive: visit.keepAlive,
  });
  if (capped?.exceeded === true) throw bodyTooLarge(LIMITS.maxRequestBodyBytes);
  return answer;
}

/** The request as the core will see it. */
function headOf(visit: Visit, caller: Caller, deadlineMs: number, connect?: Challenge): Fields {
  const { principal, operatorScopes, deviceId } = caller;
  const { origin, path, query, requestId, ip, headers } = visit;
  const split = origin.indexOf("://");
  const target = {
    method: visit.request.method,
    scheme: origin.slice(0, split),
    authority: origin.slice(split + 3),
    path: path + query,
  };
  const country = visit.header("cf-ipcountry");
  const known = { principal, operatorScopes, deviceId, connect };
  const meta = { requestId, clientIp: ip, country, ...known, deadlineMs };
  const head = requestFields(target, headers, meta);
  markPassage(head);
  const protocols = visit.header("sec-websocket-protocol");
  if (protocols !== undefined) head.push([":protocols", protocols]);
  return head;
}

/** Signs the head, and takes the edge's own cookie out: no session goes further than this. */
function markPassage(head: [string, string][]): void {
  let via: [string, string] | undefined;
  let cookies: [string, string] | undefined;
  for (const field of head) {
    if (field[0] === "via") via = field;
    else if (field[0] === "cookie") cookies = field;
  }
  if (via === undefined) head.push(["via", VIA]);
  else via[1] += `, ${VIA}`;
  if (cookies === undefined) return;
  cookies[1] = withoutOurs(cookies[1]);
  if (cookies[1] === "") head.splice(head.indexOf(cookies), 1);
}

/**
 * A relay's answer as the client gets it, and news of the bundle as the isolate gets it. Costs
 * nothing as long as it is the primary's and has nothing in it that is for the edge alone.
 */
export function passBack(visit: Visit, { relay, response: answer }: Answered): Response {
  const isMarked = observe(visit, relay, answer) || isUnsent(answer);
  const isDetour = relay !== visit.isolate.relays.primary;
  if (!isDetour && !isMarked) return answer;
  const headers = new Headers(answer.headers);
  for (const name of answer.headers.keys()) {
    if (name.startsWith(INTERNAL_PREFIX)) headers.delete(name);
  }
  if (isDetour) headers.set(RELAY_HEADER, relay.name);
  const { status, statusText, webSocket } = answer;
  // Manual, because a body the core has compressed passes as it is.
  return new Response(answer.body, {
    status,
    statusText,
    headers,
    webSocket,
    encodeBody: "manual",
  });
}

/** Lets the isolate know of a newer bundle. True when the answer names a version at all. */
export function observe(visit: Visit, relay: Member, { headers }: Response): boolean {
  const version = versionOf(headers);
  if (version === undefined) return false;
  visit.isolate.verifiers.observe(relay.name, version, visit.keepAlive, visit.now);
  return true;
}

/** Each look at the headers costs every request, and a relay marks nothing but refusals. */
function isUnsent({ headers, status }: Response): boolean {
  return status >= 400 && headers.has(UNSENT_HEADER);
}
