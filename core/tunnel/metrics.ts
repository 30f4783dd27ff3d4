/** Bounds of the stream seconds' buckets: a bare request to a long generation. */
const STREAM_SECONDS = [0.005, 0.025, 0.1, 0.5, 2.5, 10, 60, 300] as const;
/** Bounds of the delivery lag's buckets, in seconds: express, spooled over a restart, over a night. */
const LAG_SECONDS = [0.05, 0.25, 1, 5, 30, 300, 3_600, 86_400] as const;

/** Counts of values up to each bound, and of all. */
export interface Histogram {
  readonly bounds: readonly number[];
  /** One more than `bounds`: the last counts what is above all of them. Not cumulative. */
  readonly counts: number[];
  sum: number;
  count: number;
}

/**
 * What the tunnel counts of itself since it was started; whoever shows it reads it. Plain numbers,
 * so that counting costs next to nothing. Connections and round trips are in `Tunnel.relays`.
 */
export interface TunnelMetrics {
  /** By why the connection before ended. */
  readonly reconnects: Map<ReconnectReason, number>;
  /** Streams under way now, by kind. */
  readonly open: { http: number; websocket: number; delivery: number };
  /** Of http streams, from the head to the end. */
  readonly streamSeconds: Histogram;
  /** Content of frames of all kinds, as it crossed the socket. */
  readonly bytes: { in: number; out: number };
  /** RESETs by code, sent and received. */
  readonly resets: Map<number, number>;
  /** Webhooks by `route result`, result being committed, duplicate, poison or later. */
  readonly deliveries: Map<string, number>;
  /** From the edge's door to our inbox, in seconds. */
  readonly deliveryLag: Histogram;
  /** Bodies of webhooks in memory, from their first byte until they are answered. */
  heldBytes: number;
  /** Requests that came a second time and were not begun again. */
  dedupeHits: number;
  /** Client WebSockets taken up after another core. */
  reattaches: number;
  /** How long the last drain took, in seconds; 0 before. */
  drainSeconds: number;
}

export type ReconnectReason =
  | "closed"
  | "unreachable"
  | "refused"
  | "wrong_edge"
  | "silent"
  | "slept"
  | "replaced"
  | "moved";

export function createMetrics(): TunnelMetrics {
  return {
    reconnects: new Map(),
    open: { http: 0, websocket: 0, delivery: 0 },
    streamSeconds: histogram(STREAM_SECONDS),
    bytes: { in: 0, out: 0 },
    resets: new Map(),
    deliveries: new Map(),
    deliveryLag: histogram(LAG_SECONDS),
    heldBytes: 0,
    dedupeHits: 0,
    reattaches: 0,
    drainSeconds: 0,
  };
}

export function observe(into: Histogram, value: number): void {
  let index = 0;
  while (index < into.bounds.length && value > (into.bounds[index] ?? 0)) index += 1;
  into.counts[index] = (into.counts[index] ?? 0) + 1;
  into.sum += value;
  into.count += 1;
}

export function count<K>(into: Map<K, number>, key: K): void {
  into.set(key, (into.get(key) ?? 0) + 1);
}

function histogram(bounds: readonly number[]): Histogram {
  return { bounds, counts: bounds.map(() => 0).concat(0), sum: 0, count: 0 };
}
