import type { IngressSettings } from "../../config/ingress/ingress.ts";
import type { WebhookLogLimits } from "../../store/webhook.ts";

const DAY_MS = 86_400_000;

/** How much of the log of webhooks is kept, as the settings are now. */
export function logLimitsOf({ log }: IngressSettings): WebhookLogLimits {
  return { maxAgeMs: log.days * DAY_MS, maxBytes: log.maxBytes };
}
