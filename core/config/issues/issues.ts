import * as z from "zod";
import type { Issue } from "./error.ts";
import { passedOver } from "./known-keys.ts";
import { pathText } from "./path-text.ts";
import { ConfigSchema } from "../schema.ts";
import { nearest } from "./suggest.ts";
import { wordsOf } from "./words.ts";

/** What the schema found, in words for the person who wrote the file. Never tells a value. */
export function toIssues(error: z.ZodError, ...prefix: readonly string[]): Issue[] {
  return error.issues.flatMap((issue) => toIssue({ ...issue, path: [...prefix, ...issue.path] }));
}

function toIssue(issue: z.core.$ZodIssue): Issue[] {
  if (issue.code === "unrecognized_keys") {
    return issue.keys.map((key) => unknownKey(issue.path.map(String), key));
  }
  // The name of a record's entry is at fault: its own schema says how.
  const [inner] = issue.code === "invalid_key" ? issue.issues : [];
  return [{ path: pathText(issue.path), message: messageOf(inner ?? issue) }];
}

function messageOf(issue: z.core.$ZodIssue): string {
  // Here it is a file that is read, with types that have names.
  if (issue.code === "invalid_type" && issue.message.startsWith("Invalid input")) {
    return `must be ${/^[aeiou]/.test(issue.expected) ? "an" : "a"} ${issue.expected}`;
  }
  return lowerFirst(wordsOf(issue));
}

function unknownKey(path: readonly string[], key: string): Issue {
  const meant = nearest(key, [...schemaKeys(path), ...passedOver(path)]);
  const hint = meant === undefined ? "" : `; did you mean "${meant}"?`;
  return { path: pathText([...path, key]), message: `is not a setting${hint}` };
}

type JsonSchema = z.core.JSONSchema._JSONSchema;

/** The keys that the schema has in the object at `path`. Walks its JSON Schema: only errors pay for it. */
function schemaKeys(path: readonly string[]): string[] {
  const root: JsonSchema = z.toJSONSchema(ConfigSchema, { io: "input", unrepresentable: "any" });
  const at = path.reduce((schema: JsonSchema, part) => below(schema, part), root);
  return Object.keys(objectOf(at)?.properties ?? {});
}

function below(schema: JsonSchema, part: string): JsonSchema {
  const list = typeof schema === "boolean" || !/^\d+$/.test(part) ? undefined : schema.items;
  if (list !== undefined && !Array.isArray(list)) return list;
  const object = objectOf(schema);
  return object?.properties?.[part] ?? object?.additionalProperties ?? false;
}

/** The schema itself, or the one of its alternatives that is an object. */
function objectOf(schema: JsonSchema): Exclude<JsonSchema, boolean> | undefined {
  if (typeof schema === "boolean") return undefined;
  return (schema.anyOf ?? [schema]).find((one) => one.type === "object");
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}
