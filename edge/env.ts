import * as z from "zod";
import { Secret } from "../shared/secret.ts";

/** The bindings of wrangler.toml, as the platform hands them over. */
export interface Bindings {
  readonly RELAY: DurableObjectNamespace;
  /** Absent where the plan has no rate limiting. */
  readonly CLIENT_RATE?: RateLimit;
  readonly FAILURE_RATE?: RateLimit;
  readonly TENANT: string;
  readonly RELAY_REGION: string;
  readonly RELAY_GENERATION: string;
  readonly PAIRING_SECRET?: string;
}

const namePart = z.string().regex(/^[a-z0-9-]{1,32}$/);

const Settings = z
  .object({
    TENANT: namePart,
    /** Source: https://developers.cloudflare.com/durable-objects/reference/data-location/ */
    RELAY_REGION: z.enum([
      "wnam",
      "enam",
      "sam",
      "weur",
      "eeur",
      "apac",
      "apac-ne",
      "apac-se",
      "oc",
      "afr",
      "me",
    ]),
    RELAY_GENERATION: namePart,
    /** 128 bits at the least, or the HMAC of a pairing request could be guessed at leisure. */
    PAIRING_SECRET: z
      .string()
      .min(22)
      .transform((value) => new Secret(value))
      .optional(),
  })
  .transform((vars) => ({
    relayName: `relay:v1:${vars.TENANT}:${vars.RELAY_REGION}:${vars.RELAY_GENERATION}:0`,
    relayRegion: vars.RELAY_REGION,
    /** Without it no core can introduce itself. */
    pairingSecret: vars.PAIRING_SECRET,
  }));
export type Settings = z.output<typeof Settings>;

/** @throws Error naming the variables at fault, never their values. */
export function readSettings(bindings: Bindings): Settings {
  const { TENANT, RELAY_REGION, RELAY_GENERATION, PAIRING_SECRET } = bindings;
  const parsed = Settings.safeParse({ TENANT, RELAY_REGION, RELAY_GENERATION, PAIRING_SECRET });
  if (parsed.success) return parsed.data;
  const names = parsed.error.issues.map((issue) => issue.path.join("."));
  throw new Error(`Bad edge settings: ${names.join(", ")}`);
}
