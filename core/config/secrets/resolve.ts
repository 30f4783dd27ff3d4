import { err, ok, type Result } from "../../../shared/result.ts";
import { Secret } from "../../../shared/secret.ts";
import { pathText } from "../issues/path-text.ts";
import type { Environment } from "../paths.ts";
import type { Secrets } from "../sections/secrets.ts";
import type { Owner, SecretFault } from "./file.ts";
import type { SecretReference } from "./reference.ts";

/**
 * The secrets of earlier loads, by reference. While a place of theirs cannot be reached, what was
 * learned there goes on to count.
 */
export type SecretMemory = Map<string, Secret>;

export interface ResolvedSecrets {
  /** By dotted path of the setting. */
  readonly values: ReadonlyMap<string, string>;
  /** Dotted paths of settings whose secret is not to be had. */
  readonly missing: ReadonlyMap<string, SecretFault>;
  readonly warnings: readonly string[];
}

export interface SecretSources extends Owner {
  readonly secrets: Secrets;
  readonly environment: Environment;
  readonly memory: SecretMemory;
}

/** Gets all secrets that are referred to, each place asked once. */
export async function resolveSecrets(
  references: readonly SecretReference[],
  sources: SecretSources,
): Promise<ResolvedSecrets> {
  const byProvider = Map.groupBy(references, ({ source, provider }) => `${source}:${provider}`);
  const groups = await Promise.all(
    [...byProvider.values()].map(async (group) => ({ group, found: await ask(group, sources) })),
  );
  const values = new Map<string, string>();
  const missing = new Map<string, SecretFault>();
  const warnings: string[] = [];
  for (const { group, found } of groups) {
    for (const reference of group) {
      const got = found.get(reference.id) ?? err("it is not there");
      const key = keyOf(reference);
      const path = reference.path.join(".");
      const earlier = sources.memory.get(key);
      if (got.ok) {
        sources.memory.set(key, new Secret(got.value));
        values.set(path, got.value);
      } else if (earlier === undefined) missing.set(path, got.error);
      else values.set(path, earlier.reveal());
      if (!got.ok) warnings.push(warningOf(reference, got.error, earlier !== undefined));
    }
  }
  return { values, missing, warnings };
}

async function ask(
  group: readonly SecretReference[],
  { secrets, environment, uid, home }: SecretSources,
): Promise<ReadonlyMap<string, Result<string, SecretFault>>> {
  const [first] = group;
  const name = first?.provider ?? "";
  const provider = Object.hasOwn(secrets.providers, name) ? secrets.providers[name] : undefined;
  const ids = [...new Set(group.map(({ id }) => id))];
  if (provider?.source === "file") {
    const { secretsOfFile } = await import("./file.ts");
    return secretsOfFile(provider, ids, { uid, home });
  }
  if (provider?.source === "exec") {
    const { secretsOfProgram } = await import("./exec.ts");
    return secretsOfProgram({ name, provider, ids, environment, uid, home });
  }
  const allowed = provider?.allowlist;
  return new Map(ids.map((id) => [id, variable(id, environment, allowed)]));
}

function variable(
  name: string,
  environment: Environment,
  allowed: readonly string[] | undefined,
): Result<string, SecretFault> {
  if (allowed?.includes(name) === false) return err("its variable is not in the allowlist");
  const value = environment[name] ?? "";
  return value === "" ? err(`the variable ${name} is not set`) : ok(value);
}

function keyOf({ source, provider, id }: SecretReference): string {
  return JSON.stringify([source, provider, id]);
}

function warningOf(
  { path, source, provider }: SecretReference,
  fault: SecretFault,
  isKept: boolean,
): string {
  const consequence = isKept ? "the one from before is kept" : "so it counts as left out";
  return `${pathText(path)} needs a secret of the ${source} provider "${provider}", and ${fault}: ${consequence}`;
}
