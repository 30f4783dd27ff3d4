import * as z from "zod";
import { HttpUrl, SecretText } from "../fields.ts";

/** People write ids as numbers, platforms as text. */
export const Ids = z
  .array(
    z
      .union([z.string().min(1).max(128), z.int()], {
        error: "must be an id: text or a whole number",
      })
      .transform(String),
  )
  .max(10_000)
  .default([]);

export const Telegram = z.strictObject({
  enabled: z.boolean().default(true),
  /** As @BotFather gives it. */
  botToken: SecretText.optional(),
  /** Who may write to the bot: those who were paired, those in `allowFrom`, everybody, nobody. */
  dmPolicy: z.enum(["pairing", "allowlist", "open", "disabled"]).default("pairing"),
  /** Telegram user ids; `*` is everybody. */
  allowFrom: Ids,
  /** The same for groups the bot is in. */
  groupPolicy: z.enum(["disabled", "allowlist", "open"]).default("disabled"),
  groupAllowFrom: Ids,
  apiRoot: HttpUrl.default("https://api.telegram.org"),
  /** Longest piece of a reply, characters. Telegram's own limit is 4096 after its markup is read. */
  textChunkLimit: z.int().min(100).max(4096).default(4000),
  commands: z
    .strictObject({
      /** In place of `commands.native`. */
      native: z.union([z.boolean(), z.literal("auto")]).optional(),
    })
    .prefault({}),
});

export const Channels = z.strictObject({ telegram: Telegram.optional() });
