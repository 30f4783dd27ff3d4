import type { OutageAlert } from "../../shared/ingress/route.ts";
import { errorFacts, logLine } from "../log.ts";
import type { Fetch } from "../published-keys.ts";
import type { KeepAlive } from "../single-flight.ts";

/** Nobody waits for it, but the isolate must not keep what never answers. */
const TIMEOUT_MS = 10_000;

export interface OutageErrand {
  /** How long the core has been away. */
  readonly outageMs: number;
  readonly keepAlive: KeepAlive;
  readonly fetch: Fetch;
}

/**
 * Tells whoever is to be told that webhooks come and the core does not, once: the relay says when.
 * Beside the webhook, which does not wait for it.
 */
export function sendOutageAlert(alert: OutageAlert, errand: OutageErrand): void {
  errand.keepAlive(send(alert, errand));
}

async function send(alert: OutageAlert, { outageMs, fetch }: OutageErrand): Promise<void> {
  // Never the address: with many services whoever knows it may write there.
  try {
    const response = await fetch(alert.url, {
      method: "POST",
      headers: alert.headers.map(([name, value]) => [name, value]),
      body: alert.body,
      redirect: "manual",
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    await response.body?.cancel();
    const { status } = response;
    const level = response.ok ? "info" : "error";
    logLine(level, { event: "outage_alert_sent", status, outageMs });
  } catch (error) {
    logLine("error", { event: "outage_alert_failed", outageMs, ...errorFacts(error) });
  }
}
