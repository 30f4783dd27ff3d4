import type { Logger } from "pino";
import type { TunnelHandlers } from "../handlers.ts";
import type { TunnelMetrics } from "../metrics.ts";

/** What it takes to answer a stream. */
export interface Service {
  readonly handlers: TunnelHandlers;
  readonly metrics: TunnelMetrics;
  readonly log: Logger;
  /** Unix ms by the edge's clock. */
  edgeNow(): number;
}
