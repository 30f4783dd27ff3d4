import * as z from "zod";
import { type Fields, fieldOf } from "../../shared/tunnel/fields.ts";
import type { Greeting } from "./attachment.ts";

const Epoch = z
  .string()
  .regex(/^\d{1,15}$/)
  .transform(Number);

const Hello = z.object({
  version: z.string().max(64).default(""),
  mode: z.enum(["leader", "standby", "shared"]).default("leader"),
  store: z.string().max(128).default(""),
  epoch: Epoch.optional(),
  features: z.string().max(256).default(""),
});

/** What a core says of itself in HELLO; undefined when that makes no sense. */
export function readGreeting(fields: Fields): Greeting | undefined {
  const read = Hello.safeParse({
    version: fieldOf(fields, ":version")?.slice(0, 64),
    mode: fieldOf(fields, ":mode"),
    store: fieldOf(fields, ":store"),
    epoch: fieldOf(fields, ":epoch"),
    features: fieldOf(fields, ":features"),
  });
  if (!read.success) return undefined;
  const { features, ...rest } = read.data;
  return { ...rest, reattaches: features.split(" ").includes("reattach") };
}

/** Body of `PUT /lead`. */
export const Lead = z.object({ store: z.string().max(128), epoch: z.int().positive() });
