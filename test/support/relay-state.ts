import type { RelayState } from "../../core/tunnel/handlers.ts";

/** One relay as a core that leads on it sees it, but for what a test changes. */
export function relayState(change: Partial<RelayState> = {}): RelayState {
  return {
    name: "weur:1",
    url: "edge.example",
    connected: true,
    since: 0,
    lastError: undefined,
    colo: "AMS",
    rttMs: 12,
    draining: false,
    leads: true,
    skewMs: 0,
    reconnects: 0,
    stats: undefined,
    ...change,
  };
}
