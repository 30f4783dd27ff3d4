/** Keys of model providers, out of the profiles in which OpenClaw keeps them. Pure. */
import * as z from "zod";

const MAX_PROFILES = 200;

const Profile = z.looseObject({
  type: z.string().optional().catch(undefined),
  /** Its name in the first versions. */
  mode: z.string().optional().catch(undefined),
  provider: z
    .string()
    .regex(/^[a-z0-9][a-z0-9._-]{0,63}$/)
    .optional()
    .catch(undefined),
  key: z.string().min(1).optional().catch(undefined),
  apiKey: z.string().min(1).optional().catch(undefined),
  keyRef: z.looseObject({ source: z.string(), id: z.string() }).optional().catch(undefined),
});
const Store = z.object({ profiles: z.record(z.string().max(256), Profile) });

export type FoundKey =
  | {
      readonly kind: "key";
      readonly profile: string;
      readonly provider: string;
      readonly value: string;
    }
  /** It is in this variable. */
  | {
      readonly kind: "variable";
      readonly profile: string;
      readonly provider: string;
      readonly name: string;
    }
  | { readonly kind: "none"; readonly profile: string; readonly reason: string };

/** @param document - As it is kept; anything may be in it. */
export function keysIn(document: unknown): readonly FoundKey[] {
  const parsed = Store.safeParse(document);
  if (!parsed.success) return [];
  return Object.entries(parsed.data.profiles).slice(0, MAX_PROFILES).map(keyOf);
}

type Profile = z.output<typeof Profile>;

function keyOf([profile, found]: [string, Profile]): FoundKey {
  const provider = found.provider ?? /^[a-z0-9][a-z0-9._-]*(?=:|$)/.exec(profile)?.[0];
  if (provider === undefined) return { kind: "none", profile, reason: "it names no provider" };
  const type = found.type ?? found.mode ?? "api_key";
  if (type === "api_key") return apiKeyOf(profile, provider, found);
  const reason = "it is a sign-in, which cannot be taken along: use an API key";
  return { kind: "none", profile, reason };
}

function apiKeyOf(profile: string, provider: string, found: Profile): FoundKey {
  const value = found.key ?? found.apiKey;
  const variable = found.keyRef === undefined ? referenceIn(value) : variableIn(found.keyRef);
  if (variable !== undefined) return { kind: "variable", profile, provider, name: variable };
  if (value !== undefined) return { kind: "key", profile, provider, value };
  return { kind: "none", profile, reason: "its key is kept elsewhere" };
}

function variableIn({ source, id }: NonNullable<Profile["keyRef"]>): string | undefined {
  return source === "env" ? id : undefined;
}

function referenceIn(value: string | undefined): string | undefined {
  return /^\$\{(?<name>[A-Z_][A-Z0-9_]*)\}$/.exec(value ?? "")?.groups?.["name"];
}
