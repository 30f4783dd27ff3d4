/** What a relay counts of webhooks: part of its STATS and of its answer to `GET /state`. */
import * as z from "zod";

const Count = z.number().min(0).catch(0);

/** Open, and lenient: a relay of another version may say less, and says the rest all the same. */
export const RelayWebhooks = z.object({
  /** Webhooks that wait for a core. */
  spooled: Count,
  /** Of bodies and headers, waiting. */
  bytes: Count,
  /** Given up, kept for people. */
  dead: Count,
  /** When the oldest that waits came in, Unix ms. */
  oldestAt: z.number().nullish().catch(null),
  /** Waiting, and not verified yet. */
  unverified: Count,
  /** Since the relay woke, as are those below. */
  accepted: Count,
  duplicates: Count,
  spooledTotal: Count,
  /** By `<route> <reason>`. */
  refused: z.record(z.string(), z.number()).catch({}),
});
export type RelayWebhooks = z.output<typeof RelayWebhooks>;

const Report = z.object({ webhooks: RelayWebhooks });

/** @returns Undefined for a relay that says nothing of webhooks. Pure. */
export function relayWebhooks(stats: unknown): RelayWebhooks | undefined {
  const report = Report.safeParse(stats);
  return report.success ? report.data.webhooks : undefined;
}

/** The last word of a key is the reason: a route has no space in it, and reasons have none. Pure. */
export function refusalOf(key: string): { readonly route: string; readonly reason: string } {
  const [route = "", reason = ""] = key.split(" ");
  return { route, reason };
}
