/** References to secrets that are kept elsewhere: `{ source, provider, id }`. Pure. */
import * as z from "zod";
import type { Issue } from "../issues/error.ts";
import { isCredential } from "../credentials.ts";
import { pathText } from "../issues/path-text.ts";
import type { Secrets } from "../sections/secrets.ts";
import { isTree } from "../tree.ts";

/** As a provider without a name in the config is called: variables and our own store need no settings. */
export const DEFAULT_PROVIDER = "default";

const NAME = /^[A-Z][A-Z0-9_]{0,127}$/;
const ID = {
  env: NAME,
  store: NAME,
  file: /^(?:value|\/.{0,1023})$/,
  exec: /^(?!.*(?:^|\/)\.{1,2}(?:\/|$))[A-Za-z0-9][A-Za-z0-9._:/#-]{0,255}$/,
} as const;

/** A reference as it is written. */
export const WrittenReference = z
  .strictObject({
    source: z.enum(["env", "file", "exec", "store"], {
      error: 'source must be "env", "file", "exec" or "store"',
    }),
    provider: z
      .string()
      .regex(/^[a-z][a-z0-9_-]{0,63}$/, "provider is no name for a provider of secrets")
      .optional(),
    id: z.string(),
  })
  .refine(({ source, id }) => ID[source].test(id), { error: "id is none of that source" });

/** A secret that is kept elsewhere. */
export interface SecretReference {
  /** Of the setting that refers to it. */
  readonly path: readonly string[];
  readonly source: "env" | "file" | "exec" | "store";
  readonly provider: string;
  readonly id: string;
}

/** True for what is meant as a reference, well made or not. */
export function isSecretReference(value: unknown): boolean {
  return isTree(value) && Object.hasOwn(value, "source") && Object.hasOwn(value, "id");
}

export interface FoundReferences {
  readonly references: readonly SecretReference[];
  readonly issues: readonly Issue[];
}

/** All references in settings that hold a credential. */
export function findReferences(root: unknown, secrets: Secrets): FoundReferences {
  const references: SecretReference[] = [];
  const issues: Issue[] = [];
  const walk = (value: unknown, path: readonly string[]): void => {
    if (isSecretReference(value) && isCredential(path.join("."))) {
      const read = readReference(value, path, secrets);
      if ("message" in read) issues.push(read);
      else references.push(read);
    } else if (typeof value === "object" && value !== null) {
      for (const [key, child] of Object.entries(value)) walk(child, [...path, key]);
    }
  };
  walk(root, []);
  return { references, issues };
}

function readReference(
  value: unknown,
  path: readonly string[],
  { providers, defaults }: Secrets,
): SecretReference | Issue {
  const shape = WrittenReference.safeParse(value);
  const at = pathText(path);
  if (!shape.success) {
    const [issue] = shape.error.issues;
    return { path: at, message: issue?.message ?? "is no reference to a secret" };
  }
  const { source, id } = shape.data;
  const provider = shape.data.provider ?? defaults[source] ?? DEFAULT_PROVIDER;
  const why = whyNotOf(source, provider, { providers, defaults });
  if (why === undefined) return { path, source, provider, id };
  return { path: at, message: `refers to the provider "${provider}", which ${why}` };
}

function whyNotOf(
  source: SecretReference["source"],
  name: string,
  { providers, defaults }: Secrets,
): string | undefined {
  const known = Object.hasOwn(providers, name) ? providers[name] : undefined;
  if (known?.source === source) return undefined;
  // A name that another source has taken is the built-in one of these two all the same.
  const needsNone = source === "env" || source === "store";
  const isBuiltIn = needsNone && (name === DEFAULT_PROVIDER || name === defaults[source]);
  if (isBuiltIn) return undefined;
  return known === undefined ? "is not in secrets.providers" : `is no "${source}" provider`;
}
