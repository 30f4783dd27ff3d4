/** What of a config may be shown, and how what was not shown comes back. Pure. */
import { Secret } from "../../../shared/secret.ts";
import { isReference, isSecretAddress, isSensitive, isSensitiveNumber } from "../credentials.ts";
import type { Issue } from "../issues/error.ts";
import { pathText } from "../issues/path-text.ts";
import { isTree, mapTexts, valueAt } from "../tree.ts";

/** Stands for what is there and not shown. Source: OpenClaw 2026.9. */
export const REDACTED = "__OPENCLAW_REDACTED__";

/** Shorter ones stand in too many words by chance. */
const MIN_SECRET_UNITS = 6;

/** All secrets of a tree, to find them where they are not expected. */
export function secretsIn(value: unknown, path: readonly string[] = []): Set<string> {
  const found = new Set<string>();
  if (value instanceof Secret) found.add(value.reveal());
  else if (typeof value === "string") {
    const isOne = value.length >= MIN_SECRET_UNITS && isSensitive(path) && !isReference(value);
    if (isOne && value !== REDACTED) found.add(value);
  } else if (typeof value === "object" && value !== null) {
    for (const [key, child] of Object.entries(value)) {
      for (const secret of secretsIn(child, [...path, key])) found.add(secret);
    }
  }
  return found;
}

/**
 * The tree as it may be shown. A `${NAME}` is shown as it is: it tells where a secret is.
 *
 * @param secrets - What must be in no text, wherever it stands.
 */
export function redact(
  value: unknown,
  secrets: ReadonlySet<string>,
  path: readonly string[] = [],
): unknown {
  if (value instanceof Secret) return REDACTED;
  if (typeof value === "string") return redactText(value, secrets, path);
  if (typeof value === "number") return isSensitiveNumber(path) ? REDACTED : value;
  if (value instanceof URL) return redactText(value.href, secrets, path);
  if (Array.isArray(value)) {
    return value.map((one: unknown, index) => redact(one, secrets, [...path, String(index)]));
  }
  if (!isTree(value)) return value;
  const entries = Object.entries(value).filter(([, child]) => child !== undefined);
  return Object.fromEntries(
    entries.map(([key, child]) => [key, redact(child, secrets, [...path, key])]),
  );
}

function redactText(text: string, secrets: ReadonlySet<string>, path: readonly string[]): string {
  const isHidden = isSensitive(path) || isSecretAddress(text);
  const isShown = text === "" || isReference(text) || !isHidden;
  if (!isShown) return REDACTED;
  return [...secrets].some((secret) => text.includes(secret)) ? REDACTED : text;
}

export interface Restored {
  readonly value: unknown;
  /** Marks for which there is nothing to put in their place. */
  readonly issues: readonly Issue[];
}

/** Puts back what `before` has where `value` has the mark of something not shown. */
export function restoreRedacted(value: unknown, before: unknown): Restored {
  const issues: Issue[] = [];
  const walk = (now: unknown, known: unknown, path: readonly string[]): unknown => {
    if (now === REDACTED) {
      if (known !== undefined && known !== REDACTED) return known;
      const message =
        "holds the mark of a value that is not shown, and there is none: write it out";
      issues.push({ path: pathText(path), message });
      return now;
    }
    if (Array.isArray(now)) {
      return now.map((one: unknown, index) =>
        walk(one, entryOf(now, known, index), [...path, String(index)]),
      );
    }
    if (!isTree(now)) return now;
    return Object.fromEntries(
      Object.entries(now).map(([key, child]) => [
        key,
        walk(child, valueAt(known, [key]), [...path, key]),
      ]),
    );
  };
  return { value: walk(value, before, []), issues };
}

/** The entry that was meant: the one of that id, or that place in a list as long as before. */
function entryOf(now: readonly unknown[], known: unknown, index: number): unknown {
  if (!Array.isArray(known)) return undefined;
  const id = valueAt(now[index], ["id"]);
  if (typeof id === "string") return known.find((one) => valueAt(one, ["id"]) === id);
  return known.length === now.length ? known[index] : undefined;
}

/**
 * `${NAME}` stays where what it stands for comes back unchanged: a reader of the config got it filled
 * in, and a secret must not end up in the file by that.
 *
 * @param authored - As it is written.
 * @param filled - The same with its variables.
 */
export function keepReferences(value: unknown, authored: unknown, filled: unknown): unknown {
  return mapTexts(value, (text, path) => {
    const written = valueAt(authored, path);
    const isSame = typeof written === "string" && valueAt(filled, path) === text;
    return isSame ? written : text;
  });
}
