import * as z from "zod/mini";

/** What a caller may do. `operator` is the owner's token and covers the others. */
export const Scope = z.enum(["operator", "chat"]);
export type Scope = z.output<typeof Scope>;

/** Who a request comes from, decided once: at the edge, or by the core for local callers. */
export const Principal = z.strictObject({
  /** Stable name for logs, sessions and rate limits; never the credential. */
  subject: z.string().check(z.minLength(1), z.maxLength(128)),
  scopes: z.array(Scope),
});
export type Principal = z.output<typeof Principal>;
