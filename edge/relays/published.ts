import * as z from "zod/mini";
import { EdgeBundle } from "../../shared/edge-bundle.ts";
import { jsonOrUndefined } from "../../shared/json.ts";
import type { Sealer } from "../seal.ts";

/** What a relay answers to `bundle`. */
const Answer = z.object({
  version: z.number(),
  /** Without routes when these are sealed. */
  bundle: z.nullable(z.partial(EdgeBundle, { routes: true })),
  sealed: z.optional(z.string()),
  marks: z.optional(z.array(z.string())),
  /** What webhooks were posted below before. */
  formerHooks: z.optional(z.array(z.string())),
  keys: z.array(z.object({ kid: z.string(), publicKey: z.string() })),
  /** Absent from a relay of the version before. */
  sessionKey: z.optional(z.string()),
});

const Routes = z.pick(EdgeBundle, { routes: true, outageAlert: true });

/** What a relay knows: all that an isolate needs to decide on its own. */
export interface Published extends Pick<
  z.output<typeof Answer>,
  "keys" | "sessionKey" | "marks" | "formerHooks"
> {
  /** Counted by each relay for itself; 0 when no core has ever published to it. */
  readonly version: number;
  readonly bundle: EdgeBundle | null;
  /** Routes are there, but sealed with another key than ours: they count as not published. */
  readonly isLocked?: boolean;
}

/**
 * Reads the answer of a relay to `bundle`, and opens what is sealed in it.
 *
 * @throws $ZodError for anything else.
 */
export async function readPublished(
  answer: unknown,
  sealer: Sealer | undefined,
): Promise<Published> {
  const { bundle, sealed, ...rest } = Answer.parse(answer);
  if (bundle === null) return { ...rest, bundle };
  if (sealed === undefined) return { ...rest, bundle: { ...bundle, routes: bundle.routes ?? [] } };
  const opened = await sealer?.open(sealed);
  if (opened === undefined) return { ...rest, bundle: { ...bundle, routes: [] }, isLocked: true };
  return { ...rest, bundle: { ...bundle, ...Routes.parse(jsonOrUndefined(opened)) } };
}
