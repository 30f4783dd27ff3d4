import * as z from "zod/mini";
import { type Fields, fieldOf } from "../../shared/tunnel/fields.ts";
import type { Greeting } from "./attachment.ts";

const Epoch = z.pipe(z.string().check(z.regex(/^\d{1,15}$/)), z.transform(Number));

const Hello = z.object({
  version: z._default(z.string().check(z.maxLength(64)), ""),
  mode: z._default(z.enum(["leader", "standby", "shared"]), "leader"),
  store: z._default(z.string().check(z.maxLength(128)), ""),
  epoch: z.optional(Epoch),
  features: z._default(z.string().check(z.maxLength(256)), ""),
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
export const Lead = z.object({
  store: z.string().check(z.maxLength(128)),
  epoch: z.int().check(z.positive()),
});
