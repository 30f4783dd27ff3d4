import { utf8 } from "../../shared/bytes.ts";
import { bytesMatch, digestOf } from "../../shared/constant-time.ts";

/**
 * True when `credential` is one of those behind `digests`. Looks at all of them every time: which
 * one matched, the old or the new, must not show either.
 */
export async function matchesAny(credential: string, digests: readonly string[]): Promise<boolean> {
  const given = utf8(await digestOf(credential));
  let found = false;
  for (const digest of digests) {
    const same = bytesMatch(given, utf8(digest));
    found ||= same;
  }
  return found;
}
