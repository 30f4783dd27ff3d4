import { Hono } from "hono";
import type { Logger } from "pino";
import { GatewayError } from "../../../shared/errors.ts";
import type { Settings } from "../../config/settings.ts";
import type { ModelIdentity } from "../../http/agents.ts";
import type { Tunnel } from "../../tunnel/handlers.ts";
import { type AppContext, type AppTypes, failed, observe, problemOf } from "./answers.ts";
import type { Authenticator } from "../auth/auth.ts";
import { authenticatorOf } from "../auth/door.ts";
import { type HealthSource, standbySource } from "../health.ts";
import { addProbes } from "./probes.ts";
import { RelayReports } from "../methods/relay-reports.ts";
import type { LocalHandlers } from "../port/serve.ts";
import { askAll, STATUS_PATH, tunnelStatus, type WaitsFor } from "../methods/tunnel-status.ts";

/** A takeover is over by then. */
const RETRY_AFTER_MS = 1_000;

export interface StandbyAppParts {
  readonly authenticator: Authenticator;
  readonly health: HealthSource;
  /** Undefined: no edge is configured, or it is not dialled yet. */
  readonly tunnel: () => Tunnel | undefined;
  readonly reports: RelayReports;
  readonly waitsFor: () => WaitsFor;
  readonly log: Logger;
}

export interface StandbyParts extends Pick<StandbyAppParts, "tunnel" | "waitsFor" | "log"> {
  /** As they are now. */
  readonly settings: () => Settings;
  readonly version: string;
  readonly model: () => ModelIdentity;
  /** Unix ms. */
  readonly startedAt: number;
}

/** Our own port while another core leads: it says so, to probes and to everybody else. */
export function standbyDesk(parts: StandbyParts): LocalHandlers {
  const { settings, tunnel } = parts;
  return standbyHandlers({
    ...parts,
    authenticator: authenticatorOf(settings),
    health: standbySource(parts),
    reports: new RelayReports(tunnel),
  });
}

function standbyHandlers(parts: StandbyAppParts): LocalHandlers {
  const { authenticator, health, log } = parts;
  const app = new Hono<AppTypes>();
  app.use(observe(log));
  addProbes(app, health, authenticator);
  app.get(STATUS_PATH, async (c) =>
    c.json(await statusFor(c, parts), 200, { "Cache-Control": "no-store" }),
  );
  app.all("*", (c) => problemOf(notLeader(), c));
  app.onError((error, c) => failed(error, c, log));
  return {
    fetch: (request, peer) => app.fetch(request, { via: "local", ...peer }),
    upgrade: notLeader,
  };
}

/** @throws GatewayError unauthenticated; forbidden for a token that is no operator's. */
async function statusFor(c: AppContext, parts: StandbyAppParts): Promise<object> {
  const { authenticator, health, reports, waitsFor } = parts;
  const { principal } = authenticator.callerOf(c.env, c.req.header("Authorization") ?? null);
  if (!principal.scopes.includes("operator")) {
    throw new GatewayError("forbidden", "This token may not see the tunnel");
  }
  const tunnel = parts.tunnel();
  if (tunnel === undefined) return { configured: false };
  const { now } = health;
  return tunnelStatus({
    tunnel,
    reports: await askAll(tunnel, reports),
    mode: "standby",
    lease: null,
    waitsFor: waitsFor(),
    now,
  });
}

function notLeader(): GatewayError {
  return new GatewayError("not_leader", "This gateway stands by: another one leads", {
    retryAfterMs: RETRY_AFTER_MS,
  });
}
