import * as z from "zod";
import { HttpUrl, SecretText } from "../fields.ts";

const FilePath = z.string().min(1).max(4096);

/** How this core reaches its edge. */
export const Edge = z.strictObject({
  url: HttpUrl,
  /** One-time secret that introduces this core to its edge; not needed afterwards. */
  pairing: SecretText.optional(),
  /** A service token, where Cloudflare Access stands before the edge. */
  access: z
    .strictObject({
      clientId: z
        .string()
        .regex(
          /^[\x21-\x7e]+$/,
          "must not be empty, and have neither spaces nor special characters",
        )
        .max(256),
      clientSecret: SecretText.optional(),
    })
    .optional(),
  /** A client certificate, where the edge asks for one: PEM files, from the config's folder. */
  tls: z.strictObject({ certFile: FilePath, keyFile: FilePath }).optional(),
  /** The proxy to go through; false: none; left out: as HTTPS_PROXY and NO_PROXY say. */
  proxy: z.union([HttpUrl, z.literal(false)]).optional(),
});
