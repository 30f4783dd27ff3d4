import { CODES, type ErrorCode, GatewayError } from "../shared/errors.ts";
import { type Hop, problemResponse } from "../shared/problem.ts";
import { requestId } from "../shared/request-id.ts";
import { discardBody } from "./body.ts";
import type { Bindings } from "./env.ts";
import { errorFacts, logLine } from "./log.ts";
import type { KeepAlive } from "./single-flight.ts";
import { openVisit, type Visit } from "./visit.ts";

/** A caller's own doing, and a core that is not there or not heard yet: said to whoever asked. */
const EXPECTED: ReadonlySet<ErrorCode> = new Set(["loop", "core_offline", "credentials_pending"]);

export type Handle = (visit: Visit) => Response | Promise<Response>;

/** Takes one request through the edge: whatever it throws becomes a problem document here. */
export async function answer(
  request: Request,
  bindings: Bindings,
  keepAlive: KeepAlive,
  handle: Handle,
): Promise<Response> {
  const response = await handled(request, bindings, keepAlive, handle);
  if (request.body !== null && response.status >= 400) await discardBody(request.body);
  return response;
}

async function handled(
  request: Request,
  bindings: Bindings,
  keepAlive: KeepAlive,
  handle: Handle,
): Promise<Response> {
  const id = requestId(request.headers.get("X-Request-Id"));
  try {
    return await handle(openVisit(request, bindings, id, keepAlive));
  } catch (error) {
    return refusal(error, id, new URL(request.url).pathname, "edge");
  }
}

/** The answer for an error that has its reason further on than the edge. */
export function problem(visit: Visit, error: GatewayError, hop: Hop): Response {
  return refusal(error, visit.requestId, visit.path, hop);
}

function refusal(error: unknown, id: string, path: string, hop: Hop): Response {
  const code = error instanceof GatewayError ? error.code : "internal";
  if (CODES[code].status >= 500 && !EXPECTED.has(code)) {
    const cause = error instanceof GatewayError ? (error.cause ?? error) : error;
    logLine("error", { event: "request_failed", code, hop, requestId: id, ...errorFacts(cause) });
  }
  return problemResponse(error, { hop, requestId: id, path });
}

/** @param allow - The methods this path has, for the `Allow` header. */
export function notAllowed(visit: Visit, allow: string): Response {
  const error = new GatewayError("method_not_allowed", `Allowed here: ${allow}`);
  const response = problem(visit, error, "edge");
  response.headers.set("Allow", allow);
  return response;
}
