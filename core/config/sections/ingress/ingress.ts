import * as z from "zod";
import { HttpUrl, WebhookName } from "../../fields.ts";
import { Alert } from "./alert.ts";
import { Route } from "./route.ts";

/** The longest body there is must fit, with some that wait beside it. */
const MIN_LOG_BYTES = 32 * 1024 * 1024;

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
        .min(
          MIN_LOG_BYTES,
          `must be at least ${MIN_LOG_BYTES} (32 MiB): one webhook may have 25 MB`,
        )
        .max(1024 * 1024 * 1024 * 1024)
        .default(512 * 1024 * 1024),
    })
    .prefault({}),
  /** Where senders are answered later: for another cloud of theirs, and for tests. */
  senders: z
    .strictObject({
      slack: z
        .strictObject({
          origins: z
            .array(HttpUrl.refine(isOrigin, "must be like https://hooks.slack.com, without a path"))
            .min(1)
            .max(8)
            .default(["https://hooks.slack.com"]),
        })
        .prefault({}),
      discord: z
        .strictObject({ apiRoot: HttpUrl.default("https://discord.com/api/v10") })
        .prefault({}),
    })
    .prefault({}),
  alerts: z.array(Alert).max(64).default([]),
});
export type Ingress = z.output<typeof Ingress>;

function isOrigin(text: string): boolean {
  return URL.parse(text)?.origin === text.replace(/\/$/, "");
}
