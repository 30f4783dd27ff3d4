/** Who does not get past a gate, by the head of the request alone or later, and what is said to him. */
import { type ErrorCode, GatewayError } from "../../shared/errors.ts";
import type { IngressRoute } from "../../shared/ingress/route.ts";
import { err, ok, type Result } from "../../shared/result.ts";
import { notAllowed } from "../answer.ts";
import type { Isolate } from "../isolate.ts";
import { logLine } from "../log.ts";
import { bodyTooLarge } from "../middleware/limits.ts";
import { countFailure } from "../middleware/rate-limit.ts";
import type { RefusalCount } from "../relay-call.ts";
import type { Visit } from "../visit.ts";
import type { Gate } from "./gate.ts";
import type { Fault } from "./refusals.ts";

const BUSY_RETRY_MS = 2_000;
const REPORT_DEADLINE_MS = 4_000;

/** What the head of a request tells of its body. */
export interface Head {
  /** Undefined when it does not say. */
  readonly declaredBytes: number | undefined;
}

/** All that can be known before a byte of the body is read, the cheapest first. */
export async function checkHead(visit: Visit, gate: Gate): Promise<Result<Head, Fault>> {
  const { request, now } = visit;
  const fault = gate.admit(visit.ip, countryOf(visit)) ?? formFault(visit, gate);
  if (fault !== undefined) return err(fault);
  if (request.method === "GET") return ok({ declaredBytes: undefined });
  const screened = await gate.scheme?.screen(request.headers, now);
  if (screened?.ok === false) return err(screened.error.reason);
  const length = visit.header("content-length");
  const declaredBytes = length === undefined ? undefined : Number(length);
  if ((declaredBytes ?? 0) > gate.route.maxBodyBytes) return err("too_large");
  return ok({ declaredBytes });
}

function formFault(visit: Visit, { route, scheme }: Gate): Fault | undefined {
  const { method } = visit.request;
  // Only a challenge comes by GET: the form of a body does not matter then.
  if (method === "GET" && scheme?.challenge !== undefined) return undefined;
  if (!route.methods.some((one) => one === method)) return "method";
  return takesType(route, visit.header("content-type")) ? undefined : "content_type";
}

/** As the platform knows it. On Cloudflare a header of that name says the same; elsewhere ours does. */
function countryOf(visit: Visit): string | undefined {
  const country = visit.request.cf?.["country"] ?? visit.header("cf-ipcountry")?.toUpperCase();
  return typeof country === "string" && country !== "XX" ? country : undefined;
}

function takesType({ contentTypes }: IngressRoute, header = ""): boolean {
  const [type = ""] = header.split(";", 1);
  return contentTypes === undefined || contentTypes.includes(type.trim().toLowerCase());
}

/** Whoever does not prove to be the sender is told the same, whatever it was. */
const UNPROVEN = ["unauthenticated", "This webhook does not prove where it comes from"] as const;
const ELSEWHERE = ["forbidden", "This webhook is not taken from there"] as const;

const ANSWERS = {
  address: ELSEWHERE,
  country: ELSEWHERE,
  challenge: ["forbidden", "This is not the challenge that was expected"],
  content_type: ["unsupported_media_type", "This webhook does not take such a body"],
  missing_header: UNPROVEN,
  bad_format: UNPROVEN,
  stale: UNPROVEN,
  future: UNPROVEN,
  mismatch: UNPROVEN,
  unknown_key: UNPROVEN,
  slow: ["too_slow", "The body of this webhook takes too long"],
  busy: ["overloaded", "Too many webhooks at once: send it again"],
  cut: ["canceled", "The body of this webhook is not whole"],
  malformed: ["invalid_request", "The body is not what this route takes"],
} as const satisfies Record<Exclude<Fault, "method" | "too_large">, readonly [ErrorCode, string]>;

/**
 * Refuses a webhook: counted, said in the log now and then, and told to the relay once a minute.
 *
 * @throws GatewayError that fits the fault; `rate_limited` for an address that has failed too often
 *   to prove itself.
 */
export async function turnAway(visit: Visit, gate: Gate, fault: Fault): Promise<Response> {
  note(visit, gate.route.name, fault);
  if (fault === "method") return notAllowed(visit, gate.methods);
  if (fault === "too_large") throw bodyTooLarge(gate.route.maxBodyBytes);
  const [code, message] = ANSWERS[fault];
  if (code === "unauthenticated" || fault === "challenge") {
    await countFailure(visit, "webhook");
  }
  const retryAfterMs = fault === "busy" ? BUSY_RETRY_MS : undefined;
  throw new GatewayError(code, message, { retryAfterMs });
}

function note(visit: Visit, route: string, reason: Fault): void {
  const { isolate, now, requestId, keepAlive } = visit;
  const count = isolate.refusals.note(route, reason, now);
  if (count !== undefined) {
    logLine("warn", { event: "webhook_refused", route, reason, count, requestId });
  }
  const due = isolate.refusals.takeIfDue(now);
  if (due !== undefined) keepAlive(report(isolate, due));
}

/** Best effort: these are counts for people, and the next webhook takes those of its time along. */
async function report({ relays }: Isolate, refused: readonly RefusalCount[]): Promise<void> {
  const call = { v: 1, kind: "refusals", refused } as const;
  const told = await relays.primary.client.ask(call, REPORT_DEADLINE_MS);
  if (!told.ok) logLine("warn", { event: "refusals_not_reported", reason: told.error.reason });
}
