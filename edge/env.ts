import * as z from "zod/mini";
import { Secret } from "../shared/secret.ts";
import { createSealer, SEAL_KEY, type Sealer } from "./seal.ts";

/** The bindings of wrangler.toml, as the platform hands them over. */
export interface Bindings {
  readonly RELAY: DurableObjectNamespace;
  /** Absent where the plan has no rate limiting. */
  readonly CLIENT_RATE?: RateLimit;
  readonly FAILURE_RATE?: RateLimit;
  readonly TENANT: string;
  readonly RELAYS?: string;
  readonly RELAYS_DRAINING?: string;
  /** The one relay of a deployment without `RELAYS`. */
  readonly RELAY_REGION?: string;
  readonly RELAY_GENERATION?: string;
  readonly PAIRING_SECRET?: string;
  readonly SEAL_KEY?: string;
  readonly LOGIN?: string;
  readonly ACCESS_TEAM?: string;
  readonly ACCESS_AUD?: string;
  readonly MTLS_FINGERPRINTS?: string;
}

/** Every core dials each of them, and a request may ask them in turn: more would only cost. */
const MAX_RELAYS = 4;
const MAX_FINGERPRINTS = 16;

/** zod/mini has no messages of its own; and a number in wrangler.toml arrives as one. */
const Text = z.string("must be text");

const NAME = "1 to 32 of a-z, 0-9 and -";
const Name = z.string(NAME).check(z.regex(/^[a-z0-9-]{1,32}$/, NAME));

/** Source: https://developers.cloudflare.com/durable-objects/reference/data-location/ */
const Region = z.enum(
  ["wnam", "enam", "sam", "weur", "eeur", "apac", "apac-ne", "apac-se", "oc", "afr", "me"],
  "regions are wnam enam sam weur eeur apac apac-ne apac-se oc afr me",
);

const PlaceParts = z.pipe(
  z.pipe(
    Text,
    z.transform((text) => text.split(":")),
  ),
  z.tuple([Region, Name], "a relay is <region>:<generation>"),
);

/** A relay never moves: what takes its place is one of another region or generation. */
const Place = z.pipe(
  PlaceParts,
  z.transform(([region, generation]) => ({ region, name: `${region}:${generation}` })),
);

const Places = commaList(Place).check(
  z.refine((places) => places.length <= MAX_RELAYS, `${MAX_RELAYS} relays at most`),
  z.refine(
    (places) => new Set(places.map(({ name }) => name)).size === places.length,
    "a relay is named twice",
  ),
);

/** SHA-256 of a client certificate in hex, as Cloudflare writes it or with openssl's colons. */
const Fingerprint = z.pipe(
  z.pipe(
    Text,
    z.transform((text) => text.replaceAll(":", "").toLowerCase()),
  ),
  Text.check(z.regex(/^[0-9a-f]{64}$/, "a fingerprint is SHA-256 in hex")),
);

/** The name of a Zero Trust team, or the origin of its keys where that does not follow from it. */
const AccessTeam = z.pipe(
  Text.check(
    z.regex(
      /^(?:[a-z0-9-]{1,63}|(?:https:\/\/[a-z0-9.-]+|http:\/\/127\.0\.0\.1)(?::\d{1,5})?|)$/,
      "a team name, or an https:// origin without a path",
    ),
  ),
  z.transform((team) => {
    if (team === "" || team.includes("://")) return team || undefined;
    return `https://${team}.cloudflareaccess.com`;
  }),
);

/** Of one application in Zero Trust. */
const AccessAudience = z.pipe(
  Text.check(z.maxLength(256, "256 characters at most")),
  z.transform((audience) => audience || undefined),
);

/** 128 bits at the least, or the HMAC of a pairing request could be guessed at leisure. */
const PairingSecret = z.pipe(
  Text.check(z.minLength(22, "22 characters at least")),
  z.transform((value) => new Secret(value)),
);

const SealKey = z.pipe(
  Text.check(
    z.refine((value) => value === "" || SEAL_KEY.test(value), "32 bytes as URL-safe base64"),
  ),
  z.transform((value) => (value === "" ? undefined : new Secret(value))),
);

/** A variable set to nothing counts as not set. */
const Variables = z
  .object({
    TENANT: Name,
    RELAYS: Places.check(z.refine((places) => places.length > 0, "name one relay at least")),
    RELAYS_DRAINING: Places,
    PAIRING_SECRET: z.optional(PairingSecret),
    SEAL_KEY: z.optional(SealKey),
    LOGIN: z._default(z.enum(["on", "off", ""], "on or off"), ""),
    ACCESS_TEAM: z.optional(AccessTeam),
    ACCESS_AUD: z.optional(AccessAudience),
    MTLS_FINGERPRINTS: commaList(Fingerprint).check(
      z.refine(
        (list) => list.length <= MAX_FINGERPRINTS,
        `${MAX_FINGERPRINTS} fingerprints at most`,
      ),
    ),
  })
  .check(
    z.refine(
      ({ RELAYS, RELAYS_DRAINING }) =>
        RELAYS.every(({ name }) => RELAYS_DRAINING.every((other) => other.name !== name)),
      { path: ["RELAYS_DRAINING"], error: "a relay is in RELAYS as well" },
    ),
    // One without the other would leave the door as open as with neither.
    z.refine(
      ({ ACCESS_TEAM, ACCESS_AUD }) => (ACCESS_TEAM === undefined) === (ACCESS_AUD === undefined),
      { path: ["ACCESS_AUD"], error: "goes with ACCESS_TEAM" },
    ),
  );

const Settings = z.pipe(
  Variables,
  z.transform((vars) => {
    const placeOf = ({ name, region }: z.output<typeof Place>): RelayPlace => ({
      name,
      region,
      object: `relay:v1:${vars.TENANT}:${name}:0`,
    });
    return {
      /** Primary first. */
      relays: vars.RELAYS.map(placeOf),
      /** Get no new work; cores stay connected to them until their spool is empty. */
      draining: vars.RELAYS_DRAINING.map(placeOf),
      /** Without it no core can introduce itself. */
      pairingSecret: vars.PAIRING_SECRET,
      /** Seals what the relay keeps of webhook secrets; without it, it keeps none. */
      sealKey: vars.SEAL_KEY,
      /** Whether browsers may sign in; undefined: as the core says. */
      login: vars.LOGIN === "" ? undefined : vars.LOGIN === "on",
      /** A further door in front of the tunnel; undefined: there is none. */
      access:
        vars.ACCESS_TEAM === undefined || vars.ACCESS_AUD === undefined
          ? undefined
          : { issuer: vars.ACCESS_TEAM, audience: vars.ACCESS_AUD },
      /** Client certificates one of which a core must show; empty: none is asked for. */
      fingerprints: vars.MTLS_FINGERPRINTS,
    };
  }),
);
export type Settings = z.output<typeof Settings>;

/** One relay of this deployment. */
export interface RelayPlace {
  /** `<region>:<generation>`: what people and cores call it. */
  readonly name: string;
  /** Name of its Durable Object. */
  readonly object: string;
  readonly region: DurableObjectLocationHint;
}

/** @throws Error naming the variables at fault and what is wrong with them, never their values. */
export function readSettings(bindings: Bindings): Settings {
  const { RELAY_REGION, RELAY_GENERATION } = bindings;
  const RELAYS = bindings.RELAYS ?? `${RELAY_REGION ?? ""}:${RELAY_GENERATION ?? ""}`;
  const parsed = Settings.safeParse({ ...bindings, RELAYS });
  if (parsed.success) return parsed.data;
  const faults = parsed.error.issues.map(({ path, message }) => `${String(path[0])} (${message})`);
  throw new Error(`Bad edge settings: ${faults.join(", ")}`);
}

/**
 * What seals in the relay, which must wake whatever the settings say: the Worker in front of it
 * refuses to work with a key that is none.
 */
export function sealerOf({ SEAL_KEY: key = "" }: Bindings): Sealer | undefined {
  return SEAL_KEY.test(key) ? createSealer(new Secret(key)) : undefined;
}

function commaList<Item extends z.ZodMiniType<unknown, string>>(item: Item) {
  const Parts = z.pipe(
    z._default(Text, ""),
    z.transform((text) => (text.trim() === "" ? [] : text.split(",").map((part) => part.trim()))),
  );
  return z.pipe(Parts, z.array(item));
}
