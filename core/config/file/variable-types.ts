/**
 * Variables where a setting is no text: what they hold is text always, so it is taken for the number
 * or the switch that is wanted there. Pure.
 */
import type * as z from "zod";
import type { Issue } from "../issues/error.ts";
import { pathText } from "../issues/path-text.ts";
import { mapTexts, valueAt } from "../tree.ts";

/** The text is one variable and nothing else. */
const WHOLE = /^\$\{(?<name>[A-Z_][A-Z0-9_]*)\}$/;
/** As JSON writes a number. */
const NUMBER = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/;

/** The variable that is all of a setting, by the dotted path of that setting. */
export type WholeVariables = ReadonlyMap<string, string>;

/** @param written - A config before its variables are filled in. */
export function wholeVariables(written: unknown): WholeVariables {
  const names = new Map<string, string>();
  mapTexts(written, (text, path) => {
    const name = WHOLE.exec(text)?.groups?.["name"];
    if (name !== undefined) names.set(path.join("."), name);
    return text;
  });
  return names;
}

interface Mistyped {
  readonly path: readonly string[];
  readonly name: string;
  readonly expected: string;
  readonly text: string;
}

/**
 * The same config with numbers and switches where they are wanted and a variable holds one.
 *
 * @param value - With its variables filled in.
 */
export function withTypes(value: unknown, error: z.ZodError, variables: WholeVariables): unknown {
  const wanted = new Map(
    mistyped(value, error, variables).map(({ path, expected }) => [path.join("."), expected]),
  );
  return mapTexts(value, (text, path) => {
    const expected = wanted.get(path.join("."));
    return expected === undefined ? text : (typedText(text, expected) ?? text);
  });
}

/** What is wrong with the others, by the path of the setting. */
export function variableIssues(
  value: unknown,
  error: z.ZodError,
  variables: WholeVariables,
): ReadonlyMap<string, Issue> {
  return new Map(
    mistyped(value, error, variables).map(({ path, name, expected, text }) => {
      const at = pathText(path);
      const message =
        WHOLE.exec(text)?.groups?.["name"] === name
          ? `needs the variable ${name}, which is not set`
          : `must be a ${expected}, and the variable ${name} holds none`;
      return [at, { path: at, message }];
    }),
  );
}

function mistyped(value: unknown, { issues }: z.ZodError, variables: WholeVariables): Mistyped[] {
  return issues.flatMap((issue): Mistyped[] => {
    if (issue.code !== "invalid_type") return [];
    const path = issue.path.map(String);
    const name = variables.get(path.join("."));
    const text = valueAt(value, path);
    const expected = issue.expected === "int" ? "number" : issue.expected;
    if (name === undefined || typeof text !== "string") return [];
    return expected === "number" || expected === "boolean" ? [{ path, name, expected, text }] : [];
  });
}

function typedText(text: string, expected: string): number | boolean | undefined {
  if (expected === "number") return NUMBER.test(text) ? Number(text) : undefined;
  return text === "true" || text === "false" ? text === "true" : undefined;
}
