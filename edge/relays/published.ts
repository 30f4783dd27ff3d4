import * as z from "zod";
import { EdgeBundle } from "../../shared/edge-bundle.ts";

/** What a relay answers to `bundle`: all that an isolate needs to decide on its own. */
export const Published = z.object({
  /** Counted by each relay for itself; 0 when no core has ever published to it. */
  version: z.number(),
  bundle: EdgeBundle.nullable(),
  keys: z.array(z.object({ kid: z.string(), publicKey: z.string() })),
  /** Absent from a relay of the version before. */
  sessionKey: z.string().optional(),
});
export type Published = z.output<typeof Published>;
