import * as z from "zod";
import { spanBetween, WebhookName } from "../../fields.ts";
import { Recipient } from "./target.ts";

const DAY_MS = 86_400_000;

/** When to tell somebody that webhooks are not as they should be. */
export const Alert = z.discriminatedUnion("when", [
  z.strictObject({
    when: z.literal("source_silent"),
    route: WebhookName,
    after: spanBetween(60_000, 30 * DAY_MS),
    to: Recipient,
  }),
  z.strictObject({
    when: z.literal("signature_failures"),
    /** Left out: of all routes together. */
    route: WebhookName.optional(),
    count: z.int().min(1).max(1_000_000).default(20),
    within: spanBetween(1_000, DAY_MS).prefault("10m"),
    to: Recipient,
  }),
  /** Something was given up, at the edge or here. */
  z.strictObject({ when: z.literal("dead_letters"), to: Recipient }),
  z.strictObject({
    when: z.literal("core_unreachable"),
    /** An edge tells once in an outage. */
    after: spanBetween(10_000, DAY_MS).prefault("5m"),
    to: Recipient,
  }),
]);
export type Alert = z.output<typeof Alert>;
