/** What the gateway tells its clients without being asked. */
import type { OperatorScope } from "./method.ts";

/** All events there are: the greeting lists them. */
export const EVENTS = [
  "connect.challenge",
  "agent",
  "chat",
  "session.message",
  "sessions.changed",
  "presence",
  "tick",
  "health",
  "heartbeat",
  "cron",
  "shutdown",
  "config.changed",
  "gateway.suspension",
  "device.pair.requested",
  "device.pair.resolved",
  "device.pair.changed",
  "device.pair.setup.completed",
  "exec.approval.requested",
  "exec.approval.resolved",
] as const;
export type GatewayEvent = (typeof EVENTS)[number];

/** Who is told. Everybody who is through the handshake and fits all that is said here. */
export interface Audience {
  /** Default: `operator.read`. */
  readonly scope?: OperatorScope | undefined;
  /** Only clients that have subscribed to it. */
  readonly topic?: string | undefined;
  /** Only this connection. */
  readonly connection?: string | undefined;
  /** True: not worth waking the relay for; clients at the edge are left out. */
  readonly localOnly?: boolean | undefined;
  /** True: a client that cannot follow misses this one instead of being closed. */
  readonly droppable?: boolean | undefined;
}

/** Tells clients. */
export interface EventHub {
  publish(event: GatewayEvent, payload: unknown, to?: Audience): void;
}
