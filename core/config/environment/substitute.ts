/** `${NAME}`, and with a second dollar sign the text itself. Lower-case names are left alone. */
const REFERENCE = /\$(?<escape>\$?)\{(?<name>[A-Z_][A-Z0-9_]*)\}/g;

export interface Missing {
  /** Where the reference stands. */
  readonly path: readonly string[];
  readonly name: string;
}

export interface Substituted {
  readonly value: unknown;
  /** References to what is not set; they are still in the text. */
  readonly missing: readonly Missing[];
}

/**
 * Fills `${NAME}` into every text of a config; keys are left alone. Pure.
 *
 * @param lookup - Undefined for a variable that is not set or empty.
 */
export function substitute(
  value: unknown,
  lookup: (name: string) => string | undefined,
  path: readonly string[] = [],
): Substituted {
  if (typeof value === "string") return substituteText(value, lookup, path);
  if (typeof value !== "object" || value === null) return { value, missing: [] };
  const missing: Missing[] = [];
  const below = (child: unknown, key: string): unknown => {
    const substituted = substitute(child, lookup, [...path, key]);
    missing.push(...substituted.missing);
    return substituted.value;
  };
  if (Array.isArray(value)) {
    return { value: value.map((child: unknown, index) => below(child, String(index))), missing };
  }
  const entries = Object.entries(value).map(([key, child]) => [key, below(child, key)] as const);
  // Defines each key on the object itself, `__proto__` too.
  return { value: Object.fromEntries(entries), missing };
}

function substituteText(
  text: string,
  lookup: (name: string) => string | undefined,
  path: readonly string[],
): Substituted {
  const missing: Missing[] = [];
  const value = text.replaceAll(REFERENCE, (reference, escape: string, name: string) => {
    if (escape !== "") return reference.slice(1);
    const found = lookup(name);
    if (found === undefined) missing.push({ path, name });
    return found ?? reference;
  });
  return { value, missing };
}

/** The variables that the texts of a config refer to, each once. */
export function variablesIn(value: unknown): string[] {
  const names = new Set<string>();
  const look = (text: string): void => {
    for (const { groups } of text.matchAll(REFERENCE)) {
      if (groups?.["escape"] === "") names.add(groups["name"] ?? "");
    }
    // How a credential may refer to one; of other texts it asks for a name too many at most.
    if (/^\$[A-Z][A-Z0-9_]{0,127}$/.test(text)) names.add(text.slice(1));
  };
  const walk = (one: unknown): void => {
    if (typeof one === "string") look(one);
    else if (typeof one === "object" && one !== null) Object.values(one).forEach(walk);
  };
  walk(value);
  return [...names];
}
