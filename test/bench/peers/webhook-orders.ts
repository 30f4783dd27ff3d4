/** What the core of `webhook-core.ts` is told, and what it says: both ends parse these. */
import * as z from "zod";

export const WebhookOrder = z.discriminatedUnion("kind", [
  /** Its tunnel ends. */
  z.object({ kind: z.literal("leave") }),
  /** It dials again; done when the edge has its routes. */
  z.object({ kind: z.literal("return") }),
  /** Done when it has had so many webhooks since it was started, and the relay has none left. */
  z.object({ kind: z.literal("drain"), until: z.int() }),
  z.object({ kind: z.literal("count") }),
]);
export type WebhookOrder = z.output<typeof WebhookOrder>;

export const WebhookCounts = z.object({
  /** Webhooks it has had since it was started, each counted once. */
  committed: z.int(),
  /** Those that came again. */
  duplicates: z.int(),
  /** Webhook bytes and all else that came through the tunnel now open. */
  bytesIn: z.number(),
  /** Milliseconds that doing it took. */
  ms: z.number(),
});
export type WebhookCounts = z.output<typeof WebhookCounts>;

/** Its routes, all signed alike. */
export const ROUTES = {
  express: { mode: "express" },
  durable: { mode: "durable" },
  /** Each webhook in a lane of its own. */
  lanes: { mode: "express", laneHeader: "x-delivery" },
} as const;
export type RouteName = keyof typeof ROUTES;

/** Where these routes have the sender's id of a webhook. */
export const ID_HEADER = "X-Delivery";
