import * as z from "zod";
import { LIMITS } from "../../../shared/limits.ts";
import { DurationMs, HttpUrl, SecretText } from "../fields.ts";

/** Longest a relay may be kept busy by what one caller saved up: it sleeps after 10 quiet seconds. */
const MAX_BURST_SECONDS = 10;

const Rate = z
  .strictObject({
    /** Requests one caller may send per second, for long. */
    perSecond: z.number().positive().max(100_000).default(LIMITS.ratePerSecond),
    /** Requests one caller may send at once. */
    burst: z.int().positive().max(1_000_000).default(LIMITS.rateBurst),
  })
  .refine(({ perSecond, burst }) => burst / perSecond <= MAX_BURST_SECONDS, {
    error: `burst may be at most ${MAX_BURST_SECONDS} times perSecond`,
    path: ["burst"],
  });

/** Everything that OpenClaw has no word for. */
export const Sallyport = z.strictObject({
  edge: z
    .strictObject({
      url: HttpUrl,
      /** One-time secret that introduces this core to its edge; not needed afterwards. */
      pairing: SecretText.optional(),
    })
    .optional(),
  limits: z
    .strictObject({
      rate: Rate.prefault({}),
      maxRequestBodyBytes: z
        .int()
        .min(1_024)
        .max(LIMITS.maxRequestBodyBytes)
        .default(LIMITS.maxRequestBodyBytes),
      /** Longest a turn may take, its model and tools together. */
      turnTimeoutMs: DurationMs.default(600_000),
    })
    .prefault({}),
});
