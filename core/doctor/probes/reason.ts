/** Messages of our own, and of the protocol parsers, that say nothing but what happened. */
const OWN = new Set(["no answer in time", "socket hang up"]);

/**
 * Why something failed, in a word that cannot hold a secret: the code of the error where it has
 * one. The text of an unknown error may quote a URL, a header or a page of HTML.
 */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return "unknown fault";
  if (error.name === "TimeoutError") return "no answer in time";
  const { cause } = error;
  if ("code" in error && typeof error.code === "string") return error.code;
  if (cause instanceof Error && "code" in cause && typeof cause.code === "string")
    return cause.code;
  return OWN.has(error.message) ? error.message : error.name;
}
