import { err, ok, type Result } from "../result.ts";
import type { Refusal } from "./scheme.ts";

const HEADER = "Authorization";
const SCHEME = /^Bearer +/i;
/** Theirs have one to two KiB. */
const MAX_LENGTH = 16_384;
/** Three parts, the last of which a token without signature leaves empty. */
const COMPACT = /^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$/;

/** The JSON Web Token of a request, by its form alone. */
export function bearerJwt(headers: Headers): Result<string, Refusal> {
  const given = headers.get(HEADER);
  if (given === null) return err({ reason: "missing_header", header: HEADER });
  if (given.length > MAX_LENGTH || !SCHEME.test(given)) {
    return err({ reason: "bad_format", header: HEADER });
  }
  const token = given.replace(SCHEME, "");
  return COMPACT.test(token) ? ok(token) : err({ reason: "bad_format", header: HEADER });
}

/** Which of `audiences` the token was made for; undefined: none. */
export function audienceOf(claim: unknown, audiences: readonly string[]): number | undefined {
  const named: readonly unknown[] = Array.isArray(claim) ? claim : [claim];
  const found = audiences.findIndex((audience) => named.includes(audience));
  return found < 0 ? undefined : found;
}
