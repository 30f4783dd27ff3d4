import type { Hono } from "hono";
import { GatewayError } from "../../shared/errors.ts";
import type { Authenticator } from "./auth.ts";
import { type AppContext, type AppTypes, onlyAllow } from "./answers.ts";
import { fullHealth, type HealthSource, liveness, readiness } from "./health.ts";

/** Adds what probes ask: whether we live, and whether we take work. Whoever has a token learns more. */
export function addProbes(
  app: Hono<AppTypes>,
  health: HealthSource,
  authenticator: Authenticator,
): void {
  const knows = (c: AppContext): boolean => isKnown(c, authenticator);
  for (const path of ["/health", "/healthz"]) {
    app.get(path, (c) => fresh(c, knows(c) ? fullHealth(health) : liveness(health)));
    app.all(path, onlyAllow("GET, HEAD"));
  }
  for (const path of ["/ready", "/readyz"]) {
    app.get(path, async (c) => {
      const { ready, failing } = await readiness(health);
      const body = knows(c) || failing.includes("standby") ? { ready, failing } : { ready };
      return fresh(c, body, ready ? 200 : 503);
    });
    app.all(path, onlyAllow("GET, HEAD"));
  }
}

/** Whether to tell more. A wrong token is no error where none is needed, but counts as an attempt. */
function isKnown(c: AppContext, authenticator: Authenticator): boolean {
  try {
    authenticator.callerOf(c.env, c.req.header("Authorization") ?? null);
    return true;
  } catch (error) {
    if (error instanceof GatewayError) return false;
    throw error;
  }
}

function fresh(c: AppContext, body: object, status: 200 | 503 = 200): Response {
  return c.json(body, status, { "Cache-Control": "no-store" });
}
