import { Hono, type MiddlewareHandler } from "hono";
import type { Logger } from "pino";
import { GatewayError } from "../../../shared/errors.ts";
import { demand } from "../../http/access.ts";
import { apiHandlers, type ApiParts, type Handler } from "../../http/api.ts";
import { allowOf, type Guard, type Route, ROUTE_TABLE } from "../../http/routes.ts";
import { type AppTypes, failed, observe, onlyAllow, problemOf } from "./answers.ts";
import type { Authenticator } from "../auth/auth.ts";
import type { HealthSource } from "../health.ts";
import { answerHook, type LocalHooks } from "./local-hooks.ts";
import { answerMetrics, type MetricsParts } from "./metrics.ts";
import { looksForPage, noPage } from "./no-page.ts";
import { addProbes } from "./probes.ts";

export interface AppParts {
  readonly authenticator: Authenticator;
  readonly health: HealthSource;
  readonly api: ApiParts;
  readonly hooks: LocalHooks;
  readonly metrics: Omit<MetricsParts, "authenticator">;
  readonly log: Logger;
}

/** The whole HTTP surface of the core, the same for its own port and for the tunnel. */
export function createApp(parts: AppParts): Hono<AppTypes> {
  const { authenticator, api, hooks, health, metrics, log } = parts;
  const app = new Hono<AppTypes>();
  app.use(observe(log));
  addProbes(app, health, authenticator);

  app.get("/metrics", (c) => answerMetrics(c.req.raw, c.env, { ...metrics, authenticator }));
  app.all("/metrics", onlyAllow("GET, HEAD"));

  // Who may not come in is not told what there is.
  for (const path of ["/v1/*", "/api/*"]) app.use(path, authenticate(authenticator));
  addApi(app, authenticator, api);
  app.all(`${hooks.path}/:name`, (c) => {
    return answerHook(c.req.raw, c.req.param("name"), c.env, hooks);
  });

  app.notFound((c) => {
    if (looksForPage(c.req.raw)) return noPage();
    return problemOf(c.req.path === "/" ? noPageHere() : noSuchRoute(), c);
  });
  app.onError((error, c) => failed(error, c, log));
  return app;
}

interface Served {
  readonly route: Route;
  readonly guard: Guard;
  readonly handler: Handler;
}

function addApi(app: Hono<AppTypes>, authenticator: Authenticator, api: ApiParts): void {
  for (const [path, all] of byPath(api)) {
    const pattern = path.replace("{model}", ":param{.+}").replace("{id}", ":param");
    app.use(pattern, authenticate(authenticator));
    for (const { route, guard, handler } of all) {
      app.on(route.method, pattern, (c) => {
        if (route.endpoint !== undefined && !api.endpoints()[route.endpoint]) throw noSuchRoute();
        const { caller } = c.var;
        demand(caller, guard.scope, guard.chat);
        return handler(c.req.raw, caller, c.req.param("param") ?? "");
      });
    }
    app.all(pattern, onlyAllow(allowOf(all.map(({ route }) => route.method))));
  }
}

function byPath(api: ApiParts): Map<string, Served[]> {
  const paths = new Map<string, Served[]>();
  for (const [name, handler] of Object.entries(apiHandlers(api))) {
    const route = ROUTE_TABLE.get(name);
    if (route === undefined || typeof route.access === "string") continue;
    for (const path of route.paths) {
      const served = { route, guard: route.access, handler };
      paths.set(path, [...(paths.get(path) ?? []), served]);
    }
  }
  return paths;
}

/** One answer for a missing, malformed and wrong token, so that a prober learns nothing. */
function authenticate(authenticator: Authenticator): MiddlewareHandler<AppTypes> {
  return async (c, next) => {
    // A browser asks so without a credential; whoever asks is told what methods there are.
    if (c.get("caller") === undefined && c.req.method !== "OPTIONS") {
      c.set("caller", authenticator.callerOf(c.env, c.req.header("Authorization") ?? null));
    }
    await next();
  };
}

function noSuchRoute(): GatewayError {
  return new GatewayError("not_found", "No such route");
}

function noPageHere(): GatewayError {
  return new GatewayError("not_found", "No page here; /openapi.json tells what there is");
}
