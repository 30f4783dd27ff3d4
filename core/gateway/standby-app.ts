import { Hono } from "hono";
import type { Logger } from "pino";
import { GatewayError } from "../../shared/errors.ts";
import { type AppTypes, failed, observe, problemOf } from "./answers.ts";
import type { Authenticator } from "./auth.ts";
import type { HealthSource } from "./health.ts";
import { addProbes } from "./probes.ts";
import type { LocalHandlers } from "./serve.ts";

/** A takeover is over by then. */
const RETRY_AFTER_MS = 1_000;

export interface StandbyAppParts {
  readonly authenticator: Authenticator;
  readonly health: HealthSource;
  readonly log: Logger;
}

/** Our own port while another core leads: it says so, to probes and to everybody else. */
export function standbyHandlers({ authenticator, health, log }: StandbyAppParts): LocalHandlers {
  const app = new Hono<AppTypes>();
  app.use(observe(log));
  addProbes(app, health, authenticator);
  app.all("*", (c) => problemOf(notLeader(), c));
  app.onError((error, c) => failed(error, c, log));
  return {
    fetch: (request, peer) => app.fetch(request, { via: "local", ...peer }),
    upgrade: notLeader,
  };
}

function notLeader(): GatewayError {
  return new GatewayError("not_leader", "This gateway stands by: another one leads", {
    retryAfterMs: RETRY_AFTER_MS,
  });
}
