import * as z from "zod";
import { Ids } from "./channels.ts";

/** What is said with a slash, and who may say it. */
export const Commands = z.strictObject({
  /** Menus of platforms that have some. `auto`: there is one. */
  native: z.union([z.boolean(), z.literal("auto")]).default("auto"),
  /** False: where there is no menu either, what begins with a slash is for the agent. */
  text: z.boolean().default(true),
  /**
   * Whose word on models and settings counts, `<channel>:<id>`. Empty: those whom the channel's
   * `allowFrom` names, or else whoever was paired first.
   */
  ownerAllowFrom: Ids,
  /** By channel, `*` for all others: who may use commands at all. Left out: whoever may talk. */
  allowFrom: z.record(z.string().min(1).max(64), Ids).optional(),
});
