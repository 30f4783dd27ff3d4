import { GatewayError } from "../../../shared/errors.ts";
import type { ModelCount } from "../../store/usage.ts";
import type { Tunnel } from "../../tunnel/handlers.ts";
import type { Authenticator, Origin } from "../auth/auth.ts";
import type { WebhookCounts } from "./metrics-webhooks.ts";
import { isDirect } from "../port/peer.ts";
import type { RelayReports } from "../methods/relay-reports.ts";

export interface MetricsParts {
  readonly authenticator: Authenticator;
  /** Undefined: no edge is configured. */
  readonly tunnel: () => Tunnel | undefined;
  readonly reports: RelayReports;
  /** What our own log of webhooks says; absent: there is none. */
  readonly webhooks?: () => Promise<WebhookCounts>;
  /** What models were asked for since the start. */
  readonly models: () => readonly ModelCount[];
  /** Whether programs of this machine need no token. */
  readonly openToLoopback: boolean;
}

/**
 * Answers a scrape in Prometheus' text format.
 *
 * @throws GatewayError unauthenticated; forbidden for a token that is no operator's.
 */
export async function answerMetrics(
  request: Request,
  origin: Origin,
  { authenticator, tunnel, reports, webhooks, models, openToLoopback }: MetricsParts,
): Promise<Response> {
  const isOpen = openToLoopback && origin.via === "local" && isDirect(origin);
  if (!isOpen) {
    const { principal } = authenticator.callerOf(origin, request.headers.get("Authorization"));
    if (!principal.scopes.includes("operator")) {
      throw new GatewayError("forbidden", "This token may not read metrics");
    }
  }
  // Loaded by the first scrape: most gateways are never scraped.
  const { metricsText, METRICS_TYPE } = await import("./metrics-text.ts");
  const body = await metricsText(tunnel(), reports.last(), await webhooks?.(), models());
  const headers = { "Content-Type": METRICS_TYPE, "Cache-Control": "no-store" };
  return new Response(body, { headers });
}
