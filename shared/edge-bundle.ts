import * as z from "zod/mini";
import { Digest, IngressRoute, OutageAlert } from "./ingress/route.ts";
import { LIMITS } from "./limits.ts";
import { Scope } from "./principal.ts";

const Name = z.string().check(z.minLength(1), z.maxLength(128));

/** One client token, by its digest. */
export const Verifier = z.strictObject({
  digest: Digest,
  subject: Name,
  scopes: z.array(Scope).check(z.minLength(1)),
  /** What an operator of the gateway protocol may do with it; absent: everything. */
  operatorScopes: z.optional(z.array(Name).check(z.maxLength(16))),
  /** The device it was made out to: in the gateway protocol nobody else may use it. */
  deviceId: z.optional(Name),
  /** What kind of credential it is; absent: a token. */
  kind: z.optional(z.enum(["token", "password", "device"])),
});
export type Verifier = z.output<typeof Verifier>;

/** Whether browsers may sign in at the edge: a page for the token, and a cookie after it. */
export const LoginPolicy = z.strictObject({
  enabled: z.boolean(),
  /** A session that is not used for this long ends. Default 12 hours, at most 30 days. */
  maxAgeSeconds: z.optional(z.int().check(z.minimum(60), z.maximum(30 * 24 * 3_600))),
});
export type LoginPolicy = z.output<typeof LoginPolicy>;

/** Who comes with a setup code: somebody who may be let in, and is nobody yet. */
export const SETUP_SUBJECT = "setup-code";

/** A code by which one device may be let in, once: the edge lets it knock, and the core decides. */
export const SetupCode = z.strictObject({
  digest: Digest,
  /** Unix ms from which on nobody takes it. */
  expiresAt: z.int().check(z.positive()),
});
export type SetupCode = z.output<typeof SetupCode>;

/** What webhooks are posted below at an edge whose bundle does not say otherwise. */
export const HOOKS_PATH = "/hooks";

/** How requests are spread over cores that share the work. */
export const Routing = z.strictObject({
  /** To the one with least to do, or always to the same by a header of the request. */
  policy: z.enum(["balanced", "sticky"]),
  /** In lower case. */
  header: z.optional(z.string().check(z.regex(/^[a-z0-9-]{1,64}$/))),
});
export type Routing = z.output<typeof Routing>;

/**
 * What the core tells its edge over the tunnel, whole, on every connect and config change.
 * `openclaw.json` stays the one source of truth; the edge keeps only the newest bundle.
 */
export const EdgeBundle = z.strictObject({
  verifiers: z.array(Verifier).check(z.maxLength(LIMITS.maxVerifiers)),
  routes: z.array(IngressRoute).check(z.maxLength(256)),
  rate: z.strictObject({
    perSecond: z.number().check(z.positive(), z.maximum(100_000)),
    burst: z.int().check(z.positive(), z.maximum(1_000_000)),
  }),
  /** Absent: `balanced`. */
  routing: z.optional(Routing),
  /**
   * Whether clients may show their credentials in the first frame of the gateway's WebSocket
   * protocol, which the edge then reads. Absent: they may.
   */
  greets: z.optional(z.boolean()),
  /** Origins other than the edge's own whose pages may open such a WebSocket; `*`: all. */
  allowedOrigins: z.optional(z.array(z.string().check(z.maxLength(256))).check(z.maxLength(64))),
  /** Absent: off, unless the edge's own settings say otherwise. */
  login: z.optional(LoginPolicy),
  /** Those that were made and not used yet. */
  setupCodes: z.optional(z.array(SetupCode).check(z.maxLength(LIMITS.maxSetupCodes))),
  /** What webhooks are posted below, without a slash at its end. Absent: `HOOKS_PATH`. */
  hooksPath: z.optional(
    z.string().check(z.regex(/^\/[a-z0-9][a-z0-9/_-]*[a-z0-9]$/i), z.maxLength(128)),
  ),
  /** Whom the edge tells, and how, when webhooks come and the core does not. */
  outageAlert: z.optional(OutageAlert),
});
export type EdgeBundle = z.output<typeof EdgeBundle>;
