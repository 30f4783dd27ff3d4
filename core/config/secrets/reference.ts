/** References to secrets that are kept elsewhere: `{ source, provider, id }`. Pure. */
import * as z from "zod";
import type { Issue } from "../issues/error.ts";
import { isCredential } from "../credentials.ts";
import { pathText } from "../issues/path-text.ts";
import type { Secrets } from "../sections/secrets.ts";
import { isTree } from "../tree.ts";

/** As a provider without a name in the config is called: the environment needs no settings. */
const DEFAULT_PROVIDER = "default";

const ID = {
  env: /^[A-Z][A-Z0-9_]{0,127}$/,
  file: /^(?:value|\/.{0,1023})$/,
  exec: /^(?!.*(?:^|\/)\.{1,2}(?:\/|$))[A-Za-z0-9][A-Za-z0-9._:/#-]{0,255}$/,
} as const;

const Shape = z
  .strictObject({
    source: z.enum(["env", "file", "exec"], {
      error: 'source must be "env", "file" or "exec": this version keeps no secrets of its own',
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
  readonly source: "env" | "file" | "exec";
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
  const shape = Shape.safeParse(value);
  const at = pathText(path);
  if (!shape.success) {
    const [issue] = shape.error.issues;
    return { path: at, message: issue?.message ?? "is no reference to a secret" };
  }
  const { source, id } = shape.data;
  const provider = shape.data.provider ?? defaults[source] ?? DEFAULT_PROVIDER;
  const why = whyNotOf(source, provider, providers);
  if (why === undefined) return { path, source, provider, id };
  return { path: at, message: `refers to the provider "${provider}", which ${why}` };
}

function whyNotOf(
  source: SecretReference["source"],
  name: string,
  providers: Secrets["providers"],
): string | undefined {
  const known = Object.hasOwn(providers, name) ? providers[name] : undefined;
  if (known !== undefined)
    return known.source === source ? undefined : `is no "${source}" provider`;
  const isBuiltIn = source === "env" && name === DEFAULT_PROVIDER;
  return isBuiltIn ? undefined : "is not in secrets.providers";
}
