/** Which secrets go where: as a document that holds none of them. Pure. */
import * as z from "zod";
import { err, ok, type Result } from "../../../shared/result.ts";
import { isCredential, isReference, isSensitive } from "../credentials.ts";
import { pathText } from "../issues/path-text.ts";
import { mapTexts, valueAt } from "../tree.ts";
import { parsePath } from "../write/path.ts";
import { freeName, secretNameFor } from "./names.ts";
import { DEFAULT_PROVIDER, WrittenReference } from "./reference.ts";

/** Settings of one plan; a config with more credentials is several plans. */
const MAX_TARGETS = 512;

const Target = z.looseObject({
  type: z.string().min(1).max(256),
  path: z.string().min(1).max(1_024),
  pathSegments: z.array(z.string().min(1)).max(32).optional(),
  providerId: z.string().optional(),
  accountId: z.string().optional(),
  ref: WrittenReference,
});
const Alias = z.string().regex(/^[a-z][a-z0-9_-]{0,63}$/, "is no name for a provider of secrets");

/** A plan as it is kept in a file. Source: `openclaw secrets apply` of 2026.9. */
export const SecretPlan = z.looseObject({
  version: z.literal(1),
  protocolVersion: z.literal(1).optional(),
  /** As they are to be written: whoever writes the config checks them with it. */
  providerUpserts: z.record(Alias, z.looseObject({ source: z.string() })).default({}),
  providerDeletes: z.array(Alias).max(256).default([]),
  targets: z.array(Target).max(MAX_TARGETS).default([]),
  options: z.looseObject({ scrubEnv: z.boolean().default(true) }).prefault({}),
});
export type SecretPlan = z.output<typeof SecretPlan>;
type Reference = z.output<typeof WrittenReference>;

/** One setting, and where its secret is to be. */
export interface PlannedTarget {
  readonly path: readonly string[];
  readonly ref: Reference;
}

/** The settings a plan means; an error says which one it may not mean. */
export function targetsOf({ targets }: SecretPlan): Result<readonly PlannedTarget[], string> {
  const planned: PlannedTarget[] = [];
  for (const { type, path: text, pathSegments, providerId, accountId, ref } of targets) {
    const wrong = `Invalid plan target path for ${type}: ${text}`;
    const path = parsePath(text);
    if (!path.ok) return err(wrong);
    const isSame = pathSegments === undefined || pathSegments.join("\0") === path.value.join("\0");
    const ids = [providerId, accountId].filter((id) => id !== undefined);
    if (!isSame || !ids.every((id) => path.value.includes(id))) return err(wrong);
    if (!isOfType(type, path.value) || !mayRefer(path.value, ref)) return err(wrong);
    planned.push({ path: path.value, ref });
  }
  return ok(planned);
}

/** `models.providers.apiKey` and `models.providers.*.apiKey` are of the same settings. */
function isOfType(type: string, path: readonly string[]): boolean {
  const words = type.split(".").filter((word) => word !== "*");
  const rest = [...words];
  for (const part of path) if (part === rest[0]) rest.shift();
  return rest.length === 0 && words[0] === path[0] && words.at(-1) === path.at(-1);
}

/** Any text may be a variable; an object may stand where a credential of ours does. */
function mayRefer(path: readonly string[], { source }: Reference): boolean {
  return isCredential(path.join(".")) || (source === "env" && isSensitive(path));
}

/** What stands at a setting that is to refer elsewhere: variables in their short form. */
export function writtenAs({ ref }: PlannedTarget): unknown {
  const isShort = ref.source === "env" && (ref.provider ?? DEFAULT_PROVIDER) === DEFAULT_PROVIDER;
  return isShort ? `\${${ref.id}}` : ref;
}

export interface PlanRequest {
  /** The config as it is written. */
  readonly tree: unknown;
  /** Of the state folder's file of variables. */
  readonly variables: ReadonlyMap<string, string>;
  readonly to: "store" | "env";
  /** The provider that references name. */
  readonly provider: string;
  /** Dotted paths; undefined: all. */
  readonly only: ReadonlySet<string> | undefined;
  /** Whether a secret may be kept under this name. */
  readonly isFree: (name: string, value: string) => boolean;
}

export interface Planned {
  readonly plan: SecretPlan;
  /** Settings whose secret stays where it is. */
  readonly left: readonly { readonly path: string; readonly why: string }[];
}

/** A plan for all secrets that stand in the config, and in variables that only it refers to. */
export function planFor(request: PlanRequest): Planned {
  const { tree, to, provider, only } = request;
  const targets: SecretPlan["targets"] = [];
  const left: { path: string; why: string }[] = [];
  const taken = new Map<string, string>();
  mapTexts(tree, (text, path) => {
    const value = movable(text, path, request);
    if (value === undefined || only?.has(path.join(".")) === false) return text;
    const at = pathText(path);
    const type = path.filter((_part, index) => index !== 2 || path.length < 4).join(".");
    if (to === "store" && !isCredential(path.join("."))) {
      left.push({ path: at, why: "this version takes no reference there but ${NAME}" });
      return text;
    }
    const name = freeName(nameOf(text, path), (tried) => {
      const known = taken.get(tried);
      return known === undefined ? request.isFree(tried, value) : known === value;
    });
    taken.set(name, value);
    const ref = { source: to, provider, id: name } as const;
    targets.push({ type, path: at, pathSegments: [...path], ref });
    return text;
  });
  const shown = targets.slice(0, MAX_TARGETS);
  for (const { path } of targets.slice(MAX_TARGETS)) left.push({ path, why: "in the next plan" });
  const options = { scrubEnv: true };
  const rest = { providerUpserts: {}, providerDeletes: [], options } as const;
  return {
    plan: { version: 1, protocolVersion: 1, targets: shown, ...rest, providerDeletes: [] },
    left,
  };
}

/** The secret that is to go elsewhere; undefined: it stands where it belongs, or is none. */
function movable(
  text: string,
  path: readonly string[],
  { to, variables }: PlanRequest,
): string | undefined {
  if (text === "" || !isSensitive(path)) return undefined;
  const name = /^\$\{?(?<name>[A-Z_][A-Z0-9_]*)\}?$/.exec(text)?.groups?.["name"];
  if (isReference(text) && name !== undefined) {
    return to === "store" && isCredential(path.join(".")) ? variables.get(name) : undefined;
  }
  return text.includes("${") ? undefined : text;
}

/** A variable keeps its name. */
function nameOf(text: string, path: readonly string[]): string {
  const name = /^\$\{?(?<name>[A-Z][A-Z0-9_]*)\}?$/.exec(text)?.groups?.["name"];
  if (name !== undefined) return name;
  const last = path.at(-1) ?? "";
  const isVariable = path[0] === "env" && /^[A-Z][A-Z0-9_]{0,127}$/.test(last);
  return isVariable ? last : secretNameFor(path);
}

/** What stands at a setting now and can be moved from there: text that is no reference. */
export function plainAt(
  written: unknown,
  filled: unknown,
  path: readonly string[],
): string | undefined {
  const own = valueAt(written, path);
  if (typeof own !== "string" || own === "") return undefined;
  if (!own.includes("${") && !isReference(own)) return own;
  const value = valueAt(filled, path);
  return typeof value === "string" && value !== "" && !value.includes("${") ? value : undefined;
}
