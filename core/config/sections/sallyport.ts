import * as z from "zod";
import { LIMITS } from "../../../shared/limits.ts";
import { DurationMs } from "../fields.ts";
import { Edge } from "./edge.ts";
import { Ingress } from "./ingress/ingress.ts";
import { Upstream } from "./upstream.ts";

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
  edge: Edge.optional(),
  core: z
    .strictObject({
      /** `standby`: waits until no other core leads instead of failing because one does. */
      mode: z.enum(["leader", "standby"]).default("leader"),
    })
    .prefault({}),
  config: z
    .strictObject({
      /** Whether a `${NAME}` that is not set refuses the file, instead of switching off what needs it. */
      strictVariables: z.boolean().default(false),
    })
    .prefault({}),
  metrics: z
    .strictObject({
      /** Whether programs of this machine may read `/metrics` without a token. */
      openToLoopback: z.boolean().default(false),
    })
    .prefault({}),
  legacy: z
    .strictObject({
      /** Whether `?token=` in a URL is taken for a credential, as guides of early 2026 have it. */
      queryToken: z.boolean().default(false),
    })
    .prefault({}),
  upstream: Upstream.prefault({}),
  ingress: Ingress.prefault({}),
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
      /** Work under way at an end is given so long: below the 30 s after which orchestrators kill. */
      drainTimeoutMs: DurationMs.default(20_000),
    })
    .prefault({}),
});
