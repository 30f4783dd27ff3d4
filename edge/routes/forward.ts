import { LIMITS } from "../../shared/limits.ts";
import type { Fields } from "../../shared/tunnel/fields.ts";
import { requestFields } from "../../shared/tunnel/http.ts";
import { problem } from "../answer.ts";
import { capBody } from "../body.ts";
import { versionOf } from "../isolate.ts";
import { bodyTooLarge, VIA } from "../middleware/limits.ts";
import { CALL_HEADER, encodeCall } from "../relay-call.ts";
import { relayError } from "../relay-client.ts";
import type { Caller } from "../verifiers.ts";
import type { Visit } from "../visit.ts";

/** The relay keeps the deadline of a request; this long after it, the relay itself is at fault. */
const RELAY_GRACE_MS = 10_000;

const INTERNAL_PREFIX = "x-gw-internal-";

/**
 * ALL * : hands a request, or the upgrade to a WebSocket, to the relay, and the answer back.
 *
 * Nothing is buffered in either direction. The relay, of which there is one, gets the head ready
 * made; an answer costs nothing here as long as the relay has no newer bundle to tell of.
 */
export async function forward(visit: Visit, caller: Caller): Promise<Response> {
  const { request, isolate } = visit;
  const isUpgrade = visit.header("upgrade")?.toLowerCase() === "websocket";
  const deadlineMs = isUpgrade ? LIMITS.acceptTimeoutMs : LIMITS.firstByteTimeoutMs;
  const call = encodeCall({
    v: 1,
    kind: isUpgrade ? "websocket" : "http",
    requestId: visit.requestId,
    digest: caller.digest,
    subject: caller.principal.subject,
    head: headOf(visit, caller, deadlineMs),
    bundleVersion: isolate.verifiers.version,
  });
  // The runtime wants to see that a WebSocket was asked for; all else is in the call.
  const headers = { [CALL_HEADER]: call, ...(isUpgrade ? { Upgrade: "websocket" } : {}) };
  // Of a known length, it was refused already if it is too long.
  const capped =
    request.body !== null && visit.header("content-length") === undefined
      ? capBody(request.body, LIMITS.maxRequestBodyBytes)
      : undefined;
  const init = capped === undefined ? { headers } : { headers, body: capped.body };
  const answer = await isolate.relay.forward(request, init, deadlineMs + RELAY_GRACE_MS);
  if (capped?.exceeded === true) throw bodyTooLarge(LIMITS.maxRequestBodyBytes);
  if (!answer.ok) return problem(visit, relayError(answer.error, Math.random), "relay");
  return passBack(visit, answer.value);
}

/** The request as the core will see it. */
function headOf(visit: Visit, { principal }: Caller, deadlineMs: number): Fields {
  const { origin, path, query, requestId, ip, headers } = visit;
  const split = origin.indexOf("://");
  const target = {
    method: visit.request.method,
    scheme: origin.slice(0, split),
    authority: origin.slice(split + 3),
    path: path + query,
  };
  const country = visit.header("cf-ipcountry");
  const meta = { requestId, clientIp: ip, country, principal, deadlineMs };
  const head = requestFields(target, headers, meta);
  const via = head.find(([name]) => name === "via");
  if (via === undefined) head.push(["via", VIA]);
  else via[1] += `, ${VIA}`;
  const protocols = visit.header("sec-websocket-protocol");
  if (protocols !== undefined) head.push([":protocols", protocols]);
  return head;
}

/** The relay's answer as the client gets it, and news of the bundle as the isolate gets it. */
export function passBack(visit: Visit, answer: Response): Response {
  const version = versionOf(answer.headers);
  if (version === undefined) return answer;
  visit.isolate.verifiers.observe(version, visit.keepAlive, visit.now);
  const headers = new Headers(answer.headers);
  for (const name of answer.headers.keys()) {
    if (name.startsWith(INTERNAL_PREFIX)) headers.delete(name);
  }
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
