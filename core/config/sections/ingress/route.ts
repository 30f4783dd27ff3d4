import { isIP } from "node:net";
import * as z from "zod";
import { FixedAnswer, Verification } from "../../../../shared/ingress/route.ts";
import { LIMITS } from "../../../../shared/limits.ts";
import { nearest } from "../../issues/suggest.ts";
import { HeaderName, oneOrMany, SecretText } from "../../fields.ts";
import { Conditions } from "./condition.ts";
import { Cases, TargetFields } from "./target.ts";

/** Live at once: the current one, the next, and those a sender may still use for a while. */
const MAX_SECRETS = 4;

/** Names of schemes: all that can be checked. */
export const SCHEMES = Verification.def.options
  .flatMap(({ shape }) => shape.scheme.def.values)
  .filter((name) => name !== "core");

/** Services that are known by the name of who signs for them, and what others call our schemes. */
const ALSO_CALLED: ReadonlyMap<string, string> = new Map([
  ["whatsapp", "meta"],
  ["messenger", "meta"],
  ["instagram", "meta"],
  ["facebook", "meta"],
  ["openai", "standard"],
  ["replicate", "standard"],
  ["resend", "svix"],
  ["clerk", "svix"],
  ["token", "bearer"],
  ["signature", "hmac"],
  ["bot-framework", "teams"],
  ["msteams", "teams"],
  ["googlechat", "google-chat"],
]);

function meantBy(name: string): string | undefined {
  // Not a slip of the pen for "line".
  if (name === "none") return undefined;
  return ALSO_CALLED.get(name.toLowerCase()) ?? nearest(name, SCHEMES);
}

const Scheme = z.enum(SCHEMES, {
  error: ({ input }) => {
    const meant = typeof input === "string" ? meantBy(input) : undefined;
    const hint = meant === undefined ? `one of ${SCHEMES.join(", ")}` : `did you mean "${meant}"?`;
    return `is no way to verify a webhook; ${hint}`;
  },
});

/** Lists a scheme has in place of secrets, or beside them. */
const PlainList = oneOrMany(
  z.string("must be text, in quotes").min(1).max(2_048),
  MAX_SECRETS,
).optional();

/** The scheme; what else it has is checked by the scheme's own schema. */
const Verify = z.preprocess(
  (value) => (typeof value === "string" ? { scheme: value } : value),
  z.looseObject(
    {
      scheme: Scheme,
      publicKeys: PlainList,
      appIds: PlainList,
      audiences: PlainList,
      /** What Meta repeats when the address is entered there. */
      verifyTokens: oneOrMany(SecretText, MAX_SECRETS).optional(),
      /** GitLab has two kinds; left out: a signing token is known by its beginning. */
      kind: z.string().optional(),
    },
    'is needed: the name of a scheme, like "github", or { scheme: …, … }',
  ),
);

function isCidr(text: string): boolean {
  const [, address = "", bits] = /^([^/]+)(?:\/(\d{1,3}))?$/.exec(text) ?? [];
  const family = isIP(address);
  if (family === 0 || address.includes("%")) return false;
  return bits === undefined || Number(bits) <= (family === 4 ? 32 : 128);
}

const Countries = z
  .array(
    z
      .string()
      .regex(/^[A-Za-z]{2}$/, 'must be a country of two letters, like "DE"')
      .transform((code) => code.toUpperCase()),
    'must be a list, like ["DE", "FR"]',
  )
  .min(1)
  .max(250)
  .optional();

const Allow = z
  .strictObject({
    cidrs: z
      .array(
        z
          .string()
          .refine(isCidr, 'must be an address or a block like "192.0.2.0/24" or "2001:db8::/32"'),
        'must be a list, like ["192.0.2.0/24"]',
      )
      .min(1)
      .max(512)
      .optional(),
    countries: Countries,
    blockedCountries: Countries,
  })
  .refine(({ countries, blockedCountries }) => !countries || !blockedCountries, {
    error: "is of no use beside countries: all others are shut out already",
    path: ["blockedCountries"],
  });

/** One entry of `sallyport.ingress.routes`. */
export const Route = z.strictObject({
  verify: Verify,
  secret: SecretText.optional(),
  secrets: oneOrMany(SecretText, MAX_SECRETS).optional(),
  ...TargetFields,
  when: Conditions.optional(),
  cases: Cases.optional(),
  mode: z.enum(["express", "durable", "sync"]).default("express"),
  sync: z
    .strictObject({
      /** Left out: as long as the sender waits, less what the way takes. */
      deadlineMs: z.int().min(100).max(LIMITS.maxSyncMs).optional(),
      fallback: z.optional(FixedAnswer),
    })
    .optional(),
  verifyAt: z.enum(["edge", "core"]).default("edge"),
  methods: z
    .array(z.enum(["POST", "PUT", "PATCH"]))
    .min(1)
    .max(3)
    .default(["POST"]),
  contentTypes: z
    .array(
      z
        .string()
        .regex(/^[\w.+-]+\/[\w.+-]+$/, 'must be a media type like "application/json"')
        .max(128)
        .transform((type) => type.toLowerCase()),
    )
    .min(1)
    .max(16)
    .optional(),
  allow: Allow.optional(),
  rate: z
    .strictObject({
      perSecond: z.number().positive().max(10_000),
      burst: z.int().positive().max(100_000),
    })
    .optional(),
  dedupe: z.enum(["id", "body"]).default("id"),
  laneHeader: HeaderName.optional(),
  /** Left out: what this sender may need. */
  maxBodyBytes: z.int().min(1).max(LIMITS.maxWebhookBytes).optional(),
});
export type Route = z.output<typeof Route>;
