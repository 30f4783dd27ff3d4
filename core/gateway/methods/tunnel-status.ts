/** What `tunnel.status` answers, and a gateway that stands by to `GET /tunnel/status`. */
import type { Lease } from "../../store/store.ts";
import type { RelayState, Tunnel } from "../../tunnel/handlers.ts";
import type { RelayReport, RelayReports } from "./relay-reports.ts";

/** Where a gateway that stands by tells it: there is no RPC before it leads. */
export const STATUS_PATH = "/tunnel/status";

/** A relay this far away is in the wrong place: one near the core answers within a few ms. */
export const FAR_MS = 40;
/** Signed connect requests are refused at a minute; this much is worth a look long before. */
const SKEW_MS = 5_000;

export interface StatusSource {
  readonly tunnel: Pick<Tunnel, "state" | "relays" | "key">;
  readonly reports: ReadonlyMap<string, RelayReport>;
  readonly mode: "leader" | "standby";
  /** Null for one without the state. */
  readonly lease: Lease | null;
  readonly waitsFor: WaitsFor | null;
  readonly now: () => number;
}

/** What a standby leads on: the state another gateway has, or the edge's word that no other leads. */
export type WaitsFor = "state" | "work";

export interface TunnelStatus {
  readonly configured: true;
  readonly mode: "leader" | "standby";
  readonly lease: Lease | null;
  /** Null for one that leads. */
  readonly waitsFor: WaitsFor | null;
  /** Name of the key that this core dials with. */
  readonly kid: string;
  readonly connected: boolean;
  /** Unix ms. */
  readonly since: number;
  readonly lastError: string | null;
  readonly relays: readonly RelayStatus[];
  readonly warnings: readonly string[];
  /** Unix ms. */
  readonly at: number;
}

export interface RelayStatus extends Omit<RelayState, "lastError" | "rttMs"> {
  readonly lastError: string | null;
  readonly rttMs: number | null;
  /** What the relay says of itself; null when it could not be asked. */
  readonly report: RelayReport | null;
}

/** Measures every round trip and asks every relay, which wakes them. */
export async function askAll(
  tunnel: Pick<Tunnel, "measure">,
  reports: RelayReports,
): Promise<ReadonlyMap<string, RelayReport>> {
  const [fresh] = await Promise.all([reports.ask(), tunnel.measure()]);
  return fresh;
}

/** Pure. */
export function tunnelStatus(source: StatusSource): TunnelStatus {
  const { tunnel, reports, mode, lease, waitsFor, now } = source;
  const { connected, since, lastError, warnings } = tunnel.state;
  return {
    configured: true,
    mode,
    lease,
    waitsFor,
    kid: tunnel.key.kid,
    connected,
    since,
    lastError: lastError ?? null,
    relays: tunnel.relays.map((relay) => ({
      ...relay,
      lastError: relay.lastError ?? null,
      rttMs: relay.rttMs ?? null,
      report: reports.get(relay.name) ?? null,
    })),
    // The clock is the same for all of them.
    warnings: [...new Set([...warnings, ...tunnel.relays.flatMap(warningsOf)])],
    at: now(),
  };
}

/** What is measured of a relay and is not as it should be. */
function warningsOf({ name, rttMs, skewMs, connected, draining }: RelayState): string[] {
  const warnings: string[] = [];
  if (connected && !draining && rttMs !== undefined && rttMs > FAR_MS) {
    warnings.push(
      `Relay ${name} is ${Math.round(rttMs)} ms away: give it a region nearer to this core and a new generation`,
    );
  }
  if (Math.abs(skewMs) > SKEW_MS) {
    const seconds = Math.round(Math.abs(skewMs) / 1000);
    const direction = skewMs > 0 ? "behind" : "ahead of";
    warnings.push(`This machine's clock is ${seconds} s ${direction} the edge's: set it by NTP`);
  }
  return warnings;
}
