import { Hono, type MiddlewareHandler } from "hono";
import type { Logger } from "pino";
import { GatewayError } from "../../shared/errors.ts";
import type { Principal } from "../../shared/principal.ts";
import { chatCompletion, type ChatParts } from "../http/chat-completions.ts";
import { describeModel, listModels, type ModelIdentity } from "../http/models.ts";
import { type AppTypes, failed, observe, onlyAllow, problemOf } from "./answers.ts";
import type { Authenticator } from "./auth.ts";
import type { HealthSource } from "./health.ts";
import { answerHook, type LocalHooks } from "./local-hooks.ts";
import { answerMetrics, type MetricsParts } from "./metrics.ts";
import { addProbes } from "./probes.ts";

export interface AppParts {
  readonly authenticator: Authenticator;
  readonly health: HealthSource;
  /** Undefined: the endpoint is switched off. */
  readonly chat: ChatParts | undefined;
  readonly hooks: LocalHooks;
  readonly metrics: Omit<MetricsParts, "authenticator">;
  readonly model: ModelIdentity;
  readonly log: Logger;
}

/** The whole HTTP surface of the core, the same for its own port and for the tunnel. */
export function createApp(parts: AppParts): Hono<AppTypes> {
  const { authenticator, chat, hooks, health, metrics, model, log } = parts;
  const app = new Hono<AppTypes>();
  app.use(observe(log));
  addProbes(app, health, authenticator);

  app.get("/metrics", (c) => answerMetrics(c.req.raw, c.env, { ...metrics, authenticator }));
  app.all("/metrics", onlyAllow("GET, HEAD"));

  app.use("/v1/*", authenticate(authenticator));
  app.get("/v1/models", (c) => c.json(listModels(model)));
  app.all("/v1/models", onlyAllow("GET, HEAD"));
  // A model name may hold a slash.
  app.get("/v1/models/:id{.+}", (c) => c.json(describeModel(c.req.param("id"), model)));
  app.all("/v1/models/:id{.+}", onlyAllow("GET, HEAD"));
  if (chat !== undefined) {
    app.post("/v1/chat/completions", (c) => chatCompletion(c.req.raw, c.var.caller, chat));
    app.all("/v1/chat/completions", onlyAllow("POST"));
  }
  app.all(`${hooks.path}/:name`, (c) => {
    return answerHook(c.req.raw, c.req.param("name"), c.env, hooks);
  });

  app.notFound((c) => problemOf(new GatewayError("not_found", "No such route"), c));
  app.onError((error, c) => failed(error, c, log));
  return app;
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
