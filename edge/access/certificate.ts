import * as z from "zod/mini";

/**
 * What the platform found out about the client's certificate.
 * Source: https://developers.cloudflare.com/workers/runtime-apis/request/#incomingrequestcfproperties
 */
const Shown = z.object({
  tlsClientAuth: z.object({
    certVerified: z.literal("SUCCESS"),
    certRevoked: z.optional(z.literal("0")),
    certFingerprintSHA256: z.string(),
  }),
});

/**
 * Whether the request came with a certificate that Cloudflare has verified and that is on the list.
 * Pure.
 *
 * @param cf - `request.cf`: made by the platform, no client can write it.
 * @param fingerprints - SHA-256, hex, lower case.
 */
export function showsCertificate(cf: unknown, fingerprints: readonly string[]): boolean {
  const shown = Shown.safeParse(cf);
  if (!shown.success) return false;
  return fingerprints.includes(shown.data.tlsClientAuth.certFingerprintSHA256.toLowerCase());
}
