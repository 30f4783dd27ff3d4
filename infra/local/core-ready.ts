import * as z from "zod";
import { HOOKS_PATH } from "../../shared/edge-bundle.ts";

/** Where the core has a token from. */
export const TokenSource = z.discriminatedUnion("from", [
  z.object({ from: z.literal("file"), path: z.string() }),
  z.object({ from: z.literal("env"), name: z.string() }),
  z.object({ from: z.literal("config") }),
]);
export type TokenSource = z.output<typeof TokenSource>;

/** The one line the core writes to stdout when it takes work. Open: it says more than we need. */
export const CoreReady = z.object({
  event: z.literal("ready"),
  /** Base URL of its own port. */
  gateway: z.url(),
  port: z.int(),
  model: z.object({ id: z.string(), demo: z.boolean() }),
  token: TokenSource,
  /** Null: it takes no webhooks of its own. */
  hooks: TokenSource.nullable(),
  /** What they are posted below, there and at the edge. */
  hooksPath: z.string().default(HOOKS_PATH),
});
export type CoreReady = z.output<typeof CoreReady>;
