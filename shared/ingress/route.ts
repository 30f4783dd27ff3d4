/** How a webhook route is told to the edge: what proves a sender, what is let in, how it is answered. */
import * as z from "zod/mini";
import { LIMITS } from "../limits.ts";

/** SHA-256 as URL-safe base64: what the edge may know of a credential. */
export const Digest = z.string().check(z.regex(/^[A-Za-z0-9_-]{43}$/));

/** Live at once: the current one, the next, and those a sender may still use for a while. */
const MAX_LIVE = 4;
const Digests = z.array(Digest).check(z.minLength(1), z.maxLength(MAX_LIVE));
const Secrets = z
  .array(z.string().check(z.minLength(1), z.maxLength(1_024)))
  .check(z.minLength(1), z.maxLength(MAX_LIVE));
/** Ed25519, 32 bytes in hex. */
const HexKeys = z
  .array(z.string().check(z.regex(/^[0-9a-f]{64}$/i)))
  .check(z.minLength(1), z.maxLength(MAX_LIVE));

/** Seconds a signed time may differ from ours, to either side. */
const Tolerance = z.optional(z.int().check(z.minimum(1), z.maximum(86_400)));
/** The address the sender was given, where it is part of what is signed; absent: as the request has it. */
const PublicUrl = z.optional(z.url({ protocol: /^https?$/ }).check(z.maxLength(2_048)));
const HeaderName = z
  .string()
  .check(z.regex(/^[a-z0-9!#$%&'*+.^_|~-]{1,64}$/, "a header name in lower case"));
const Https = z.url({ protocol: /^https?$/ }).check(z.maxLength(512));

const equality = <const Name extends string>(scheme: Name) =>
  z.strictObject({ scheme: z.literal(scheme), digests: Digests });
const signed = <const Name extends string>(scheme: Name) =>
  z.strictObject({ scheme: z.literal(scheme), secrets: Secrets });
const timed = <const Name extends string>(scheme: Name) =>
  z.strictObject({ scheme: z.literal(scheme), secrets: Secrets, toleranceSeconds: Tolerance });
const addressed = <const Name extends string>(scheme: Name) =>
  z.strictObject({ scheme: z.literal(scheme), secrets: Secrets, url: PublicUrl });

/** Settings of any scheme that signs with a shared secret and has no entry of its own. */
export const HmacVerification = z.strictObject({
  scheme: z.literal("hmac"),
  secrets: Secrets,
  secretEncoding: z._default(z.enum(["text", "hex", "base64"]), "text"),
  algorithm: z._default(z.enum(["sha1", "sha256", "sha384", "sha512"]), "sha256"),
  /** Where the signature stands. */
  header: HeaderName,
  /** What stands before it, such as `sha256=`; with `key` it is that part of a list `t=1,v1=abc`. */
  prefix: z._default(z.string().check(z.maxLength(64)), ""),
  /** Name of the signature within a list of `name=value`; several are all tried. */
  key: z.optional(z.string().check(z.maxLength(32))),
  /** Between the parts of such a list. */
  separator: z._default(z.string().check(z.minLength(1), z.maxLength(4)), ","),
  encoding: z._default(z.enum(["hex", "base64", "base64url"]), "hex"),
  /** What is signed: text and `{body} {timestamp} {url} {method} {path} {id}`, such as `{timestamp}.{body}`. */
  signed: z._default(z.string().check(z.minLength(1), z.maxLength(256)), "{body}"),
  timestamp: z.optional(
    z.strictObject({
      /** In a header of its own … */
      header: z.optional(HeaderName),
      /** … or within the list of the signature header. */
      key: z.optional(z.string().check(z.maxLength(32))),
      unit: z._default(z.enum(["seconds", "milliseconds", "iso"]), "seconds"),
    }),
  ),
  toleranceSeconds: Tolerance,
  /** Where the sender's id of the event stands; absent: made of what is signed. */
  id: z.optional(
    z.strictObject({
      header: z.optional(HeaderName),
      path: z.optional(z.string().check(z.maxLength(256))),
    }),
  ),
  url: PublicUrl,
});

/** How a webhook proves where it comes from. Equality needs no secret at the edge, only its digest. */
export const Verification = z.discriminatedUnion("scheme", [
  /** `Authorization: Bearer <token>`, or the header `X-OpenClaw-Token`. */
  equality("bearer"),
  /** `Authorization: Basic`; digests of `user:password`. */
  equality("basic"),
  /** Any header that holds the secret as it is. */
  z.strictObject({ scheme: z.literal("header"), header: HeaderName, digests: Digests }),
  equality("telegram"),
  z.strictObject({
    scheme: z.literal("discord"),
    publicKeys: HexKeys,
    toleranceSeconds: Tolerance,
  }),
  z.strictObject({
    scheme: z.literal("discord-events"),
    publicKeys: HexKeys,
    toleranceSeconds: Tolerance,
  }),
  timed("slack"),
  /** WhatsApp Cloud, Messenger, Instagram: app secrets; digests of `hub.verify_token`. */
  z.strictObject({
    scheme: z.literal("meta"),
    secrets: Secrets,
    verifyTokens: z._default(z.array(Digest).check(z.maxLength(MAX_LIVE)), []),
  }),
  signed("line"),
  z.strictObject({
    scheme: z.literal("teams"),
    appIds: z
      .array(z.string().check(z.minLength(1), z.maxLength(128)))
      .check(z.minLength(1), z.maxLength(MAX_LIVE)),
    /** Another cloud's, or one for tests. */
    openIdUrl: z.optional(Https),
    issuer: z.optional(z.string().check(z.minLength(1), z.maxLength(512))),
  }),
  signed("teams-outgoing"),
  z.strictObject({
    scheme: z.literal("google-chat"),
    /** The project number, or the address of the endpoint. */
    audiences: z
      .array(z.string().check(z.minLength(1), z.maxLength(2_048)))
      .check(z.minLength(1), z.maxLength(MAX_LIVE)),
    /** `project`: self-signed for the project number; `url`: an ID token for the address; `addon`: of a Workspace add-on. */
    kind: z.enum(["project", "url", "addon"]),
    /** For `addon`: the number of our own project, which its service account is named by. */
    projectNumber: z.optional(z.string().check(z.regex(/^\d{1,20}$/))),
    /** For tests: where the keys are. */
    keysUrl: z.optional(Https),
  }),
  addressed("twilio"),
  signed("github"),
  /** Either the old plain token (`digests`), or the signing token (`secrets`), or both. */
  z
    .strictObject({
      scheme: z.literal("gitlab"),
      digests: z._default(z.array(Digest).check(z.maxLength(MAX_LIVE)), []),
      secrets: z._default(
        z.array(z.string().check(z.minLength(1), z.maxLength(1_024))).check(z.maxLength(MAX_LIVE)),
        [],
      ),
      toleranceSeconds: Tolerance,
    })
    .check(
      z.refine(({ digests, secrets }) => digests.length + secrets.length > 0, "needs a token"),
    ),
  timed("stripe"),
  signed("shopify"),
  timed("linear"),
  /** Secrets: `whsec_…` for HMAC, `whpk_…` for Ed25519. */
  timed("standard"),
  timed("svix"),
  timed("paddle"),
  addressed("square"),
  z.strictObject({
    scheme: z.literal("hubspot"),
    secrets: Secrets,
    url: PublicUrl,
    toleranceSeconds: Tolerance,
  }),
  signed("adyen"),
  z.strictObject({
    scheme: z.literal("sendgrid"),
    /** ECDSA P-256, SPKI in base64 as SendGrid shows it. */
    publicKeys: z
      .array(z.string().check(z.minLength(1), z.maxLength(512)))
      .check(z.minLength(1), z.maxLength(MAX_LIVE)),
    toleranceSeconds: Tolerance,
  }),
  HmacVerification,
  /** The edge holds nothing to check it by: the core does, and what waits for that has a small quota. */
  z.strictObject({ scheme: z.literal("core") }),
]);
export type Verification = z.output<typeof Verification>;
export type SchemeName = Verification["scheme"];
export type VerificationOf<Name extends SchemeName> = Extract<Verification, { scheme: Name }>;

/** IPv4 or IPv6, a single address or a block. */
const Cidr = z.string().check(z.regex(/^[0-9a-fA-F.:]{2,45}(?:\/\d{1,3})?$/));
const Country = z.string().check(z.regex(/^[A-Z]{2}$/));

/** Who may call at all, before a signature is looked at. Absent: everybody. */
export const Admission = z.strictObject({
  cidrs: z.optional(z.array(Cidr).check(z.maxLength(512))),
  countries: z.optional(z.array(Country).check(z.maxLength(250))),
  blockedCountries: z.optional(z.array(Country).check(z.maxLength(250))),
});
export type Admission = z.output<typeof Admission>;

/** A whole answer that is kept ready: small, it rides in the bundle. */
export const FixedAnswer = z.strictObject({
  status: z._default(z.int().check(z.minimum(200), z.maximum(599)), 200),
  contentType: z._default(z.string().check(z.maxLength(128)), "text/plain; charset=utf-8"),
  body: z._default(z.string().check(z.maxLength(16_384)), ""),
});
export type FixedAnswer = z.output<typeof FixedAnswer>;

export const IngressRoute = z.strictObject({
  /** The last part of `/hooks/<name>`. */
  name: z.string().check(z.regex(/^[a-z0-9][a-z0-9._-]{0,63}$/)),
  verification: Verification,
  maxBodyBytes: z.int().check(z.positive(), z.maximum(LIMITS.maxWebhookBytes)),
  /**
   * `express`: to the core at once, kept at the edge when it is away or slow. `durable`: written
   * down at the edge first. `sync`: the sender waits for what the core answers.
   */
  mode: z._default(z.enum(["express", "durable", "sync"]), "express"),
  /** For `sync`: how long the sender waits, and what it gets when that was too short. */
  sync: z.optional(
    z.strictObject({
      deadlineMs: z.int().check(z.minimum(100), z.maximum(LIMITS.maxSyncMs)),
      /** Absent: what the scheme answers by itself. */
      fallback: z.optional(FixedAnswer),
    }),
  ),
  methods: z._default(
    z.array(z.enum(["POST", "PUT", "PATCH"])).check(z.minLength(1), z.maxLength(3)),
    ["POST"],
  ),
  /** Media types without parameters, in lower case; absent: any. */
  contentTypes: z.optional(
    z.array(z.string().check(z.minLength(1), z.maxLength(128))).check(z.maxLength(16)),
  ),
  admission: z.optional(Admission),
  /** Verified webhooks taken in; absent: as many as come. */
  rate: z.optional(
    z.strictObject({
      perSecond: z.number().check(z.positive(), z.maximum(10_000)),
      burst: z.int().check(z.positive(), z.maximum(100_000)),
    }),
  ),
  /** `id`: by the sender's id of the event. `body`: equal bodies are one event, whatever id they carry. */
  dedupe: z._default(z.enum(["id", "body"]), "id"),
  /** A header whose value is the lane, for schemes that know none; absent: as the scheme says. */
  laneHeader: z.optional(HeaderName),
});
export type IngressRoute = z.output<typeof IngressRoute>;
/** As the core writes one down. */
export type IngressRouteInput = z.input<typeof IngressRoute>;

/**
 * What the edge sends, once in an outage, when webhooks pile up and the core is not there: it is the
 * only part that can tell anybody then. A whole request, made by the core while it was well.
 */
export const OutageAlert = z.strictObject({
  /** Unreachable for this long. */
  afterMs: z.int().check(z.minimum(10_000), z.maximum(86_400_000)),
  url: z.url({ protocol: /^https?$/ }).check(z.maxLength(2_048)),
  headers: z
    .array(z.tuple([z.string().check(z.maxLength(128)), z.string().check(z.maxLength(2_048))]))
    .check(z.maxLength(16)),
  body: z.string().check(z.maxLength(8_192)),
});
export type OutageAlert = z.output<typeof OutageAlert>;
