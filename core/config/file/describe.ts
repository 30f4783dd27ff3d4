/** The schema of the config as JSON Schema, for editors, forms and whoever asks what a setting is. */
import * as z from "zod";
import { isSensitive } from "../credentials.ts";
import { passedOver } from "../issues/known-keys.ts";
import { ConfigSchema } from "../schema.ts";

export type JsonSchema = Exclude<z.core.JSONSchema._JSONSchema, boolean>;

/** A secret that is kept elsewhere, in place of itself. */
const REFERENCE: JsonSchema = {
  type: "object",
  properties: {
    source: { enum: ["env", "file", "exec", "store"] },
    provider: { type: "string" },
    id: { type: "string" },
  },
  required: ["source", "id"],
  additionalProperties: false,
};

/** All of it: what may be written into the file. */
export function configJsonSchema(): JsonSchema {
  const schema = z.toJSONSchema(ConfigSchema, { io: "input", unrepresentable: "any" });
  const described = withReferences(schema, []);
  const further: JsonSchema["properties"] = {
    $schema: { type: "string" },
    $include: { anyOf: [{ type: "string" }, { type: "array", items: { type: "string" } }] },
    env: { type: "object" },
  };
  return { ...described, properties: { ...described.properties, ...further } };
}

function withReferences(schema: JsonSchema, path: readonly string[]): JsonSchema {
  if (schema.type === "string" && isSensitive(path)) {
    return { anyOf: [schema, REFERENCE], writeOnly: true };
  }
  const { properties, items, additionalProperties, anyOf, oneOf } = schema;
  const below = (
    child: z.core.JSONSchema._JSONSchema,
    key: string,
  ): z.core.JSONSchema._JSONSchema =>
    typeof child === "boolean" ? child : withReferences(child, [...path, key]);
  const described: JsonSchema = { ...schema };
  if (properties !== undefined) {
    const entries = Object.entries(properties);
    described.properties = Object.fromEntries(entries.map(([key, one]) => [key, below(one, key)]));
  }
  if (isSchema(items)) described.items = below(items, "0");
  if (isSchema(additionalProperties)) {
    described.additionalProperties = below(additionalProperties, "*");
  }
  if (anyOf !== undefined) described.anyOf = all(anyOf, path);
  if (oneOf !== undefined) described.oneOf = all(oneOf, path);
  return described;
}

function all(
  schemas: readonly z.core.JSONSchema._JSONSchema[],
  path: readonly string[],
): JsonSchema[] {
  return schemas.filter(isSchema).map((one) => withReferences(one, path));
}

function isSchema(value: unknown): value is JsonSchema {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export interface SettingChild {
  readonly key: string;
  readonly required: boolean;
  readonly schema: JsonSchema;
}

/** One setting and those in it. */
export interface Setting {
  readonly path: readonly string[];
  readonly schema: JsonSchema;
  readonly children: readonly SettingChild[];
}

/** What the schema says of the setting at `path`; undefined for one it does not have. */
export function settingAt(path: readonly string[], root = configJsonSchema()): Setting | undefined {
  let schema: JsonSchema | undefined = root;
  for (const part of path) schema = schema && childOf(schema, part);
  return schema && { path, schema, children: childrenOf(schema) };
}

/** True for a setting that others know and this version reads past. */
export function isPassedOver(path: readonly string[]): boolean {
  return path.some((key, depth) => passedOver(path.slice(0, depth)).includes(key));
}

/** The schema itself, or those of its alternatives. */
function alternatives(schema: JsonSchema): JsonSchema[] {
  const inner = [...(schema.anyOf ?? []), ...(schema.oneOf ?? [])].filter(isSchema);
  return inner.length === 0 ? [schema] : inner.flatMap(alternatives);
}

function childOf(schema: JsonSchema, part: string): JsonSchema | undefined {
  for (const one of alternatives(schema)) {
    const { properties = {}, items, additionalProperties } = one;
    const named = Object.hasOwn(properties, part) ? properties[part] : undefined;
    const isEntry = /^(?:\d+|\*)$/.test(part);
    const found = named ?? (isEntry && isSchema(items) ? items : additionalProperties);
    if (isSchema(found)) return found;
  }
  return undefined;
}

function childrenOf(schema: JsonSchema): SettingChild[] {
  return alternatives(schema).flatMap(
    ({ properties = {}, required = [], items, additionalProperties }) => [
      ...Object.entries(properties).flatMap(([key, child]) =>
        isSchema(child) ? [{ key, required: required.includes(key), schema: child }] : [],
      ),
      ...(isSchema(items) ? [{ key: "*", required: false, schema: items }] : []),
      ...(isSchema(additionalProperties)
        ? [{ key: "*", required: false, schema: additionalProperties }]
        : []),
    ],
  );
}
