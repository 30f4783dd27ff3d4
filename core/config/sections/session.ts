import * as z from "zod";

/** How messages are sorted into conversations. */
export const Session = z.strictObject({
  /**
   * Direct messages: all in the owner's main session, one for each sender, one for each sender of
   * a channel, or of an account of it. Left out: `main`, until more than one person may write.
   */
  dmScope: z.enum(["main", "per-peer", "per-channel-peer", "per-account-channel-peer"]).optional(),
  scope: z.enum(["per-sender", "global"]).default("per-sender"),
});
