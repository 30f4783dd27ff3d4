/** Tools: which of them there are, for all agents or for one. */
import * as z from "zod";

/** Providers and models with a policy of their own: far more than people have. */
const MAX_PROVIDERS = 256;

const ToolNames = z.array(z.string().min(1).max(128)).max(512);

const PROFILE = {
  profile: z.enum(["minimal", "coding", "messaging", "full"]).optional(),
  allow: ToolNames.optional(),
  /** On top of the profile. */
  alsoAllow: ToolNames.optional(),
  deny: ToolNames.default([]),
};

function isOneList({ allow, alsoAllow }: { allow?: unknown; alsoAllow?: unknown }): boolean {
  return allow === undefined || alsoAllow === undefined;
}
const ONE_LIST = {
  error: "has both allow and alsoAllow: put everything into allow, or use profile with alsoAllow",
};

/**
 * Which tools there are: `*` stands for anything, `group:<name>` for several, what is denied is
 * never allowed.
 */
export const ToolPolicy = z
  .strictObject({
    ...PROFILE,
    /** By provider, or by `provider/model`: only when one of those answers. */
    byProvider: z
      .record(z.string().min(1).max(256), z.strictObject(PROFILE).refine(isOneList, ONE_LIST))
      .refine((all) => Object.keys(all).length <= MAX_PROVIDERS, {
        error: `must have at most ${MAX_PROVIDERS} entries`,
      })
      .optional(),
  })
  .refine(isOneList, ONE_LIST);
export type ToolPolicy = z.output<typeof ToolPolicy>;
