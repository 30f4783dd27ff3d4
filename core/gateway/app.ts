import { type Context, Hono, type MiddlewareHandler } from "hono";
import type { Logger } from "pino";
import { GatewayError } from "../../shared/errors.ts";
import type { Principal } from "../../shared/principal.ts";
import { ERROR_HEADER, problemResponse } from "../../shared/problem.ts";
import { chatCompletion, type ChatParts } from "../http/chat-completions.ts";
import { describeModel, listModels, type ModelIdentity } from "../http/models.ts";
import type { Caller } from "../tunnel/handlers.ts";
import type { Authenticator, Origin } from "./auth.ts";
import { answerHook, type LocalHooks } from "./local-hooks.ts";
import { fullHealth, type HealthSource, LIVE, readiness } from "./health.ts";

export interface AppTypes {
  /** Decided before the app: by the edge, or by the socket of our own port. */
  readonly Bindings: Origin;
  readonly Variables: { readonly caller: Caller };
}

export interface AppParts {
  readonly authenticator: Authenticator;
  readonly health: HealthSource;
  /** Undefined: the endpoint is switched off. */
  readonly chat: ChatParts | undefined;
  /** Undefined: webhooks of our own are off. */
  readonly hooks: LocalHooks | undefined;
  readonly model: ModelIdentity;
  readonly log: Logger;
}

type AppContext = Context<AppTypes>;

/** Everything a browser could do with an answer of ours that we do not want done. */
const SECURITY_HEADERS: readonly (readonly [string, string])[] = [
  ["X-Content-Type-Options", "nosniff"],
  ["Referrer-Policy", "no-referrer"],
  ["Permissions-Policy", "camera=(), microphone=(), geolocation=()"],
];

/** The whole HTTP surface of the core, the same for its own port and for the tunnel. */
export function createApp(parts: AppParts): Hono<AppTypes> {
  const { chat, hooks, health, model, log } = parts;
  const app = new Hono<AppTypes>();
  app.use(observe(log));

  for (const path of ["/health", "/healthz"]) {
    app.get(path, (c) => fresh(c, isKnown(c, parts) ? fullHealth(health) : LIVE));
    app.all(path, onlyAllow("GET, HEAD"));
  }
  for (const path of ["/ready", "/readyz"]) {
    app.get(path, (c) => {
      const { ready, failing } = readiness(health);
      return fresh(c, isKnown(c, parts) ? { ready, failing } : { ready }, ready ? 200 : 503);
    });
    app.all(path, onlyAllow("GET, HEAD"));
  }

  app.use("/v1/*", authenticate(parts.authenticator));
  app.get("/v1/models", (c) => c.json(listModels(model)));
  app.all("/v1/models", onlyAllow("GET, HEAD"));
  // A model name may hold a slash.
  app.get("/v1/models/:id{.+}", (c) => c.json(describeModel(c.req.param("id"), model)));
  app.all("/v1/models/:id{.+}", onlyAllow("GET, HEAD"));
  if (chat !== undefined) {
    app.post("/v1/chat/completions", (c) => chatCompletion(c.req.raw, c.var.caller, chat));
    app.all("/v1/chat/completions", onlyAllow("POST"));
  }
  if (hooks !== undefined) {
    const path = `${hooks.path}/:name`;
    app.post(path, (c) => answerHook(c.req.raw, c.req.param("name") ?? "", c.env, hooks));
    app.all(path, onlyAllow("POST"));
  }

  app.notFound((c) => problemOf(new GatewayError("not_found", "No such route"), c));
  app.onError((error, c) => {
    if (!(error instanceof GatewayError) || error.code === "internal") {
      log.error({ err: error, requestId: requestIdOf(c.env) }, "request failed");
    }
    return problemOf(error, c);
  });
  return app;
}

/** Marks every answer with its request, and logs one line for it. */
function observe(log: Logger): MiddlewareHandler<AppTypes> {
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
      path: c.req.path.slice(0, 256),
      status,
      code: headers.get(ERROR_HEADER) ?? undefined,
      durationMs: Math.round(performance.now() - startedAt),
    };
    // Probes come every few seconds and say nothing while all is well.
    if (status < 400 && !c.req.path.startsWith("/v1/")) log.debug(line, "request answered");
    else log.info(line, "request answered");
  };
}

/** One answer for a missing, malformed and wrong token, so that a prober learns nothing. */
function authenticate(authenticator: Authenticator): MiddlewareHandler<AppTypes> {
  return async (c, next) => {
    const caller = authenticator.callerOf(c.env, c.req.header("Authorization") ?? null);
    if (!mayChat(caller.principal)) {
      throw new GatewayError("forbidden", "This token may not talk to the agent");
    }
    c.set("caller", caller);
    await next();
  };
}

function mayChat({ scopes }: Principal): boolean {
  return scopes.includes("operator") || scopes.includes("chat");
}

/** Whether to tell more. A wrong token is no error where none is needed, but counts as an attempt. */
function isKnown(c: AppContext, { authenticator }: AppParts): boolean {
  try {
    authenticator.callerOf(c.env, c.req.header("Authorization") ?? null);
    return true;
  } catch (error) {
    if (error instanceof GatewayError) return false;
    throw error;
  }
}

function onlyAllow(methods: string): (c: AppContext) => Response {
  return (c) => {
    const error = new GatewayError("method_not_allowed", `Allowed here: ${methods}`);
    const response = problemOf(error, c);
    response.headers.set("Allow", methods);
    return response;
  };
}

function fresh(c: AppContext, body: object, status: 200 | 503 = 200): Response {
  return c.json(body, status, { "Cache-Control": "no-store" });
}

function problemOf(error: unknown, c: AppContext): Response {
  return problemResponse(error, { hop: "core", requestId: requestIdOf(c.env), path: c.req.path });
}

function requestIdOf(origin: Origin): string {
  return origin.via === "edge" ? origin.caller.requestId : origin.requestId;
}
