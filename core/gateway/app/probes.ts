import type { Hono } from "hono";
import { GatewayError } from "../../../shared/errors.ts";
import type { Authenticator } from "../auth/auth.ts";
import { type AppContext, type AppTypes, onlyAllow } from "./answers.ts";
import { fullHealth, type HealthSource, liveness, readiness } from "../health.ts";

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
  for (const path of ["/startup", "/startupz"]) {
    app.get(path, (c) => {
      const isDraining = health.role() === "draining";
      const told = { ok: !isDraining, status: isDraining ? "draining" : "started" };
      const { version, now, startedAt } = health;
      const body = knows(c) ? { ...told, version, uptimeMs: now() - startedAt } : told;
      return fresh(c, body, isDraining ? 503 : 200);
    });
    app.all(path, onlyAllow("GET, HEAD"));
  }
  const eventLoop = loopUse();
  for (const path of ["/ready", "/readyz"]) {
    app.get(path, async (c) => {
      const { ready, failing } = await readiness(health);
      const uptimeMs = health.now() - health.startedAt;
      const told = failing.includes("standby") ? { ready, failing } : { ready };
      const body = knows(c) ? { ready, failing, uptimeMs, eventLoop: eventLoop() } : told;
      return fresh(c, body, ready ? 200 : 503);
    });
    app.all(path, onlyAllow("GET, HEAD"));
  }
}

/** How busy this thread was since it was last asked for. */
function loopUse(): () => { readonly utilization: number } {
  let before = performance.eventLoopUtilization();
  return () => {
    const now = performance.eventLoopUtilization();
    const { utilization } = performance.eventLoopUtilization(now, before);
    before = now;
    return { utilization: Math.round(utilization * 1_000) / 1_000 };
  };
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
