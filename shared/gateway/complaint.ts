/** What zod says of one thing that does not fit, without its own words: those depend on the build. */
export interface Issue {
  readonly code?: string | undefined;
  readonly path: readonly PropertyKey[];
  readonly keys?: unknown;
  readonly expected?: unknown;
}

const WORDS: Readonly<Record<string, string>> = {
  invalid_value: "must be one of the allowed values",
  too_small: "is too small",
  too_big: "is too big",
};

/** `at <path>: <complaint>`, as the gateway protocol words it; never a value of the client's. Pure. */
export function complaintOf({ issues }: { readonly issues: readonly Issue[] }): string {
  const [issue] = issues;
  if (issue === undefined) return "at root: invalid";
  const { path, code = "", keys, expected } = issue;
  const where = path.length === 0 ? "root" : path.map(String).join(".");
  if (Array.isArray(keys)) return `at ${where}: unexpected property '${String(keys[0])}'`;
  const words = typeof expected === "string" ? `must be ${expected}` : WORDS[code];
  return `at ${where}: ${words ?? "is invalid"}`;
}
