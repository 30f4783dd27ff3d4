import * as z from "zod";
import { isSensitive } from "../../config/credentials.ts";
import {
  configJsonSchema,
  type JsonSchema,
  type Setting,
  settingAt,
} from "../../config/file/describe.ts";
import { parsePath } from "../../config/write/path.ts";
import { type Method, MethodError, type NamedMethod } from "../method.ts";
import { CONFIG_CHANGED } from "../system/restart.ts";
import { configAnswer } from "./answer.ts";
import type { ConfigMethodParts } from "./parts.ts";

const NoParams = z.strictObject({});
const LookupParams = z.strictObject({
  path: z
    .string()
    .min(1)
    .max(1_024)
    .regex(/^[A-Za-z0-9_./[\]\-*]+$/, "is no path of a setting"),
});

/** Facts of a setting that need none of what is in it. */
const SHALLOW = [
  "type",
  "title",
  "description",
  "enum",
  "const",
  "default",
  "format",
  "pattern",
  "minimum",
  "maximum",
  "exclusiveMinimum",
  "exclusiveMaximum",
  "minLength",
  "maxLength",
  "minItems",
  "maxItems",
] as const;

/** Reading the config and what may be in it. */
export function readMethods(parts: ConfigMethodParts): readonly NamedMethod[] {
  const startedAt = new Date(parts.now()).toISOString();
  let schema: JsonSchema | undefined;
  const known = (): JsonSchema => (schema ??= configJsonSchema());
  const methods: Record<string, Method> = {
    "config.get": {
      scope: "operator.read",
      async call(params) {
        NoParams.parse(params);
        const { openWriter, configHash } = parts.settings();
        const snapshot = await (await openWriter()).snapshot();
        // While a restart for it waits, what runs is neither this config nor the one before.
        const isPartly = parts.pendingRestart()?.reasons.includes(CONFIG_CHANGED) === true;
        return configAnswer(snapshot, isPartly ? undefined : configHash);
      },
    },
    "config.schema": {
      scope: "operator.read",
      call(params) {
        NoParams.parse(params);
        return {
          schema: known(),
          uiHints: hintsOf(known()),
          version: parts.version,
          generatedAt: startedAt,
        };
      },
    },
    "config.schema.lookup": {
      scope: "operator.read",
      call(params) {
        const { path } = LookupParams.parse(params);
        const parsed = parsePath(path.replaceAll("/", "."));
        const setting = parsed.ok ? settingAt(parsed.value, known()) : undefined;
        if (setting === undefined) {
          throw new MethodError("INVALID_REQUEST", "config schema path not found");
        }
        return lookupAnswer(setting, parts.reloadKind);
      },
    },
  };
  return Object.entries(methods);
}

function lookupAnswer(
  { path, schema, children }: Setting,
  reloadKind: ConfigMethodParts["reloadKind"],
): unknown {
  const at = path.join(".");
  return {
    path: at,
    schema: shallow(schema),
    reloadKind: reloadKind(at),
    ...hintOf(path),
    children: children.map(({ key, required, schema: child }) => ({
      key,
      path: `${at}.${key}`,
      ...(typeof child.type === "string" && { type: child.type }),
      required,
      hasChildren: isBranch(child),
      reloadKind: reloadKind(`${at}.${key}`),
      ...hintOf([...path, key]),
    })),
  };
}

function shallow(schema: JsonSchema): Record<string, unknown> {
  return Object.fromEntries(
    SHALLOW.flatMap((key) => (schema[key] === undefined ? [] : [[key, schema[key]]])),
  );
}

function isBranch({ properties, items, additionalProperties, anyOf, oneOf }: JsonSchema): boolean {
  const hasMore = typeof additionalProperties === "object" || items !== undefined;
  return properties !== undefined || hasMore || anyOf !== undefined || oneOf !== undefined;
}

function hintOf(path: readonly string[]): Record<string, unknown> {
  return isSensitive(path) ? { hint: { sensitive: true }, hintPath: path.join(".") } : {};
}

/** What a form must not show while it is typed. */
function hintsOf(root: JsonSchema): Record<string, { readonly sensitive: true }> {
  const hints: Record<string, { readonly sensitive: true }> = {};
  const walk = (path: readonly string[]): void => {
    for (const { key, schema } of settingAt(path, root)?.children ?? []) {
      const at = [...path, key];
      if (schema.writeOnly === true) hints[at.join(".")] = { sensitive: true };
      else if (isBranch(schema)) walk(at);
    }
  };
  walk([]);
  return hints;
}
