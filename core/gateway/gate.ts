/** What a suspended gateway does not begin. Pure but for the suspension it asks. */
import { GatewayError } from "../../shared/errors.ts";
import { problemResponse } from "../../shared/problem.ts";
import type { Methods } from "../methods/method.ts";
import type { Suspension } from "../methods/system/suspension.ts";
import type { Origin } from "./auth.ts";

/** A suspension is short, or the machine is asleep. */
const RETRY_AFTER_MS = 5_000;

/** Methods that make work; all others only look, or change what is set. */
const WORK: ReadonlySet<string> = new Set([
  "agent",
  "chat.send",
  "cron.run",
  "message.action",
  "send",
  "sessions.compact",
  "sessions.send",
  "tools.invoke",
]);

type Gate = Pick<Suspension, "admit">;

/** The same methods, of which those that make work are refused while the gateway is suspended. */
export function gateMethods(methods: Methods, gate: Gate): Methods {
  return new Map(
    methods.entries().map(([name, method]) => {
      if (!WORK.has(name)) return [name, method];
      const call: typeof method.call = (params, context) => {
        gate.admit();
        return method.call(params, context);
      };
      return [name, { ...method, call }];
    }),
  );
}

/** Whether a request asks for work: the probes of a suspended gateway are answered as ever. */
export function isWork({ method }: Request): boolean {
  return method !== "GET" && method !== "HEAD" && method !== "OPTIONS";
}

/** The answer to one that does. */
export function suspended(request: Request, origin: Origin): Response {
  const { requestId } = origin.via === "edge" ? origin.caller : origin;
  const error = new GatewayError("core_draining", "The gateway is suspended", {
    retryAfterMs: RETRY_AFTER_MS,
  });
  const path = new URL(request.url).pathname;
  return problemResponse(error, { hop: "core", requestId, path });
}
