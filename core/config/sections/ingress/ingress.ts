import * as z from "zod";
import { WebhookName } from "../../fields.ts";
import { Alert } from "./alert.ts";
import { Route } from "./route.ts";

/** Webhooks that are taken in at the edge. */
export const Ingress = z.strictObject({
  routes: z
    .record(WebhookName, Route)
    .refine((routes) => Object.keys(routes).length <= 256, "may have 256 entries")
    .default({}),
  /** What came in, kept to be looked at and replayed. */
  log: z
    .strictObject({
      days: z.int().min(1).max(365).default(14),
      maxBytes: z
        .int()
        .min(1024 * 1024)
        .max(1024 * 1024 * 1024 * 1024)
        .default(512 * 1024 * 1024),
    })
    .prefault({}),
  alerts: z.array(Alert).max(64).default([]),
});
export type Ingress = z.output<typeof Ingress>;
