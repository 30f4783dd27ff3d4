export type Level = "info" | "warn" | "error";

/** Facts of one event: never a header, a body, a token or an error's own message. */
export type Facts = { readonly event: string } & Readonly<
  Record<string, string | number | boolean | undefined>
>;

/** Longest text of one fact: anything a client sent could be in it. */
const MAX_FACT_LENGTH = 200;

/** Writes one JSON line. The only console of the edge. */
export function logLine(level: Level, facts: Facts): void {
  const line = JSON.stringify({ level, ...facts }, (_key, value: unknown) =>
    typeof value === "string" ? value.slice(0, MAX_FACT_LENGTH) : value,
  );
  console[level](line);
}

/** What may be logged of something caught: its kind and where it was thrown, without its text. */
export function errorFacts(thrown: unknown): { readonly kind: string; readonly at?: string } {
  if (!(thrown instanceof Error)) return { kind: typeof thrown };
  const at = thrown.stack?.split("\n").find((line) => line.trimStart().startsWith("at "));
  return { kind: thrown.name, ...(at === undefined ? {} : { at: at.trim() }) };
}
