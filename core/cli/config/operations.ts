/** What `config set` is asked for -> changes of the config. Pure. */
import * as z from "zod";
import JSON5 from "json5";
import { GatewayError } from "../../../shared/errors.ts";
import { WrittenReference } from "../../config/secrets/reference.ts";
import { isTree } from "../../config/tree.ts";
import type { TreeChange } from "../../config/write/change.ts";
import { type ProviderFlags, providerFrom } from "./provider-flags.ts";
import { pathOf } from "./said.ts";

/** Assignments of one batch; a config with more is written as a whole. */
const MAX_OPERATIONS = 1_000;

export type InputMode = "value" | "json" | "builder";

/** One assignment. */
export interface Operation {
  readonly path: readonly string[];
  readonly value: unknown;
  readonly mode: InputMode;
}

export interface RefFlags {
  readonly "ref-source"?: string | undefined;
  readonly "ref-provider"?: string | undefined;
  readonly "ref-id"?: string | undefined;
}

const BatchItem = z
  .strictObject({
    path: z.string().min(1),
    value: z.unknown().optional(),
    ref: WrittenReference.optional(),
    provider: z.looseObject({ source: z.string() }).optional(),
  })
  .refine(
    (item) => ["value", "ref", "provider"].filter((key) => key in item).length === 1,
    "has one of value, ref and provider",
  );
const Batch = z.array(BatchItem).min(1, "has no assignment").max(MAX_OPERATIONS);

/** @throws GatewayError invalid_request that names what is wrong, and never a value. */
export function batchIn(text: string): Operation[] {
  const parsed = Batch.safeParse(jsonIn(text));
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    const where = issue === undefined ? "" : `[${issue.path.join(".")}] `;
    throw misused(`the batch ${where}${issue?.message ?? ""}`);
  }
  return parsed.data.map((item) => {
    const path = pathOf(item.path);
    if (item.provider !== undefined) {
      checkProviderPath(path);
      return { path, value: item.provider, mode: "builder" };
    }
    if (item.ref !== undefined) return { path, value: item.ref, mode: "builder" };
    return { path, value: item.value, mode: "json" };
  });
}

function jsonIn(text: string): unknown {
  try {
    return JSON5.parse(text);
  } catch {
    throw misused("the batch is not JSON"); // the message of the parser quotes the text
  }
}

/** Undefined: nobody asked for one. @throws GatewayError invalid_request */
export function builtFrom(
  path: readonly string[],
  flags: RefFlags & ProviderFlags,
): Operation | undefined {
  const { "ref-source": source, "ref-provider": provider = "default", "ref-id": id } = flags;
  const hasRef = source !== undefined || id !== undefined || flags["ref-provider"] !== undefined;
  const built = providerFrom(flags);
  if (hasRef && built !== undefined) throw misused("name a reference or a provider, not both");
  if (built !== undefined) {
    checkProviderPath(path);
    return { path, value: built, mode: "builder" };
  }
  if (!hasRef) return undefined;
  const reference = WrittenReference.safeParse({ source, provider, id });
  if (reference.success) return { path, value: reference.data, mode: "builder" };
  const isWhole = [source, id].every((part) => part !== undefined);
  const why = isWhole ? reference.error.issues[0]?.message : "source and id are needed";
  throw misused(`--ref-source, --ref-provider and --ref-id make no reference: ${why}`);
}

function checkProviderPath(path: readonly string[]): void {
  if (path.length === 3 && path[0] === "secrets" && path[1] === "providers") return;
  throw misused("a provider is set at secrets.providers.NAME");
}

/**
 * The change that the operations make together.
 *
 * @param how - `merge` adds to what is there, `replace` may lose what was there.
 * @throws GatewayError invalid_request for a merge of what cannot be merged.
 */
export function changeOf(
  operations: readonly Operation[],
  how: "assign" | "merge" | "replace",
): TreeChange {
  return { kind: "batch", changes: operations.map((one) => oneChange(one, how)) };
}

function oneChange(
  { path, value, mode }: Operation,
  how: "assign" | "merge" | "replace",
): TreeChange {
  if (how !== "merge" || mode === "builder") {
    return { kind: "set", path, value, isCareful: how !== "replace" };
  }
  if (!isTree(value) && !Array.isArray(value)) {
    throw misused("--merge takes an object or a list");
  }
  const patch = path.reduceRight<unknown>((inner, key) => ({ [key]: inner }), value);
  return { kind: "merge", patch, mayReplace: new Set() };
}

export function misused(what: string): GatewayError {
  return new GatewayError("invalid_request", `${what}; try --help`);
}
