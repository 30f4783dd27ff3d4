import * as z from "zod";
import { LIMITS } from "./limits.ts";
import { Scope } from "./principal.ts";

/** SHA-256 as URL-safe base64: what the edge may know of a credential. */
const Digest = z.string().regex(/^[A-Za-z0-9_-]{43}$/);

/** One client token, by its digest. */
export const Verifier = z.strictObject({
  digest: Digest,
  subject: z.string().min(1).max(128),
  scopes: z.array(Scope).min(1),
});
export type Verifier = z.output<typeof Verifier>;

/** How a webhook proves where it comes from. Equality schemes need no secret at the edge. */
export const Verification = z.discriminatedUnion("scheme", [
  /** `Authorization: Bearer <token>`, or the header `X-OpenClaw-Token`. */
  z.strictObject({ scheme: z.literal("bearer"), digests: z.array(Digest).min(1).max(4) }),
  /** Telegram's `X-Telegram-Bot-Api-Secret-Token`. */
  z.strictObject({ scheme: z.literal("telegram"), digests: z.array(Digest).min(1).max(4) }),
]);
export type Verification = z.output<typeof Verification>;

export const IngressRoute = z.strictObject({
  /** The last part of `/hooks/<name>`. */
  name: z.string().regex(/^[a-z0-9][a-z0-9._-]{0,63}$/),
  verification: Verification,
  maxBodyBytes: z.int().positive().max(LIMITS.maxWebhookBytes),
});
export type IngressRoute = z.output<typeof IngressRoute>;

/** Whether browsers may sign in at the edge: a page for the token, and a cookie after it. */
export const LoginPolicy = z.strictObject({
  enabled: z.boolean(),
  /** A session that is not used for this long ends. Default 12 hours, at most 30 days. */
  maxAgeSeconds: z
    .int()
    .min(60)
    .max(30 * 24 * 3_600)
    .optional(),
});
export type LoginPolicy = z.output<typeof LoginPolicy>;

/** How requests are spread over cores that share the work. */
export const Routing = z.strictObject({
  /** To the one with least to do, or always to the same by a header of the request. */
  policy: z.enum(["balanced", "sticky"]),
  /** In lower case. */
  header: z
    .string()
    .regex(/^[a-z0-9-]{1,64}$/)
    .optional(),
});
export type Routing = z.output<typeof Routing>;

/**
 * What the core tells its edge over the tunnel, whole, on every connect and config change.
 * `openclaw.json` stays the one source of truth; the edge keeps only the newest bundle.
 */
export const EdgeBundle = z.strictObject({
  verifiers: z.array(Verifier).max(LIMITS.maxVerifiers),
  routes: z.array(IngressRoute).max(256),
  rate: z.strictObject({
    perSecond: z.number().positive().max(100_000),
    burst: z.int().positive().max(1_000_000),
  }),
  /** Absent: `balanced`. */
  routing: Routing.optional(),
  /** Absent: off, unless the edge's own settings say otherwise. */
  login: LoginPolicy.optional(),
});
export type EdgeBundle = z.output<typeof EdgeBundle>;
