/** How every route of the core answers, whatever app it belongs to. */
import type { Context, MiddlewareHandler } from "hono";
import type { Logger } from "pino";
import { GatewayError } from "../../../shared/errors.ts";
import { ERROR_HEADER, problemResponse } from "../../../shared/problem.ts";
import type { Caller } from "../../tunnel/handlers.ts";
import type { Origin } from "../auth/auth.ts";
import { loggedPath } from "./logged-path.ts";

export interface AppTypes {
  /** Decided before the app: by the edge, or by the socket of our own port. */
  readonly Bindings: Origin;
  readonly Variables: { readonly caller: Caller };
}

export type AppContext = Context<AppTypes>;

/** Everything a browser could do with an answer of ours that we do not want done. */
const SECURITY_HEADERS: readonly (readonly [string, string])[] = [
  ["X-Content-Type-Options", "nosniff"],
  ["Referrer-Policy", "no-referrer"],
  ["Permissions-Policy", "camera=(), microphone=(), geolocation=()"],
];

/** Marks every answer with its request, and logs one line for it. */
export function observe(log: Logger): MiddlewareHandler<AppTypes> {
  return async (c, next) => {
    const startedAt = performance.now();
    await next();
    const requestId = requestIdOf(c.env);
    const { headers, status } = c.res;
    for (const [name, value] of SECURITY_HEADERS) headers.set(name, value);
    headers.set("X-Request-Id", requestId);
    const line = {
      requestId,
      via: c.env.via,
      method: c.req.method,
      path: loggedPath(c.req.path),
      status,
      code: headers.get(ERROR_HEADER) ?? undefined,
      durationMs: Math.round(performance.now() - startedAt),
    };
    // Probes come every few seconds and say nothing while all is well.
    if (status < 400 && !c.req.path.startsWith("/v1/")) log.debug(line, "request answered");
    else log.info(line, "request answered");
  };
}

/** The last resort of an app: an error as an answer, and in the log when it is our own. */
export function failed(error: unknown, c: AppContext, log: Logger): Response {
  if (!(error instanceof GatewayError) || error.code === "internal") {
    log.error({ err: error, requestId: requestIdOf(c.env) }, "request failed");
  }
  return problemOf(error, c);
}

export function onlyAllow(methods: string): (c: AppContext) => Response {
  return (c) => {
    const error = new GatewayError("method_not_allowed", `Allowed here: ${methods}`);
    const response = problemOf(error, c);
    response.headers.set("Allow", methods);
    return response;
  };
}

export function problemOf(error: unknown, c: AppContext): Response {
  const { path } = c.req;
  const context = { hop: "core", requestId: requestIdOf(c.env) } as const;
  if (TOOL_PATHS.has(path)) {
    return problemResponse(error, { ...context, path, extension: toolError(error) });
  }
  // By another name it is the same endpoint, with the same clients.
  return problemResponse(error, {
    ...context,
    path: path === "/response" ? "/v1/responses" : path,
  });
}

/** Clients of these read whether it is `ok`. */
const TOOL_PATHS: ReadonlySet<string> = new Set(["/tools/invoke", "/tool"]);

function toolError(thrown: unknown): Readonly<Record<string, unknown>> {
  const known = thrown instanceof GatewayError && thrown.code !== "internal" ? thrown : undefined;
  const type = known?.code ?? "internal";
  return { ok: false, error: { type, message: known?.message ?? "The tool failed" } };
}

function requestIdOf(origin: Origin): string {
  return origin.via === "edge" ? origin.caller.requestId : origin.requestId;
}
