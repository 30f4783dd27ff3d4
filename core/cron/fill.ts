import type { Happening } from "./parts.ts";

/** Of one fact in a text: what happens is told, not retold. */
const MAX_FACT_UNITS = 2_000;

/** `{{event}}` and the facts of what happened, by their names; what there is not becomes nothing. Pure. */
export function filled(text: string, { event, facts }: Happening): string {
  return text.replaceAll(/\{\{\s*(\w{1,64})\s*\}\}/g, (_whole, name: string) => {
    if (name === "event") return event;
    return Object.hasOwn(facts, name) ? (facts[name] ?? "").slice(0, MAX_FACT_UNITS) : "";
  });
}
