/** Longest chain of causes that is followed: `fetch` nests two. */
const MAX_DEPTH = 5;

/** The system's word for a failed connection (`ECONNREFUSED`), dug out of the causes of `error`. */
export function networkReason(error: unknown): string | undefined {
  let current = error;
  for (let depth = 0; depth < MAX_DEPTH && current instanceof Error; depth += 1) {
    if (
      "code" in current &&
      typeof current.code === "string" &&
      /^[A-Z_]{3,40}$/.test(current.code)
    )
      return current.code;
    current = current.cause;
  }
  return undefined;
}
