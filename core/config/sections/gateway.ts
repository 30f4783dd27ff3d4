import * as z from "zod";
import { HttpUrl, SecretText } from "../fields.ts";

/** Refuses what OpenClaw knows and this version does not do, and says what there is instead. */
function only<const Known extends readonly [string, ...string[]]>(
  known: Known,
): z.ZodEnum<{ [K in Known[number]]: K }> {
  return z.enum(known, {
    error: `this version supports ${known.map((one) => `"${one}"`).join(" and ")}`,
  });
}

/** How people wrote "every interface" before there was a word for it. */
const LAN_ALIASES: ReadonlySet<unknown> = new Set(["*", "0.0.0.0"]);

export const Bind = z.preprocess(
  (value) => (LAN_ALIASES.has(value) ? "lan" : value),
  only(["loopback", "lan"]),
);

/** 0: any free port. */
export const Port = z.int().min(0).max(65_535);

export const Gateway = z.strictObject({
  mode: only(["local"]).default("local"),
  port: Port.default(18_789),
  bind: Bind.default("loopback"),
  /** Where people reach this gateway, when that is not its own address. */
  publicOrigin: HttpUrl.optional(),
  auth: z
    .strictObject({
      mode: only(["token"]).default("token"),
      /** Left out: made on first start and kept in the state folder. */
      token: SecretText.optional(),
      /** How often an address may present a wrong credential before it is shut out for a while. */
      rateLimit: z
        .strictObject({
          maxAttempts: z.int().min(1).max(1_000).default(10),
          windowMs: z.int().min(1_000).max(86_400_000).default(60_000),
          lockoutMs: z.int().min(1_000).max(86_400_000).default(300_000),
          exemptLoopback: z.boolean().default(true),
        })
        .prefault({}),
    })
    .prefault({}),
  reload: z
    .strictObject({
      mode: z.enum(["off", "hot", "restart", "hybrid"]).default("hybrid"),
      debounceMs: z.int().min(0).max(60_000).default(300),
    })
    .prefault({}),
  http: z
    .strictObject({
      endpoints: z
        .strictObject({
          chatCompletions: z.strictObject({ enabled: z.boolean().default(true) }).prefault({}),
        })
        .prefault({}),
    })
    .prefault({}),
});
